//! Reports which commit the image names.

use crate::{
    Request,
    judge::{Judgement, PlatformOutcome, RevisionOutcome},
    observe::{NamedRevision, RevisionSource},
};

/// Returns the fact about the revisions of all platforms; `None` where they contradict the request.
pub(super) fn fact(judgement: &Judgement<'_>) -> Option<String> {
    let mut fact = None;
    for revision in judgement.revisions() {
        match revision {
            RevisionOutcome::Consistent { .. } => fact = fact.or(Some("consistent")),
            RevisionOutcome::Unknown { .. } => fact = Some("unknown"),
            RevisionOutcome::Mismatch(_) => return None,
        }
    }
    fact.map(str::to_owned)
}

/// Returns what the image names besides the commit, each once.
pub(super) fn notices(request: &Request, judgement: &Judgement<'_>) -> Vec<String> {
    let Some(asked) = &request.revision else {
        return Vec::new();
    };
    let mut notices: Vec<String> = Vec::new();
    for revision in judgement.revisions() {
        let notice = match revision {
            RevisionOutcome::Consistent { others } if !others.is_empty() => {
                let commit = asked.commit.short();
                format!("{}, not {commit} as another source does", named(others))
            }
            RevisionOutcome::Unknown { texts } if !asked.is_required => {
                format!("{}, so its commit is unknown", nothing(texts))
            }
            _ => continue,
        };
        if !notices.contains(&notice) {
            notices.push(notice);
        }
    }
    notices
}

/// Explains why the revisions refuse the image.
pub(super) fn explain(commit: &str, revision: &RevisionOutcome<'_>) -> String {
    match revision {
        RevisionOutcome::Mismatch(others) => format!("{}, not {commit}", named(others)),
        RevisionOutcome::Unknown { texts } | RevisionOutcome::Consistent { others: texts } => {
            nothing(texts)
        }
    }
}

/// Returns how to make the image name its commit.
pub(super) fn repair(outcomes: &[PlatformOutcome<'_>]) -> &'static str {
    let is_provenance = |named: &&NamedRevision| named.source == RevisionSource::Provenance;
    let of_provenance = outcomes.iter().any(|outcome| match outcome {
        PlatformOutcome::OtherRevision {
            revision: RevisionOutcome::Mismatch(others),
            ..
        } => others.iter().any(is_provenance),
        _ => false,
    });
    if of_provenance {
        "check out `--source-commit` before the build, without changes; or pass the commit that was \
         built"
    } else {
        "under `workflow_run` docker/metadata-action names the tip of the default branch: pass \
         `labels: org.opencontainers.image.revision=COMMIT` to docker/build-push-action"
    }
}

/// Returns the revisions as a sentence: `label names 1a2b3c4d`.
fn named(revisions: &[&NamedRevision]) -> String {
    let one = |named: &&NamedRevision| format!("{} names {}", named.source, short(&named.text));
    let mut all: Vec<String> = revisions.iter().map(one).collect();
    all.dedup();
    all.join(", ")
}

fn nothing(texts: &[&NamedRevision]) -> String {
    match texts {
        [] => "no label, annotation or provenance names a commit".to_owned(),
        texts => format!("{}, which is no commit", named(texts)),
    }
}

/// Shortens a commit for people; a suffix such as `-dirty` stays.
fn short(text: &str) -> String {
    let digits = text.bytes().take_while(u8::is_ascii_hexdigit).count();
    match text.get(digits..) {
        Some(rest) if digits >= 40 => format!("{}{rest}", &text[..8]),
        _ => text.chars().take(64).collect(),
    }
}
