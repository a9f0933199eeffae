//! Asks the registry whether it still has an image, unchanged, for the required platforms.

use check_image::{Platform, reasons::PLATFORM_MISSING};
use contract::{Failure, Reference, World};
use overlay::OverlayRefusal;

use super::question::{BadImagePlatforms, CandidateAnswer, CandidateCheck};
use crate::request::Request;

/// Checks a candidate.
///
/// If the file names the digest, the digest alone decides what runs, wherever the tag points now.
/// If only the history knows the digest, the tag must still point to it.
///
/// # Errors
/// When the registry does not answer.
pub(crate) async fn check(
    request: &Request,
    candidate: &CandidateCheck,
    world: &World,
) -> Result<CandidateAnswer, Failure> {
    let image = &candidate.image;
    let check = check_image::Request::for_image(
        requested(image, candidate.is_pinned),
        candidate.platforms.clone(),
        &request.connection,
        request.image.registry(),
        world,
    )?;
    let report = check_image::check(&check, world).await.map_err(|failure| {
        failure
            .context(format!("could not find out whether {image} is still there"))
            .hinted(format!(
                "run it where the registry can be reached; or, if the image is surely still \
                 there, deploy it without this check: `bump-overlay --force --image {image}`, \
                 with the same overlay and branch"
            ))
    })?;
    if let Some(reason) = report.reason {
        let why = if reason == PLATFORM_MISSING {
            ", which the bad one has"
        } else {
            ""
        };
        let refusal = OverlayRefusal::new(reason, report.summary + why);
        return Ok(CandidateAnswer::Refused(refusal));
    }
    let digest = report
        .facts
        .get("digest")
        .and_then(|digest| digest.as_str()?.parse().ok());
    Ok(CandidateAnswer::Present(match digest {
        Some(digest) => image.pinned(digest),
        None => image.clone(),
    }))
}

/// Returns the platforms of the bad image: nodes of each of them may run it, so its replacement
/// must be for all of them.
///
/// If they are not known, the step requires none and says so: a bad image must not stay deployed
/// because it is gone, or because its registry does not answer. Only if a candidate is in the same
/// repository is that a failure, since the step has to ask the same registry for the candidate
/// anyway.
///
/// # Errors
/// When the registry does not answer, and has a candidate too.
pub(crate) async fn platforms_of_bad(
    request: &Request,
    bad: &BadImagePlatforms,
    world: &World,
) -> Result<Vec<Platform>, Failure> {
    let text = &bad.text;
    let why = match &bad.image {
        None => format!("`{text}` has neither tag nor digest"),
        Some(image) => match platforms(request, image, world).await {
            Ok(Some(platforms)) => return Ok(platforms),
            Ok(None) => format!("{text} is no longer in its registry, or no whole image"),
            Err(failure) if bad.is_elsewhere => failure.summary(),
            Err(failure) => {
                let context = format!("could not find out for which platforms {text} is");
                return Err(failure.context(context));
            }
        },
    };
    world.notice(format!(
        "no platform is required, since those of the bad image are not known: {why}"
    ));
    Ok(Vec::new())
}

async fn platforms(
    request: &Request,
    image: &Reference,
    world: &World,
) -> Result<Option<Vec<Platform>>, Failure> {
    let (image, none) = (image.clone(), Vec::new());
    let registry = request.image.registry();
    let check = check_image::Request::for_image(image, none, &request.connection, registry, world)?;
    check_image::platforms(&check, world).await
}

/// Returns the reference to ask for: by digest alone if the file names it.
fn requested(image: &Reference, is_pinned: bool) -> Reference {
    match image.digest() {
        // A name and a digest are always a reference.
        Some(digest) if is_pinned => format!("{}@{digest}", image.familiar())
            .parse()
            .unwrap_or_else(|_| image.clone()),
        _ => image.clone(),
    }
}
