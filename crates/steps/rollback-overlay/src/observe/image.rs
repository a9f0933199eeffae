//! Asks the registry whether it still has an image, unchanged, for the required platforms.

use check_image::{RegistryImage, reasons::PLATFORM_MISSING};
use contract::{Failure, Reference, World};
use overlay::OverlayRefusal;

use super::question::{BadImageAnswer, BadImagePlatforms, CandidateAnswer, CandidateCheck};
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

/// Returns the digest and the platforms of the bad image: nodes of each of them may run it, so its replacement
/// must be for all of them.
///
/// If they are not known, the step requires none and says so: a bad image must not stay deployed
/// because it is gone, or because its registry does not answer. Only if a candidate is in the same
/// repository is that a failure, since the step has to ask the same registry for the candidate
/// anyway.
///
/// # Errors
/// When the registry does not answer, and has a candidate too.
pub(crate) async fn look_up_bad(
    request: &Request,
    bad: &BadImagePlatforms,
    world: &World,
) -> Result<BadImageAnswer, Failure> {
    let text = &bad.text;
    let mut answer = BadImageAnswer::default();
    let why = match &bad.image {
        None => format!("`{text}` has neither tag nor digest"),
        Some(image) => match look_up(request, image, world).await {
            Ok(Some(found)) => {
                answer.digest = Some(found.digest);
                if let Some(platforms) = found.platforms {
                    return Ok(BadImageAnswer {
                        platforms,
                        ..answer
                    });
                }
                format!("{text} is no whole image")
            }
            Ok(None) => format!("{text} is no longer in its registry"),
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
    Ok(answer)
}

async fn look_up(
    request: &Request,
    image: &Reference,
    world: &World,
) -> Result<Option<RegistryImage>, Failure> {
    let (image, none) = (image.clone(), Vec::new());
    let registry = request.image.registry();
    let check = check_image::Request::for_image(image, none, &request.connection, registry, world)?;
    check_image::look_up(&check, world).await
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
