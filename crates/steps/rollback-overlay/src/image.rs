//! Whether the registry still has an image, as it was.

use branch::Refused;
use contract::{Failure, Reference, World};

use crate::request::Request;

/// Returns the image pinned by its digest, or why it cannot be restored.
///
/// Where the file says the digest, that alone is what runs, wherever the tag has gone; where only the
/// history knows it, the tag must still mean it.
pub(crate) async fn still_there(
    request: &Request,
    image: &Reference,
    is_pinned: bool,
    world: &World,
) -> Result<Result<Reference, Refused>, Failure> {
    let report = check_image::look(&wanted(image, is_pinned), &request.connection, world).await;
    let report = report
        .map_err(|failure| failure.context(format!("could not find out whether {image} is still there")))?;
    if let Some(reason) = report.reason {
        return Ok(Err(Refused::new(reason, report.summary)));
    }
    let digest = report.facts.get("digest").and_then(|digest| digest.as_str()?.parse().ok());
    Ok(Ok(digest.map_or_else(|| image.clone(), |digest| image.pinned(digest))))
}

fn wanted(image: &Reference, is_pinned: bool) -> Reference {
    match image.digest() {
        // A name and a digest are always a reference.
        Some(digest) if is_pinned => {
            format!("{}@{digest}", image.familiar()).parse().unwrap_or_else(|_| image.clone())
        }
        _ => image.clone(),
    }
}
