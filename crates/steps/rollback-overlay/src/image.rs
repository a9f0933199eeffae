//! Whether the registry still has an image, as it was, for the platforms that are needed.

use check_image::{Platform, reasons::PLATFORM_MISSING};
use contract::{Failure, Reference, World};
use overlay::OverlayRefusal;

use crate::request::Request;

/// Returns the image pinned by its digest, or why it cannot be restored.
///
/// Where the file says the digest, that alone is what runs, wherever the tag has gone; where only the
/// history knows it, the tag must still mean it.
pub(crate) async fn still_there(
    request: &Request,
    image: &Reference,
    is_pinned: bool,
    platforms: &[Platform],
    world: &World,
) -> Result<Result<Reference, OverlayRefusal>, Failure> {
    let check = check_image::Request::for_image(
        wanted(image, is_pinned),
        platforms.to_vec(),
        &request.connection,
        world,
    )?;
    let report = check_image::check(&check, world).await;
    let report = report.map_err(|failure| {
        failure.context(format!("could not find out whether {image} is still there"))
    })?;
    if let Some(reason) = report.reason {
        let why = if reason == PLATFORM_MISSING {
            ", which the bad one has"
        } else {
            ""
        };
        return Ok(Err(OverlayRefusal::new(reason, report.summary + why)));
    }
    let digest = report
        .facts
        .get("digest")
        .and_then(|digest| digest.as_str()?.parse().ok());
    Ok(Ok(digest.map_or_else(
        || image.clone(),
        |digest| image.pinned(digest),
    )))
}

/// Returns the platforms of the bad image: nodes of each of them may run it, so that what comes in its
/// place must be for them too.
///
/// Where they are not known none is demanded, and that is said: that the bad image is gone, or is where
/// nobody can ask, must not keep it deployed. Only where the good one is in the same place the question
/// is put to the same registry anyway.
pub(crate) async fn platforms_of_bad(
    request: &Request,
    bad: &str,
    image: Option<&Reference>,
    is_elsewhere: bool,
    world: &World,
) -> Result<Vec<Platform>, Failure> {
    let why = match image {
        None => format!("`{bad}` has neither tag nor digest"),
        Some(image) => match platforms_of(request, image, world).await {
            Ok(Some(platforms)) => return Ok(platforms),
            Ok(None) => format!("{bad} is no longer in its registry, or no whole image"),
            Err(failure) if is_elsewhere => failure.summary(),
            Err(failure) => {
                return Err(
                    failure.context(format!("could not find out for which platforms {bad} is"))
                );
            }
        },
    };
    world.notice(format!(
        "no platform is demanded, since those of the bad image are not known: {why}"
    ));
    Ok(Vec::new())
}

async fn platforms_of(
    request: &Request,
    image: &Reference,
    world: &World,
) -> Result<Option<Vec<Platform>>, Failure> {
    let (image, none) = (image.clone(), Vec::new());
    let check = check_image::Request::for_image(image, none, &request.connection, world)?;
    check_image::platforms(&check, world).await
}

fn wanted(image: &Reference, is_pinned: bool) -> Reference {
    match image.digest() {
        // A name and a digest are always a reference.
        Some(digest) if is_pinned => format!("{}@{digest}", image.familiar())
            .parse()
            .unwrap_or_else(|_| image.clone()),
        _ => image.clone(),
    }
}
