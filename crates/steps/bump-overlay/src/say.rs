//! What is said: reports, subjects, reasons.

use branch::{BRANCH_MISSING, CONTENDED, HISTORY_CUT, NOT_WRITTEN, POLICY, Rejection, RejectionKind};
use contract::{
    Commit, Failure,
    Fault::{Configuration, Nobody},
    Reason, Report, Subject, Verdict,
    editing::{AMBIGUOUS, IMAGE_MISSING, INCOMPLETE_IMAGE, OVERLAY_MISSING, SHADOWED, UNSUPPORTED_YAML},
};
use github::{Outcome, Pull, Signature, Unsupported};

use crate::{
    Facts,
    edits::{Edits, FileEdit, OverlayEdit},
    guards::{Findings, Found},
    request::{PullRequest, Request},
};

/// An older build.
pub(crate) const STALE_SOURCE: Reason = Reason::new(
    "stale-source",
    Nobody,
    "the overlay has had an image of a newer source: this one comes too late",
);
/// A bad image.
pub(crate) const HELD: Reason =
    Reason::new("held", Configuration, "a rollback called the image bad, and nobody has decided otherwise");
/// Not what `--require-verified` asks for.
pub(crate) const UNVERIFIED: Reason =
    Reason::new("unverified", Configuration, "GitHub does not call the commit verified");
/// Not what the API can propose.
pub(crate) const RUN_BIT: Reason =
    Reason::new("run-bit", Configuration, "a file has the run bit, which GitHub's API would take away");
/// Still open at the deadline.
pub(crate) const NOT_MERGED: Reason = Reason::new("not-merged", Nobody, "the pull request is still open");
/// Closed by somebody.
pub(crate) const NOT_WANTED: Reason =
    Reason::new("pull-request-closed", Nobody, "somebody closed the pull request without merging it");
/// Replaced by a later run.
pub(crate) const NEWER_IMAGE: Reason =
    Reason::new("newer-image", Nobody, "a later run has taken the pull request over");

/// All that this step may say beside [`asking`].
pub(crate) const REASONS: [Reason; 19] = [
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
    RUN_BIT,
    NOT_MERGED,
    NOT_WANTED,
    NEWER_IMAGE,
    git::GIT_FAILED,
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
        Ok(file) if !file.edited.changed => Subject::unchanged(&edit.name, "deploys the image already"),
        Ok(_) => Subject::passed(&edit.name, "could be written, but is not, since another one cannot"),
        Err(refused) => {
            Subject::refused(&edit.name, refused.reason, located(&refused.message, &edit.name, place))
        }
    });
    let mut report = about(subjects.collect());
    let mut hints: Vec<&String> =
        edits.0.iter().filter_map(|edit| edit.result.as_ref().err()?.hint.as_ref()).collect();
    hints.dedup();
    report.hints = hints.into_iter().cloned().collect();
    nowhere(request, report)
}

/// Puts the overlay, and the branch, in front of what the message says.
fn located(message: &str, name: &str, place: &Place<'_>) -> String {
    let message = if message.contains(name) { message.to_owned() } else { format!("`{name}`: {message}") };
    match place {
        Place::Checkout => message,
        Place::Branch(branch, tip) => format!("{message} (on `{branch}` at {})", tip.short()),
    }
}

/// Says that everything already was as it should be.
pub(crate) fn unchanged(request: &Request, edits: &Edits, place: &Place<'_>) -> Report {
    let mut facts = edits.facts(request);
    let names = edits.0.iter().map(|edit| format!("`{}`", edit.name)).collect::<Vec<_>>().join(", ");
    let images = request.images();
    let mut report = about(subjects(edits));
    let kept = edits.0.iter().find_map(|edit| edit.result.as_ref().ok()?.kept.clone());
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
    report.summary = format!("wrote {} into {} ({})", request.images(), places(edits), lines(facts.lines));
    notices(report, edits).with_facts(&facts)
}

/// Says what was committed.
pub(crate) fn committed(request: &Request, edits: &Edits, name: &branch::Name, commit: &Commit) -> Report {
    let facts = Facts { commit: commit.to_string(), ..edits.facts(request) };
    let mut report = about(subjects(edits));
    report.summary = format!(
        "committed {} to `{name}`: {} in {} ({})",
        commit.short(),
        request.images(),
        places(edits),
        lines(facts.lines)
    );
    notices(report, edits).with_facts(&facts).with_value(commit.as_str())
}

/// Says that the commit is there, but not as it has to be.
pub(crate) fn unverified(
    request: &Request,
    edits: &Edits,
    name: &branch::Name,
    commit: &Commit,
    signature: Option<&Signature>,
) -> Report {
    let facts = Facts { commit: commit.to_string(), ..edits.facts(request) };
    let why = signature.map_or("it is not signed", |signature| &signature.state);
    let summary =
        format!("committed {} to `{name}`, but GitHub does not call it verified: {why}", commit.short());
    Report::refused(UNVERIFIED, summary)
        .hinted("use the token of an App or of a job, whose commits GitHub signs; on an Enterprise Server turn on the signing of web commits")
        .with_facts(&facts)
}

/// Says that only git can write a file, whose commits nobody signs.
pub(crate) fn never_verified(request: &Request, unsupported: &Unsupported) -> Report {
    let branch = request.branch.as_ref().map(ToString::to_string).unwrap_or_default();
    Report::refused(
        UNVERIFIED,
        format!("nothing was written: {unsupported}, and git would not sign the commit"),
    )
    .hinted(format!("take the run bit away: `git update-index --chmod=-x {}`, and commit", unsupported.path))
    .with_facts(&Facts { branch, ..Facts::default() })
}

/// Says that a file cannot be proposed.
pub(crate) fn not_proposed(request: &Request, unsupported: &Unsupported) -> Report {
    let branch = request.branch.as_ref().map(ToString::to_string).unwrap_or_default();
    Report::refused(RUN_BIT, format!("nothing was proposed: {unsupported}"))
        .hinted(format!(
            "take the run bit away: `git update-index --chmod=-x {}`, and commit",
            unsupported.path
        ))
        .with_facts(&Facts { branch, ..Facts::default() })
}

/// Says what became of a pull request, and of the image with it.
pub(crate) fn proposed(
    request: &Request,
    edits: &Edits,
    name: &branch::Name,
    pull: &Pull,
    outcome: &Outcome,
) -> Report {
    let (images, number) = (request.images(), pull.number);
    let mut facts = Facts { pull_request: pull.url.clone(), ..edits.facts(request) };
    let waiting = |reason, summary: String| {
        Report::not_yet(reason, summary).hinted(format!("merge {}, and run it again", pull.url))
    };
    let report = match outcome {
        Outcome::Merged(commit) => {
            facts.commit = commit.to_string();
            let mut report = notices(about(subjects(edits)), edits).with_value(commit.as_str());
            report.summary =
                format!("merged pull request #{number} into `{name}` as {}: {images}", commit.short());
            return report.with_facts(&facts);
        }
        Outcome::Open => waiting(NOT_MERGED, format!("pull request #{number} for {images} is still open")),
        Outcome::Closed => {
            let summary = format!("pull request #{number} for {images} was closed without being merged");
            Report::refused(NOT_WANTED, summary).hinted(format!("ask who closed {}", pull.url))
        }
        Outcome::Superseded => {
            let summary = format!("a later run has taken pull request #{number} over, {images} is not in it");
            Report::superseded(NEWER_IMAGE, summary)
        }
    };
    // Nothing of it is on the branch.
    let Facts { pull_request, message, diff, lines, .. } = facts;
    let facts = Facts { pull_request, message, diff, lines, ..edits.facts_before(request) };
    notices(report, edits).with_facts(&facts)
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
            Some(Found::Stale { text, source, newer }) => {
                let stale = (Verdict::Superseded, Some(STALE_SOURCE));
                Subject::new(&edit.name, stale.0, stale.1, located(text))
                    .with_fact("source", source.as_str())
                    .with_fact("newer_source", newer.as_str())
            }
            Some(Found::SameSource(_)) => subject((edit, file)),
            None if !file.is_changed() => subject((edit, file)),
            None => Subject::passed(&edit.name, "could be written, but is not, since another one is not"),
        })
    });
    let report = about(subjects.collect()).with_facts(&edits.facts_before(request));
    if report.reason == Some(HELD) {
        return report
            .hinted("deploy an image that repairs it, or pass `--force` to deploy this one after all");
    }
    report
}

/// Says what would be done.
pub(crate) fn dry_run(request: &Request, edits: &Edits, place: &Place<'_>, findings: &Findings) -> Report {
    let facts = edits.facts(request);
    let mut report = about(subjects(edits));
    let what = format!("{} into {} ({})", request.images(), places(edits), lines(facts.lines));
    let mut detail = facts.diff.clone();
    report.summary = match place {
        Place::Checkout => format!("dry run, nothing written; would write {what}"),
        Place::Branch(branch, tip) => {
            let (message, why) = (indented(&facts.message), indented(&findings.trace()));
            detail = format!("{detail}\nmessage of the commit:\n{message}\nwhy it may be written:\n{why}");
            format!("dry run, nothing pushed; would commit onto {} of `{branch}`: {what}", tip.short())
        }
    };
    notices(report, edits).with_facts(&facts).with_detail(detail)
}

/// Says of a branch that could not be written which one it was.
pub(crate) fn nowhere(request: &Request, report: Report) -> Report {
    let branch = request.branch.as_ref().map(ToString::to_string).unwrap_or_default();
    report.with_facts(&Facts { branch, ..Facts::default() })
}

/// Adds to a dry run that would write nothing what was looked at.
pub(crate) fn why_not(report: Report, findings: &Findings) -> Report {
    let trace = findings.trace();
    if trace.is_empty() {
        report
    } else {
        report.with_detail(format!("why nothing would be written:\n{}", indented(&trace)))
    }
}

/// Says that the remote does not want the commit.
pub(crate) fn rejected(
    request: &Request,
    name: &branch::Name,
    rejection: &Rejection,
) -> Result<Report, Failure> {
    let is_protected = rejection.kind == RejectionKind::Protected;
    match branch::rejected(name, rejection) {
        Ok(report) => Ok(nowhere(request, report)),
        Err(failure) if is_protected && request.pull_request == PullRequest::Never => Err(failure.hinted(
            "or pass `--pull-request fallback`, which needs GitHub's API and `pull-requests: write`",
        )),
        Err(failure) => Err(failure),
    }
}

/// There is at least one overlay, since clap asks for one.
fn about(subjects: Vec<Subject>) -> Report {
    Report::about(subjects).unwrap_or_else(|| Report::refused(OVERLAY_MISSING, "no overlay was named"))
}

fn subjects(edits: &Edits) -> Vec<Subject> {
    edits.0.iter().filter_map(|edit| Some((edit, edit.result.as_ref().ok()?))).map(subject).collect()
}

fn subject((overlay, file): (&OverlayEdit, &FileEdit)) -> Subject {
    let (before, after) = (file.before().join(", "), file.after().join(", "));
    let subject = match (file.edited.changed, before.is_empty()) {
        _ if file.kept.is_some() => Subject::unchanged(&overlay.name, file.kept.clone().unwrap_or_default()),
        (false, _) => Subject::unchanged(&overlay.name, format!("{after} already")),
        (true, true) => Subject::passed(&overlay.name, format!("{after}, a new entry")),
        (true, false) => Subject::passed(&overlay.name, format!("from {before} to {after}")),
    };
    let subject = subject.with_fact("file", file.path.as_str()).with_fact("lines", file.diff.lines);
    subject.with_fact("image", file.after()).with_fact("before", file.before())
}

fn notices(mut report: Report, edits: &Edits) -> Report {
    let files = edits.0.iter().filter_map(|edit| edit.result.as_ref().ok());
    for file in files {
        let all = file.edited.entries.iter().flat_map(|entry| &entry.notices);
        report.notices.extend(all.map(|notice| format!("`{}`: {notice}", file.path)));
    }
    report
}

fn places(edits: &Edits) -> String {
    edits.changed().map(|file| format!("`{}`", file.path)).collect::<Vec<_>>().join(", ")
}

fn lines(count: usize) -> String {
    if count == 1 { "1 line".to_owned() } else { format!("{count} lines") }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}").trim_end().to_owned() + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reasons_are_a_closed_list_and_none_blames_the_change() {
        let list: Vec<String> = REASONS.iter().map(|reason| format!("{reason} [{}]", reason.fault)).collect();
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
        run-bit [configuration]
        not-merged [nobody]
        pull-request-closed [nobody]
        newer-image [nobody]
        git-failed [environment]
        ");
    }
}
