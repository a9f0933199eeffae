//! Reports the judgement: the verdict in words, hints, and the facts.

mod revision;

use contract::{Digest, Reason, Report, Subject};

use crate::{
    Facts, Request,
    judge::{ImageOutcome, Judgement, PlatformOutcome},
    observe::{ImageDefect, ImagePart, ImageWait},
    reasons::{
        ABSENT, DANGLING_INDEX, NO_REVISION, NOT_AN_IMAGE, PLATFORM_MISSING, REVISION_MISMATCH,
        TAG_MOVED,
    },
};

pub(crate) fn report(request: &Request, judgement: &Judgement<'_>) -> Report {
    let report = match &judgement.outcome {
        ImageOutcome::Absent(said) => absent(request, said, judgement.wait),
        ImageOutcome::Moved { requested, found } => moved(request, requested, found),
        ImageOutcome::Foreign { kind, .. } => not_an_image(request, kind),
        ImageOutcome::Image {
            digest,
            parts,
            platforms,
        } => image(request, digest, parts, platforms),
    };
    let facts = facts(request, judgement, &report);
    let value = facts.image.clone();
    let notices = revision::notices(request, judgement);
    Report {
        value,
        notices,
        ..report.with_facts(&facts)
    }
}

fn facts(request: &Request, judgement: &Judgement<'_>, report: &Report) -> Facts {
    let facts = Facts {
        attempts: Some(judgement.wait.attempts),
        waited: judgement.wait.waited,
        ..Facts::default()
    };
    match &judgement.outcome {
        ImageOutcome::Absent(_) | ImageOutcome::Moved { .. } => facts,
        ImageOutcome::Foreign { digest, .. } => Facts {
            digest: Some(digest.to_string()),
            ..facts
        },
        ImageOutcome::Image { digest, parts, .. } => Facts {
            // Only a good image is passed on: a workflow uses every output that is set.
            image: report
                .verdict
                .is_good()
                .then(|| request.image.pinned((*digest).clone()).to_string()),
            digest: Some(digest.to_string()),
            digests: Some(digests(digest, parts)),
            revision: revision::fact(judgement),
            platforms: Some(platforms(parts)),
            ..facts
        },
    }
}

fn absent(request: &Request, said: &str, wait: ImageWait) -> Report {
    let image = &request.image;
    let what = match image.tag() {
        Some(tag) => format!("tag {tag}"),
        None => format!("digest {}", image.selector()),
    };
    let waited = match wait.waited {
        Some(seconds) => format!(", after {seconds} s, {} attempts", wait.attempts),
        None => String::new(),
    };
    let summary = format!("{what} not found in {} ({said}){waited}", image.name());
    Report::refused(ABSENT, summary).hinted(if request.waits {
        "check whether the build of this commit has finished and pushed the image"
    } else {
        "pass `--timeout 10m` to wait for a build that is still running"
    })
}

fn moved(request: &Request, requested: &Digest, found: &Digest) -> Report {
    let image = &request.image;
    let tag = match image.tag() {
        Some(tag) => format!("tag {tag} now points to"),
        None => String::new(),
    };
    let summary = format!(
        "{tag} {}, not to {}, in {}",
        found.short(),
        requested.short(),
        image.name()
    );
    Report::refused(TAG_MOVED, summary).hinted(format!(
        "the tag was pushed again; deploy the new image as `{}`, or the old one by `@{requested}` \
         alone",
        image.pinned(found.clone())
    ))
}

fn not_an_image(request: &Request, kind: &str) -> Report {
    let summary = format!(
        "{} is not a runnable container image: {kind}",
        request.image
    );
    let hint = if kind.contains("schema1") {
        "build and push the image again with a current builder: runtimes no longer pull this format"
    } else {
        "check the repository and the tag: charts and signatures are often stored next to the image"
    };
    Report::refused(NOT_AN_IMAGE, summary).hinted(hint)
}

/// Reports on each platform. An image without any platform is no pass.
fn image(
    request: &Request,
    digest: &Digest,
    parts: &[ImagePart],
    outcomes: &[PlatformOutcome<'_>],
) -> Report {
    let has = platforms(parts).join(", ");
    let commit = request
        .revision
        .as_ref()
        .map_or("", |asked| asked.commit.short());
    let subjects = outcomes
        .iter()
        .map(|outcome| subject(outcome, &has, commit));
    let Some(report) = Report::about(subjects.collect()) else {
        return not_an_image(request, "an index that lists no image");
    };
    let image = &request.image;
    if !report.verdict.is_good() {
        let hint = repair(report.reason, outcomes);
        let summary = format!("{image}: {}", report.summary);
        let is_partial = request.platforms.is_empty() && report.reason == Some(DANGLING_INDEX);
        let report = Report { summary, ..report }.hinted(hint);
        return if is_partial && !has.is_empty() {
            report.hinted(PARTIAL_HINT)
        } else {
            report
        };
    }
    let platforms = if has.is_empty() {
        String::new()
    } else {
        format!(" for {has}")
    };
    let summary = format!("{image} is there{platforms}, {}", digest.short());
    Report { summary, ..report }
}

/// A mirror may copy only some of the images that an index lists.
const PARTIAL_HINT: &str = "or pass `--platform` for the platforms that the nodes have, if this \
    registry has the images of some platforms only";

/// Returns what to do about the worst platform.
fn repair(reason: Option<Reason>, outcomes: &[PlatformOutcome<'_>]) -> &'static str {
    if [Some(REVISION_MISMATCH), Some(NO_REVISION)].contains(&reason) {
        revision::repair(outcomes)
    } else if reason == Some(PLATFORM_MISSING) {
        "build the image for this platform too (`platforms:` of docker/build-push-action), or \
         remove the platform from `--platform`"
    } else {
        "push the image again; a clean-up of untagged versions deletes images that an index needs"
    }
}

fn subject(outcome: &PlatformOutcome<'_>, has: &str, commit: &str) -> Subject {
    match outcome {
        PlatformOutcome::Complete { part, .. } => {
            Subject::passed(name(part), part.manifest.short())
                .with_fact("digest", part.manifest.as_str())
        }
        PlatformOutcome::OtherRevision {
            part,
            revision,
            reason,
        } => Subject::refused(name(part), *reason, revision::explain(commit, revision))
            .with_fact("digest", part.manifest.as_str()),
        PlatformOutcome::Broken {
            part,
            defect,
            reason,
        } => Subject::refused(name(part), *reason, explain(part, defect))
            .with_fact("digest", part.manifest.as_str()),
        PlatformOutcome::Missing(platform) => {
            let has = if has.is_empty() { "none" } else { has };
            let summary = format!("missing platform {platform} (has {has})");
            Subject::refused(platform.to_string(), PLATFORM_MISSING, summary)
        }
    }
}

fn name(part: &ImagePart) -> String {
    match &part.platform {
        Some(platform) => platform.to_string(),
        None => part.manifest.short().to_owned(),
    }
}

fn explain(part: &ImagePart, defect: &ImageDefect) -> String {
    match defect {
        ImageDefect::ManifestAbsent => {
            format!("the index lists {}, which is missing", part.manifest)
        }
        ImageDefect::ConfigAbsent(config) => format!("its configuration {config} is missing"),
        ImageDefect::NoPlatform => {
            "its configuration names no platform, as that of a signature".to_owned()
        }
    }
}

fn platforms(parts: &[ImagePart]) -> Vec<String> {
    let platforms = parts.iter().filter_map(|part| part.platform.as_ref());
    platforms.map(ToString::to_string).collect()
}

/// Returns every digest that a container runtime may show for the image, each once.
fn digests(image: &Digest, parts: &[ImagePart]) -> Vec<String> {
    let mut digests = vec![image.to_string()];
    for digest in parts
        .iter()
        .flat_map(|part| [Some(&part.manifest), part.config.as_ref()])
        .flatten()
        .map(Digest::to_string)
    {
        if !digests.contains(&digest) {
            digests.push(digest);
        }
    }
    digests
}
