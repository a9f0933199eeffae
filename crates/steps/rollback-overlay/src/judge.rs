//! Decides for each overlay which value is bad, and which image replaces it.

mod bad;
mod candidates;
mod edit;
pub(crate) mod known_image;
mod registries;
#[cfg(test)]
mod tests;

use check_image::reasons::PLATFORM_MISSING;
use contract::{Commit, Platform, Reference};
use overlay::{Diff, EditResult, OverlayRefusal, reasons::INCOMPLETE_IMAGE};

use self::{bad::BadValue, candidates::Candidate, known_image::KnownImage, registries::Registries};
use crate::{
    observe::{
        FileObservation, MAX_REVISIONS, OverlayObservation,
        question::{
            BadImageAnswer, BadImagePlatforms, CandidateAnswer, CandidateCheck, RollbackQuestion,
        },
    },
    reasons::{NO_EARLIER_IMAGE, OTHER_REGISTRY},
    request::Request,
};

/// What becomes of the overlays, in the order given. The default is the state before anything was
/// read.
#[derive(Debug, Default)]
pub(crate) struct Judgement {
    pub(crate) tip: Option<Commit>,
    pub(crate) overlays: Vec<OverlayJudgement>,
}

/// What becomes of one overlay.
#[derive(Debug)]
pub(crate) struct OverlayJudgement {
    pub(crate) observation: OverlayObservation,
    pub(crate) outcome: OverlayOutcome,
}

/// What becomes of a file.
#[derive(Debug)]
pub(crate) enum OverlayOutcome {
    Restore(Box<Restoration>),
    /// The file already is as this run would leave it.
    Already(String),
    /// The file has another image than the bad one.
    Superseded(String),
    Refused(OverlayRefusal),
}

/// The edit that replaces the bad image with a good one.
#[derive(Debug)]
pub(crate) struct Restoration {
    pub(crate) bad: KnownImage,
    pub(crate) good: KnownImage,
    pub(crate) edited: EditResult,
    pub(crate) diff: Diff,
    /// Why the step passed over better candidates.
    pub(crate) passed_over: Vec<String>,
    /// The entry whose result the restored entry changes again.
    pub(crate) shadows: Option<String>,
    /// Why the good image may not be good.
    pub(crate) doubt: Option<String>,
}

impl Judgement {
    /// Returns the overlays that change.
    pub(crate) fn restored(&self) -> impl Iterator<Item = (&str, &Restoration)> {
        self.overlays
            .iter()
            .filter_map(|overlay| match &overlay.outcome {
                OverlayOutcome::Restore(restoration) => Some((overlay.path(), &**restoration)),
                _ => None,
            })
    }

    /// Returns whether one overlay stops them all.
    pub(crate) fn stops(&self) -> bool {
        self.overlays.iter().any(|overlay| {
            matches!(
                overlay.outcome,
                OverlayOutcome::Refused(_) | OverlayOutcome::Superseded(_)
            )
        })
    }

    /// Returns the files that were found.
    pub(crate) fn files(&self) -> impl Iterator<Item = &FileObservation> {
        self.overlays.iter().filter_map(OverlayJudgement::file)
    }
}

impl OverlayJudgement {
    /// Returns the file, if it was found.
    pub(crate) fn file(&self) -> Option<&FileObservation> {
        self.observation.file.as_ref().ok()
    }

    /// Returns the path of the file; empty if it was not found.
    pub(crate) fn path(&self) -> &str {
        self.file().map_or("", |file| &file.file.path)
    }
}

/// Judges the file of one overlay.
///
/// # Errors
/// The next question, if the observation does not answer everything yet.
pub(crate) fn judge(
    request: &Request,
    file: &FileObservation,
) -> Result<OverlayOutcome, RollbackQuestion> {
    let Some(deployed) = file.values.list.first() else {
        let message = format!(
            "`{}`: its history does not say which image it deploys",
            file.file.path
        );
        let refusal = OverlayRefusal::new(NO_EARLIER_IMAGE, message);
        return Ok(OverlayOutcome::Refused(refusal));
    };
    match bad::find(request, file, deployed)? {
        BadValue::At(bad) if file.values.list[bad].image == deployed.image => {
            restore(request, file)
        }
        BadValue::At(bad) => Ok(moved_on(request, file, bad)),
        BadValue::Never => Ok(OverlayOutcome::Superseded(format!(
            "deploys {}, and never had the bad image",
            deployed.image
        ))),
        BadValue::RolledBack(text) => Ok(OverlayOutcome::Already(text)),
        BadValue::NotSet(refusal) => Ok(OverlayOutcome::Refused(refusal)),
    }
}

/// The bad image is no longer deployed: because of this very rollback, or of a newer image.
fn moved_on(request: &Request, file: &FileObservation, bad: usize) -> OverlayOutcome {
    let deployed = &file.values.list[0];
    let text = format!("deploys {} since {}", deployed.image, deployed.commit);
    if is_restored(request, file, bad) {
        OverlayOutcome::Already(text)
    } else {
        let bad = &file.values.list[bad].image;
        OverlayOutcome::Superseded(format!("{text}, no longer {bad}"))
    }
}

/// Returns whether the deployed image is the one that this run would restore.
fn is_restored(request: &Request, file: &FileObservation, bad: usize) -> bool {
    let values = &file.values;
    let deployed = &values.list[0];
    if let Some(to) = &request.to {
        return values
            .reference(deployed)
            .is_some_and(|image| branch::is_same(&image, to));
    }
    let bad_image = values.named(&values.list[bad]);
    let is_of_this_rollback = bad_image.is_some_and(|bad| {
        let mut undone = deployed.undone.iter();
        undone.any(|image| image.is_same(&bad))
    });
    is_of_this_rollback
        || candidates::find(request, file, bad)
            .iter()
            .find_map(Candidate::as_image)
            .is_some_and(|good| good.text == deployed.image)
}

/// Restores the first candidate that the registry still has, instead of the deployed image.
fn restore(request: &Request, file: &FileObservation) -> Result<OverlayOutcome, RollbackQuestion> {
    let bad = KnownImage::of(&file.values, &file.values.list[0]);
    let registries = Registries::of(request, &bad);
    let candidates = candidates::find(request, file, 0);
    let known = look_up(request, file, &bad, &candidates)?;
    let (mut passed_over, mut answers) = (Vec::new(), file.candidates.iter());
    for candidate in candidates {
        let image = match candidate {
            Candidate::Image(image) => image,
            Candidate::Failed(why) => {
                passed_over.push(why);
                continue;
            }
        };
        let answer = match registries.refuses(&image) {
            Some(refusal) => CandidateAnswer::Refused(refusal),
            None => check(&image, &known.platforms, &mut answers)?,
        };
        match answer {
            CandidateAnswer::Present(reference)
                if request.to.is_none() && is_bad(file, &known, &reference) =>
            {
                passed_over.push(format!("{} is the very image that is bad", image.text));
            }
            CandidateAnswer::Present(reference) => {
                let good = KnownImage {
                    image: Some(reference),
                    ..*image
                };
                return Ok(restoration(file, bad, good, passed_over));
            }
            CandidateAnswer::Refused(refusal) if request.allow_older => {
                passed_over.push(refusal.message);
            }
            CandidateAnswer::Refused(refusal) => {
                return Ok(OverlayOutcome::Refused(with_hint(refusal)));
            }
        }
    }
    let refusal = nothing_earlier(file, &bad.text, &passed_over);
    Ok(OverlayOutcome::Refused(refusal))
}

/// Returns whether the registry has bad bytes under the name of a candidate.
fn is_bad(file: &FileObservation, known: &BadImageAnswer, image: &Reference) -> bool {
    let digest = image.digest();
    digest.is_some() && digest == known.digest.as_ref() || file.values.bad(image).is_some()
}

/// Returns the bad image, whose platforms the good one must have; with `--to` the user takes
/// responsibility.
fn look_up(
    request: &Request,
    file: &FileObservation,
    bad: &KnownImage,
    candidates: &[Candidate],
) -> Result<BadImageAnswer, RollbackQuestion> {
    let images: Vec<&KnownImage> = candidates.iter().filter_map(Candidate::as_image).collect();
    if request.to.is_some() || images.is_empty() {
        return Ok(BadImageAnswer::default());
    }
    file.bad_image.clone().ok_or_else(|| {
        let is_elsewhere = images.iter().all(|good| good.name() != bad.name());
        RollbackQuestion::Platforms(Box::new(BadImagePlatforms {
            text: bad.text.clone(),
            image: bad.image.clone(),
            is_elsewhere,
        }))
    })
}

/// Returns the registry's answer about the next candidate.
fn check<'f>(
    candidate: &KnownImage,
    platforms: &[Platform],
    answers: &mut impl Iterator<Item = &'f CandidateAnswer>,
) -> Result<CandidateAnswer, RollbackQuestion> {
    let Some(image) = &candidate.image else {
        let message = format!("`{}` has neither tag nor digest", candidate.text);
        let refusal = OverlayRefusal::new(INCOMPLETE_IMAGE, message);
        return Ok(CandidateAnswer::Refused(refusal));
    };
    answers.next().cloned().ok_or_else(|| {
        RollbackQuestion::Candidate(Box::new(CandidateCheck {
            image: Reference::clone(image),
            is_pinned: candidate.text.contains('@'),
            platforms: platforms.to_vec(),
        }))
    })
}

fn restoration(
    file: &FileObservation,
    bad: KnownImage,
    good: KnownImage,
    passed_over: Vec<String>,
) -> OverlayOutcome {
    let edited = match edit::restore(&file.file, &good.text) {
        Ok(edited) if edited.changed => edited,
        Ok(_) => return OverlayOutcome::Already(format!("{} already", good.text)),
        Err(refusal) => return OverlayOutcome::Refused(refusal),
    };
    let doubt = match &file.deployments {
        Some(deployments) if !good.is_verified => Some(deployments.unverified(&good.text)),
        _ => None,
    };
    OverlayOutcome::Restore(Box::new(Restoration {
        diff: Diff::between(&file.file.path, &file.file.content, &edited.text),
        bad,
        good,
        edited,
        passed_over,
        shadows: file.file.shadows.clone(),
        doubt,
    }))
}

fn with_hint(refusal: OverlayRefusal) -> OverlayRefusal {
    let hint = if refusal.reason == OTHER_REGISTRY {
        "name the image with `--to` to restore it from there, or pass `--allow-older` for the \
         image before that one"
    } else if refusal.reason == PLATFORM_MISSING {
        "pass `--allow-older` for the image before that one, or name this one with `--to` if no \
         node needs the platform"
    } else {
        "pass `--allow-older` for the image before that one, or name one with `--to`"
    };
    refusal.hint(hint)
}

fn nothing_earlier(file: &FileObservation, bad: &str, passed_over: &[String]) -> OverlayRefusal {
    let (values, path) = (&file.values, &file.file.path);
    let reach = match values.list.last() {
        Some(first) if values.is_whole => format!(
            "the first one of this file came with {}",
            first.commit.short()
        ),
        _ => format!("in the last {MAX_REVISIONS} changes of the file"),
    };
    let message = if passed_over.is_empty() {
        format!("`{path}`: there is no image before {bad} that is not known to be bad, {reach}")
    } else {
        let passed_over = passed_over.join("; ");
        format!("`{path}`: no image before {bad} is left, {reach}: {passed_over}")
    };
    OverlayRefusal::new(NO_EARLIER_IMAGE, message).hint(
        "name an image with `--to`; a file that was moved and changed in one commit begins there",
    )
}
