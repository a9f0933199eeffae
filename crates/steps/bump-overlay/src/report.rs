//! Reports what became of the overlays: the verdict in words, hints, and the facts.

use branch::BranchName;
use contract::{Commit, Failure, Report, Subject, Verdict};
use environments::FreezeFinding;
use overlay::{OverlayRefusal, reasons::OVERLAY_MISSING, unique};
use remote::{Problem, PullRequest, WriteOutcome};

use crate::{
    Facts,
    judge::{
        BumpDecision, Judgement,
        edits::{Edits, FileEdit, OverlayEdit},
        guards::{Findings, GuardFinding},
    },
    reasons::{FREEZE_INVALID, FROZEN, HELD, STALE_SOURCE},
    request::Request,
};

/// Reports on a branch.
///
/// # Errors
/// `denied` when a rule of the branch forbids the push.
pub(crate) fn report(
    request: &Request,
    name: &BranchName,
    judgement: &Judgement,
    outcome: &WriteOutcome<()>,
) -> Result<Report, Failure> {
    let edits = &judgement.edits;
    Ok(match outcome {
        WriteOutcome::Unchanged(_) | WriteOutcome::Refused(()) => {
            nothing_written(request, judgement)
        }
        WriteOutcome::Landed(commit) => committed(request, name, edits, commit),
        WriteOutcome::Merged(pull, commit) => merged(request, name, edits, pull, commit),
        WriteOutcome::Failed(problem) => return failed(request, name, edits, problem),
    })
}

/// Reports on this checkout, whose files were written unless the judgement or a dry run forbids it.
pub(crate) fn report_checkout(request: &Request, judgement: &Judgement) -> Report {
    if request.dry_run || judgement.decision != BumpDecision::Write {
        return nothing_written(request, judgement);
    }
    let edits = &judgement.edits;
    let summary = format!("wrote {} into {}", request.images(), places(edits));
    Report {
        summary,
        ..about(edits)
    }
    .with_facts(&facts(request, edits))
}

/// Returns the facts as they are before anything was written, for a run that fails.
pub(crate) fn facts_before(request: &Request, edits: &Edits) -> Facts {
    let Facts {
        branch,
        overlays,
        before,
        ..
    } = facts(request, edits);
    Facts {
        branch,
        overlays,
        image: before.clone(),
        before,
        ..Facts::default()
    }
}

/// Returns all facts but the commit.
fn facts(request: &Request, edits: &Edits) -> Facts {
    let is_changed = edits.changed().next().is_some();
    Facts {
        branch: branch(request),
        overlays: edits.files().map(|file| file.path.clone()).collect(),
        changed: is_changed && !edits.is_refused(),
        image: unique(edits.files().flat_map(FileEdit::after)),
        before: unique(edits.files().flat_map(FileEdit::before)),
        lines: edits.changed().map(|file| file.diff.lines).sum(),
        diff: edits
            .changed()
            .map(|file| file.diff.text.as_str())
            .collect(),
        message: if is_changed {
            edits.message(request)
        } else {
            String::new()
        },
        ..Facts::default()
    }
}

/// Returns the branch and its tip; `None` for the files of this checkout.
fn place<'r>(
    request: &'r Request,
    judgement: &'r Judgement,
) -> Option<(&'r BranchName, &'r Commit)> {
    request.branch.as_ref().zip(judgement.tip.as_ref())
}

fn branch(request: &Request) -> String {
    request
        .branch
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default()
}

/// Reports a run that wrote nothing: it refuses, finds nothing to do, or is a dry run.
fn nothing_written(request: &Request, judgement: &Judgement) -> Report {
    let report = match judgement.decision {
        BumpDecision::Refuse => refused(request, judgement),
        BumpDecision::Stop => stopped(request, judgement),
        BumpDecision::Nothing => unchanged(request, judgement),
        BumpDecision::Write => return dry_run(request, judgement),
    };
    let trace = judgement.findings.trace();
    if !request.dry_run || trace.is_empty() {
        return report;
    }
    report.with_detail(format!(
        "why nothing would be written:\n{}",
        indented(&trace)
    ))
}

/// Refuses all overlays, since one of them cannot be edited.
fn refused(request: &Request, judgement: &Judgement) -> Report {
    let (edits, place) = (&judgement.edits, place(request, judgement));
    let subjects = edits.0.iter().map(|edit| match &edit.result {
        Ok(file) if !file.is_changed() => {
            Subject::unchanged(&edit.name, "deploys the image already")
        }
        Ok(_) => Subject::passed(
            &edit.name,
            "could be written, but is not, since another overlay cannot",
        ),
        Err(refusal) => refused_subject(edit, refusal, place),
    });
    let mut report = about_all(subjects.collect());
    report.hints = edits
        .0
        .iter()
        .filter_map(|edit| edit.result.as_ref().err()?.hint.clone())
        .collect();
    report.hints.dedup();
    report.with_facts(&Facts {
        branch: branch(request),
        ..Facts::default()
    })
}

fn refused_subject(
    edit: &OverlayEdit,
    refusal: &OverlayRefusal,
    place: Option<(&BranchName, &Commit)>,
) -> Subject {
    let text = located(&refusal.message, &edit.name, place);
    Subject::refused(&edit.name, refusal.reason, text)
}

/// Reports that an overlay must not be written: its image is held, or older than the deployed one.
fn stopped(request: &Request, judgement: &Judgement) -> Report {
    let (edits, findings) = (&judgement.edits, &judgement.findings);
    let place = place(request, judgement);
    let subjects = edits.0.iter().map(|edit| match &edit.result {
        Ok(file) => stopped_subject(edit, file, findings, place),
        Err(refusal) => refused_subject(edit, refusal, place),
    });
    let mut report = about_all(subjects.collect()).with_facts(&facts_before(request, edits));
    report.hints = unique(edits.0.iter().filter_map(|edit| hint(edit, findings)));
    report
}

fn hint(edit: &OverlayEdit, findings: &Findings) -> Option<String> {
    let freeze = edit
        .result
        .as_ref()
        .ok()
        .and_then(|file| findings.freeze(&file.path));
    if let Some(freeze) = freeze {
        return Some(freeze_hint(freeze).to_owned());
    }
    match &edit.result {
        Err(refusal) => refusal.hint.clone(),
        Ok(file) => match findings.of(&file.path)? {
            GuardFinding::Held { hint, .. } => Some((*hint).to_owned()),
            GuardFinding::Stale { .. } | GuardFinding::SameSource(_) => None,
        },
    }
}

fn freeze_hint(freeze: &FreezeFinding) -> &'static str {
    match freeze {
        FreezeFinding::Frozen(_) => {
            "wait for its end, or remove the freeze from `.github/freeze.yaml` on the branch; a \
             rollback is never frozen"
        }
        FreezeFinding::Invalid(_) => {
            "correct `.github/freeze.yaml` on the branch, or remove it when nothing is frozen"
        }
    }
}

fn frozen_subject(
    edit: &OverlayEdit,
    freeze: &FreezeFinding,
    place: Option<(&BranchName, &Commit)>,
) -> Subject {
    let (reason, text) = match freeze {
        FreezeFinding::Frozen(text) => (FROZEN, text),
        FreezeFinding::Invalid(text) => (FREEZE_INVALID, text),
    };
    Subject::refused(&edit.name, reason, located(text, &edit.name, place))
}

fn stopped_subject(
    edit: &OverlayEdit,
    file: &FileEdit,
    findings: &Findings,
    place: Option<(&BranchName, &Commit)>,
) -> Subject {
    if let Some(freeze) = findings.freeze(&file.path) {
        return frozen_subject(edit, freeze, place);
    }
    match findings.of(&file.path) {
        Some(GuardFinding::Held { text, .. }) => {
            Subject::refused(&edit.name, HELD, located(text, &edit.name, place))
        }
        Some(GuardFinding::Stale {
            text,
            source,
            newer,
        }) => {
            let text = located(text, &edit.name, place);
            Subject::new(&edit.name, Verdict::Superseded, Some(STALE_SOURCE), text)
                .with_fact("source", source.as_str())
                .with_fact("newer_source", newer.as_str())
        }
        None if file.is_changed() => Subject::passed(
            &edit.name,
            "could be written, but is not, since another overlay must not be",
        ),
        Some(GuardFinding::SameSource(_)) | None => subject(edit, file),
    }
}

/// Reports that every overlay already was as it should be.
fn unchanged(request: &Request, judgement: &Judgement) -> Report {
    let edits = &judgement.edits;
    let names: Vec<String> = edits
        .0
        .iter()
        .map(|edit| format!("`{}`", edit.name))
        .collect();
    let why = edits
        .files()
        .find_map(|file| Some(file.kept.first()?.why.clone()))
        .unwrap_or_else(|| format!("{} is there already", request.images()));
    let summary = format!("{}: {why}", names.join(", "));
    let report = about(edits);
    let facts = facts(request, edits);
    match place(request, judgement) {
        None => Report { summary, ..report }.with_facts(&facts),
        Some((name, tip)) => Report {
            summary: format!("{summary}, on `{name}` at {}", tip.short()),
            ..report
        }
        .with_facts(&Facts {
            commit: tip.to_string(),
            ..facts
        })
        .with_value(tip.as_str()),
    }
}

/// Reports what the step would write.
fn dry_run(request: &Request, judgement: &Judgement) -> Report {
    let edits = &judgement.edits;
    let facts = facts(request, edits);
    let what = format!("{} into {}", request.images(), places(edits));
    let (summary, detail) = match place(request, judgement) {
        None => (
            format!("dry run, nothing written; would write {what}"),
            facts.diff.clone(),
        ),
        Some((name, tip)) => (
            format!(
                "dry run, nothing pushed; would commit onto {} of `{name}`: {what}",
                tip.short()
            ),
            format!(
                "{}\nmessage of the commit:\n{}\nwhy it may be written:\n{}",
                facts.diff,
                indented(&facts.message),
                indented(&judgement.findings.trace())
            ),
        ),
    };
    Report {
        summary,
        ..about(edits)
    }
    .with_facts(&facts)
    .with_detail(detail)
}

fn committed(request: &Request, name: &BranchName, edits: &Edits, commit: &Commit) -> Report {
    let facts = Facts {
        commit: commit.to_string(),
        ..facts(request, edits)
    };
    let summary = format!(
        "committed {} to `{name}`: {} in {}",
        commit.short(),
        request.images(),
        places(edits)
    );
    Report {
        summary,
        ..about(edits)
    }
    .with_facts(&facts)
    .with_value(commit.as_str())
}

fn merged(
    request: &Request,
    name: &BranchName,
    edits: &Edits,
    pull: &PullRequest,
    commit: &Commit,
) -> Report {
    let facts = Facts {
        commit: commit.to_string(),
        pull_request: pull.url.clone(),
        ..facts(request, edits)
    };
    let summary = format!(
        "merged pull request #{} into `{name}` as {}: {}",
        pull.number,
        commit.short(),
        request.images()
    );
    Report {
        summary,
        ..about(edits)
    }
    .with_facts(&facts)
    .with_value(commit.as_str())
}

/// Reports why the branch was not written, or not as the flags demand.
fn failed(
    request: &Request,
    name: &BranchName,
    edits: &Edits,
    problem: &Problem,
) -> Result<Report, Failure> {
    let report = problem.report(name, &request.images(), &request.remote)?;
    if let Some(commit) = problem.commit() {
        return Ok(report.with_facts(&Facts {
            commit: commit.to_string(),
            ..facts(request, edits)
        }));
    }
    let Some(pull) = problem.pull() else {
        return Ok(report.with_facts(&Facts {
            branch: branch(request),
            ..Facts::default()
        }));
    };
    // The branch has none of it: only the proposed change is described.
    let proposed = facts(request, edits);
    Ok(with_notices(report, edits).with_facts(&Facts {
        pull_request: pull.url.clone(),
        message: proposed.message,
        diff: proposed.diff,
        lines: proposed.lines,
        ..facts_before(request, edits)
    }))
}

/// Reports on every overlay, with what the editor noticed.
fn about(edits: &Edits) -> Report {
    let subjects = edits.0.iter().filter_map(|edit| {
        let file = edit.result.as_ref().ok()?;
        Some(subject(edit, file))
    });
    with_notices(about_all(subjects.collect()), edits)
}

/// There is at least one overlay, since the flag is required.
fn about_all(subjects: Vec<Subject>) -> Report {
    Report::about(subjects)
        .unwrap_or_else(|| Report::refused(OVERLAY_MISSING, "no overlay was named"))
}

fn subject(overlay: &OverlayEdit, file: &FileEdit) -> Subject {
    let (name, before, after) = (
        &overlay.name,
        file.before().join(", "),
        file.after().join(", "),
    );
    let subject = if !file.is_changed() {
        let kept = file.kept.first().map(|kept| kept.why.clone());
        Subject::unchanged(name, kept.unwrap_or_else(|| format!("{after} already")))
    } else if before.is_empty() {
        Subject::passed(name, format!("{after}, a new entry"))
    } else {
        Subject::passed(name, format!("from {before} to {after}"))
    };
    subject
        .with_fact("file", file.path.as_str())
        .with_fact("lines", file.diff.lines)
        .with_fact("image", file.after())
        .with_fact("before", file.before())
}

fn with_notices(mut report: Report, edits: &Edits) -> Report {
    for file in edits.files() {
        for notice in file.edited.entries.iter().flat_map(|entry| &entry.notices) {
            report.notices.push(format!("`{}`: {notice}", file.path));
        }
        if file.is_changed() {
            let kept = file.kept.iter();
            let kept = kept.map(|kept| format!("`{}`: not changed: {}", file.path, kept.why));
            report.notices.extend(kept);
        }
    }
    report
}

/// Puts the overlay, and the branch, in front of a message that does not name them.
fn located(message: &str, name: &str, place: Option<(&BranchName, &Commit)>) -> String {
    let message = if message.contains(name) {
        message.to_owned()
    } else {
        format!("`{name}`: {message}")
    };
    match place {
        None => message,
        Some((name, tip)) => format!("{message} (on `{name}` at {})", tip.short()),
    }
}

/// Returns the files that change, and how many lines of them.
fn places(edits: &Edits) -> String {
    let paths: Vec<String> = edits
        .changed()
        .map(|file| format!("`{}`", file.path))
        .collect();
    let paths = paths.join(", ");
    match edits.changed().map(|file| file.diff.lines).sum::<usize>() {
        1 => format!("{paths} (1 line)"),
        count => format!("{paths} ({count} lines)"),
    }
}

fn indented(text: &str) -> String {
    text.lines()
        .map(|line| format!("    {line}").trim_end().to_owned() + "\n")
        .collect()
}
