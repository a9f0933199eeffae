//! What is said: reports, subjects, reasons.

use branch::{BRANCH_MISSING, CONTENDED, HISTORY_CUT, NOT_WRITTEN, POLICY};
use contract::{
    Commit, Failure,
    Fault::{Configuration, Nobody},
    Reason, Report, Subject, Verdict,
};
use overlay::reasons::{
    AMBIGUOUS, IMAGE_MISSING, INCOMPLETE_IMAGE, OVERLAY_MISSING, SHADOWED, UNSUPPORTED_YAML,
};
use remote::{NEWER_IMAGE, NOT_MERGED, NOT_WANTED, Problem, PullRequest, UNVERIFIED};

use crate::{
    Facts,
    edits::{Edits, FileEdit, OverlayEdit},
    guards::{Findings, Found},
    request::Request,
};

/// An older build.
pub(crate) const STALE_SOURCE: Reason = Reason::new(
    "stale-source",
    Nobody,
    "the overlay has had an image of a newer source: this one comes too late",
);
/// A bad image.
pub(crate) const HELD: Reason = Reason::new(
    "held",
    Configuration,
    "a rollback called the image bad, and nobody has decided otherwise",
);
/// All that this step may say beside [`asking`].
pub(crate) const REASONS: [Reason; 18] = [
    OVERLAY_MISSING,
    IMAGE_MISSING,
    AMBIGUOUS,
    SHADOWED,
    UNSUPPORTED_YAML,
    INCOMPLETE_IMAGE,
    BRANCH_MISSING,
    POLICY,
    CONTENDED,
    NOT_WRITTEN,
    STALE_SOURCE,
    HELD,
    HISTORY_CUT,
    UNVERIFIED,
    NOT_MERGED,
    NOT_WANTED,
    NEWER_IMAGE,
    remote::GIT_FAILED,
];

/// Where the files are, for people.
pub(crate) enum Place<'a> {
    /// This checkout.
    Checkout,
    /// The branch at this commit.
    Branch(&'a branch::Name, &'a Commit),
}

/// Refuses all overlays, since one of them cannot be written.
pub(crate) fn refused(request: &Request, edits: &Edits, place: &Place<'_>) -> Report {
    let subjects = edits.0.iter().map(|edit| match &edit.result {
        Ok(file) if !file.edited.changed => {
            Subject::unchanged(&edit.name, "deploys the image already")
        }
        Ok(_) => Subject::passed(
            &edit.name,
            "could be written, but is not, since another one cannot",
        ),
        Err(refused) => Subject::refused(
            &edit.name,
            refused.reason,
            located(&refused.message, &edit.name, place),
        ),
    });
    let mut report = about(subjects.collect());
    let mut hints: Vec<&String> = edits
        .0
        .iter()
        .filter_map(|edit| edit.result.as_ref().err()?.hint.as_ref())
        .collect();
    hints.dedup();
    report.hints = hints.into_iter().cloned().collect();
    nowhere(request, report)
}

/// Puts the overlay, and the branch, in front of what the message says.
fn located(message: &str, name: &str, place: &Place<'_>) -> String {
    let message = if message.contains(name) {
        message.to_owned()
    } else {
        format!("`{name}`: {message}")
    };
    match place {
        Place::Checkout => message,
        Place::Branch(branch, tip) => format!("{message} (on `{branch}` at {})", tip.short()),
    }
}

/// Says that everything already was as it should be.
pub(crate) fn unchanged(request: &Request, edits: &Edits, place: &Place<'_>) -> Report {
    let mut facts = edits.facts(request);
    let names = edits
        .0
        .iter()
        .map(|edit| format!("`{}`", edit.name))
        .collect::<Vec<_>>()
        .join(", ");
    let images = request.images();
    let mut report = about(subjects(edits));
    let kept = edits
        .0
        .iter()
        .find_map(|edit| edit.result.as_ref().ok()?.kept.clone());
    let why = kept.unwrap_or_else(|| format!("{images} is there already"));
    report.summary = match place {
        Place::Checkout => format!("{names}: {why}"),
        Place::Branch(branch, tip) => format!("{names}: {why}, on `{branch}` at {}", tip.short()),
    };
    if let Place::Branch(_, tip) = place {
        facts.commit = tip.to_string();
        report = report.with_value(tip.as_str());
    }
    notices(report, edits).with_facts(&facts)
}

/// Says what was written into the checkout.
pub(crate) fn written(request: &Request, edits: &Edits) -> Report {
    let facts = edits.facts(request);
    let mut report = about(subjects(edits));
    report.summary = format!(
        "wrote {} into {} ({})",
        request.images(),
        places(edits),
        lines(facts.lines)
    );
    notices(report, edits).with_facts(&facts)
}

/// Says what was committed.
pub(crate) fn committed(
    request: &Request,
    edits: &Edits,
    name: &branch::Name,
    commit: &Commit,
) -> Report {
    let facts = Facts {
        commit: commit.to_string(),
        ..edits.facts(request)
    };
    let mut report = about(subjects(edits));
    report.summary = format!(
        "committed {} to `{name}`: {} in {} ({})",
        commit.short(),
        request.images(),
        places(edits),
        lines(facts.lines)
    );
    notices(report, edits)
        .with_facts(&facts)
        .with_value(commit.as_str())
}

/// Says that the pull request was merged.
pub(crate) fn merged(
    request: &Request,
    edits: &Edits,
    name: &branch::Name,
    pull: &PullRequest,
    commit: &Commit,
) -> Report {
    let facts = Facts {
        commit: commit.to_string(),
        pull_request: pull.url.clone(),
        ..edits.facts(request)
    };
    let mut report = about(subjects(edits));
    let (number, images) = (pull.number, request.images());
    report.summary = format!(
        "merged pull request #{number} into `{name}` as {}: {images}",
        commit.short()
    );
    notices(report, edits)
        .with_facts(&facts)
        .with_value(commit.as_str())
}

/// Says why the branch was not written, or not as it has to be.
pub(crate) fn failed(
    request: &Request,
    edits: &Edits,
    name: &branch::Name,
    problem: &Problem,
) -> Result<Report, Failure> {
    let report = problem.report(name, &request.images(), &request.remote)?;
    if let Some(commit) = problem.commit() {
        return Ok(report.with_facts(&Facts {
            commit: commit.to_string(),
            ..edits.facts(request)
        }));
    }
    let Some(pull) = problem.pull() else {
        return Ok(nowhere(request, report));
    };
    // Nothing of it is on the branch.
    let Facts {
        message,
        diff,
        lines,
        ..
    } = edits.facts(request);
    let before = edits.facts_before(request);
    let facts = Facts {
        pull_request: pull.url.clone(),
        message,
        diff,
        lines,
        ..before
    };
    Ok(notices(report, edits).with_facts(&facts))
}

/// Says that an overlay is not to be written: its image is held, or comes too late.
pub(crate) fn stopped(
    request: &Request,
    edits: &Edits,
    findings: &Findings,
    name: &branch::Name,
    tip: &Commit,
) -> Report {
    let place = Place::Branch(name, tip);
    let subjects = edits.0.iter().filter_map(|edit| {
        let file = edit.result.as_ref().ok()?;
        let located = |text: &str| located(text, &edit.name, &place);
        Some(match findings.of(&file.path) {
            Some(Found::Held(text)) => Subject::refused(&edit.name, HELD, located(text)),
            Some(Found::Stale {
                text,
                source,
                newer,
            }) => {
                let stale = (Verdict::Superseded, Some(STALE_SOURCE));
                Subject::new(&edit.name, stale.0, stale.1, located(text))
                    .with_fact("source", source.as_str())
                    .with_fact("newer_source", newer.as_str())
            }
            Some(Found::SameSource(_)) => subject((edit, file)),
            None if !file.is_changed() => subject((edit, file)),
            None => Subject::passed(
                &edit.name,
                "could be written, but is not, since another one is not",
            ),
        })
    });
    let report = about(subjects.collect()).with_facts(&edits.facts_before(request));
    if report.reason == Some(HELD) {
        return report.hinted(
            "deploy an image that repairs it, or pass `--force` to deploy this one after all",
        );
    }
    report
}

/// Says what would be done.
pub(crate) fn dry_run(
    request: &Request,
    edits: &Edits,
    place: &Place<'_>,
    findings: &Findings,
) -> Report {
    let facts = edits.facts(request);
    let mut report = about(subjects(edits));
    let what = format!(
        "{} into {} ({})",
        request.images(),
        places(edits),
        lines(facts.lines)
    );
    let mut detail = facts.diff.clone();
    report.summary = match place {
        Place::Checkout => format!("dry run, nothing written; would write {what}"),
        Place::Branch(branch, tip) => {
            let (message, why) = (indented(&facts.message), indented(&findings.trace()));
            detail = format!(
                "{detail}\nmessage of the commit:\n{message}\nwhy it may be written:\n{why}"
            );
            format!(
                "dry run, nothing pushed; would commit onto {} of `{branch}`: {what}",
                tip.short()
            )
        }
    };
    notices(report, edits)
        .with_facts(&facts)
        .with_detail(detail)
}

/// Says of a branch that could not be written which one it was.
pub(crate) fn nowhere(request: &Request, report: Report) -> Report {
    let branch = request
        .branch
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default();
    report.with_facts(&Facts {
        branch,
        ..Facts::default()
    })
}

/// Adds to a dry run that would write nothing what was looked at.
pub(crate) fn why_not(report: Report, findings: &Findings) -> Report {
    let trace = findings.trace();
    if trace.is_empty() {
        report
    } else {
        report.with_detail(format!(
            "why nothing would be written:\n{}",
            indented(&trace)
        ))
    }
}

/// There is at least one overlay, since clap asks for one.
fn about(subjects: Vec<Subject>) -> Report {
    Report::about(subjects)
        .unwrap_or_else(|| Report::refused(OVERLAY_MISSING, "no overlay was named"))
}

fn subjects(edits: &Edits) -> Vec<Subject> {
    edits
        .0
        .iter()
        .filter_map(|edit| Some((edit, edit.result.as_ref().ok()?)))
        .map(subject)
        .collect()
}

fn subject((overlay, file): (&OverlayEdit, &FileEdit)) -> Subject {
    let (before, after) = (file.before().join(", "), file.after().join(", "));
    let subject = match (file.edited.changed, before.is_empty()) {
        _ if file.kept.is_some() => {
            Subject::unchanged(&overlay.name, file.kept.clone().unwrap_or_default())
        }
        (false, _) => Subject::unchanged(&overlay.name, format!("{after} already")),
        (true, true) => Subject::passed(&overlay.name, format!("{after}, a new entry")),
        (true, false) => Subject::passed(&overlay.name, format!("from {before} to {after}")),
    };
    let subject = subject
        .with_fact("file", file.path.as_str())
        .with_fact("lines", file.diff.lines);
    subject
        .with_fact("image", file.after())
        .with_fact("before", file.before())
}

fn notices(mut report: Report, edits: &Edits) -> Report {
    let files = edits.0.iter().filter_map(|edit| edit.result.as_ref().ok());
    for file in files {
        let all = file.edited.entries.iter().flat_map(|entry| &entry.notices);
        report
            .notices
            .extend(all.map(|notice| format!("`{}`: {notice}", file.path)));
    }
    report
}

fn places(edits: &Edits) -> String {
    edits
        .changed()
        .map(|file| format!("`{}`", file.path))
        .collect::<Vec<_>>()
        .join(", ")
}

fn lines(count: usize) -> String {
    if count == 1 {
        "1 line".to_owned()
    } else {
        format!("{count} lines")
    }
}

fn indented(text: &str) -> String {
    text.lines()
        .map(|line| format!("    {line}").trim_end().to_owned() + "\n")
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reasons_are_a_closed_list_and_none_blames_the_change() {
        let list: Vec<String> = REASONS
            .iter()
            .map(|reason| format!("{reason} [{}]", reason.fault))
            .collect();
        insta::assert_snapshot!(list.join("\n"), @"
        overlay-missing [configuration]
        image-missing [configuration]
        ambiguous [configuration]
        shadowed [configuration]
        unsupported-yaml [configuration]
        incomplete-image [configuration]
        branch-missing [configuration]
        policy [configuration]
        contended [environment]
        not-written [environment]
        stale-source [nobody]
        held [configuration]
        history-cut [environment]
        unverified [configuration]
        not-merged [nobody]
        pull-request-closed [nobody]
        newer-image [nobody]
        git-failed [environment]
        ");
    }
}
