//! Reports what became of the overlays: the verdict in words, hints, and the facts.

mod table;

use contract::{Commit, Failure, Report, Subject, Verdict};
use overlay::{OverlayRefusal, reasons::OVERLAY_MISSING, unique};
use remote::{NEWER_IMAGE, Problem, PullRequest, WriteOutcome};

use crate::{
    Facts,
    judge::{Judgement, OverlayJudgement, OverlayOutcome, Restoration, known_image::KnownImage},
    observe::FileObservation,
    request::Request,
    write::message,
};

/// Reports on the branch; a dry run also shows the images that the overlays had.
///
/// # Errors
/// `denied` when a rule of the branch forbids the push.
pub(crate) fn report(
    request: &Request,
    judgement: &Judgement,
    outcome: &WriteOutcome<()>,
) -> Result<Report, Failure> {
    let report = match outcome {
        WriteOutcome::Unchanged(_) | WriteOutcome::Refused(()) => {
            nothing_written(request, judgement)
        }
        WriteOutcome::Landed(commit) => committed(request, judgement, commit),
        WriteOutcome::Merged(pull, commit) => merged(request, judgement, pull, commit),
        WriteOutcome::Failed(problem) => failed(request, judgement, problem)?,
    };
    Ok(if request.dry_run {
        with_history(report, judgement)
    } else {
        report
    })
}

/// Returns the facts as they are before anything was written, for a run that fails.
pub(crate) fn facts_before<'f>(
    request: &Request,
    files: impl Iterator<Item = &'f FileObservation>,
) -> Facts {
    let (mut overlays, mut images) = (Vec::new(), Vec::new());
    for observation in files {
        let values = &observation.values;
        overlays.push(observation.file.path.clone());
        let deployed = values.list.first();
        images.extend(deployed.map(|value| KnownImage::of(values, value).full()));
    }
    Facts {
        branch: request.branch.to_string(),
        overlays,
        image: unique(images),
        ..Facts::default()
    }
}

/// Returns all facts but the commit.
fn facts(request: &Request, judgement: &Judgement) -> Facts {
    let restored: Vec<&Restoration> = judgement
        .restored()
        .map(|(_, restoration)| restoration)
        .collect();
    Facts {
        changed: !restored.is_empty(),
        image: unique(judgement.overlays.iter().filter_map(image)),
        bad: unique(restored.iter().map(|restored| restored.bad.full())),
        verified: !restored.is_empty() && restored.iter().all(|restored| restored.good.is_verified),
        restores: message::restores(judgement)
            .iter()
            .map(Commit::to_string)
            .collect(),
        lines: restored.iter().map(|restored| restored.diff.lines).sum(),
        diff: restored
            .iter()
            .map(|restored| restored.diff.text.as_str())
            .collect(),
        message: message::text(request, judgement),
        ..facts_before(request, judgement.files())
    }
}

/// Returns the image that an overlay deploys after the run.
fn image(overlay: &OverlayJudgement) -> Option<String> {
    match &overlay.outcome {
        OverlayOutcome::Restore(restoration) => Some(restoration.good.full()),
        _ => Some(overlay.file()?.values.list.first()?.image.clone()),
    }
}

/// Reports a run that wrote nothing: it refuses, finds nothing to do, or is a dry run.
fn nothing_written(request: &Request, judgement: &Judgement) -> Report {
    if judgement.stops() {
        stopped(request, judgement)
    } else if judgement.restored().next().is_none() {
        unchanged(request, judgement)
    } else {
        dry_run(request, judgement)
    }
}

/// Reports that one of the overlays cannot be restored, or has a newer image.
fn stopped(request: &Request, judgement: &Judgement) -> Report {
    let mut report = about_tip(request, judgement);
    report.hints = unique(judgement.overlays.iter().filter_map(hint));
    if report.verdict == Verdict::Superseded && judgement.restored().next().is_some() {
        let hint = "leave out the `--overlay` that has a newer image";
        report.hints.push(hint.to_owned());
    }
    report.with_facts(&facts_before(request, judgement.files()))
}

fn hint(overlay: &OverlayJudgement) -> Option<String> {
    match &overlay.outcome {
        OverlayOutcome::Refused(refusal) => refusal.hint.clone(),
        _ => None,
    }
}

/// Reports that every overlay already was as it should be.
fn unchanged(request: &Request, judgement: &Judgement) -> Report {
    let report = about_tip(request, judgement);
    let commit = judgement
        .tip
        .as_ref()
        .map(Commit::to_string)
        .unwrap_or_default();
    report.with_value(commit.as_str()).with_facts(&Facts {
        commit,
        ..facts_before(request, judgement.files())
    })
}

/// Reports what the step would commit.
fn dry_run(request: &Request, judgement: &Judgement) -> Report {
    let facts = facts(request, judgement);
    let summary = format!(
        "dry run, nothing pushed; would commit onto {} of `{}`: {}",
        judgement.tip.as_ref().map_or("the tip", Commit::short),
        request.branch,
        steps(judgement)
    );
    let detail = format!(
        "{}\nmessage of the commit:\n{}",
        facts.diff,
        indented(&facts.message)
    );
    Report {
        summary,
        ..about(judgement)
    }
    .with_facts(&facts)
    .with_detail(detail)
}

fn committed(request: &Request, judgement: &Judgement, commit: &Commit) -> Report {
    let summary = format!(
        "committed {} to `{}`: {}",
        commit.short(),
        request.branch,
        steps(judgement)
    );
    Report {
        summary,
        ..about(judgement)
    }
    .with_facts(&Facts {
        commit: commit.to_string(),
        ..facts(request, judgement)
    })
    .with_value(commit.as_str())
}

fn merged(request: &Request, judgement: &Judgement, pull: &PullRequest, commit: &Commit) -> Report {
    let summary = format!(
        "merged pull request #{} into `{}` as {}: {}",
        pull.number,
        request.branch,
        commit.short(),
        steps(judgement)
    );
    Report {
        summary,
        ..about(judgement)
    }
    .with_facts(&Facts {
        commit: commit.to_string(),
        pull_request: pull.url.clone(),
        ..facts(request, judgement)
    })
    .with_value(commit.as_str())
}

/// Reports why the branch was not written, or not as the flags demand.
fn failed(request: &Request, judgement: &Judgement, problem: &Problem) -> Result<Report, Failure> {
    let report = problem.report(&request.branch, &steps(judgement), &request.remote)?;
    if let Some(commit) = problem.commit() {
        return Ok(report.with_facts(&Facts {
            commit: commit.to_string(),
            ..facts(request, judgement)
        }));
    }
    let before = facts_before(request, judgement.files());
    let Some(pull) = problem.pull() else {
        return Ok(report.with_facts(&before));
    };
    // The branch has none of it: only the proposed change is described.
    let proposed = facts(request, judgement);
    Ok(with_notices(report, judgement).with_facts(&Facts {
        pull_request: pull.url.clone(),
        message: proposed.message,
        diff: proposed.diff,
        lines: proposed.lines,
        ..before
    }))
}

/// Adds the images that the overlays had.
fn with_history(mut report: Report, judgement: &Judgement) -> Report {
    let detail: Vec<String> = report
        .detail
        .take()
        .into_iter()
        .chain(judgement.overlays.iter().filter_map(table::text))
        .collect();
    if detail.is_empty() {
        report
    } else {
        report.with_detail(detail.join("\n"))
    }
}

/// Reports on every overlay, with what is doubtful about the restored images.
fn about(judgement: &Judgement) -> Report {
    with_notices(about_all(judgement), judgement)
}

/// Reports on every overlay, and names the tip in the summary.
fn about_tip(request: &Request, judgement: &Judgement) -> Report {
    let report = about_all(judgement);
    let tip = judgement.tip.as_ref().map_or("no tip", Commit::short);
    let summary = format!("{} (on `{}` at {tip})", report.summary, request.branch);
    Report { summary, ..report }
}

/// There is at least one overlay, since the flag is required.
fn about_all(judgement: &Judgement) -> Report {
    Report::about(judgement.overlays.iter().map(subject).collect())
        .unwrap_or_else(|| Report::refused(OVERLAY_MISSING, "no overlay was named"))
}

fn subject(overlay: &OverlayJudgement) -> Subject {
    let name = &overlay.observation.overlay;
    let subject = match &overlay.outcome {
        OverlayOutcome::Restore(restoration) => {
            let Restoration { bad, good, .. } = &**restoration;
            Subject::passed(name, format!("from {} back to {}", bad.text, good.text))
                .with_fact("image", good.full())
                .with_fact("bad", bad.full())
                .with_fact("verified", good.is_verified)
                .with_fact("lines", restoration.diff.lines)
        }
        OverlayOutcome::Already(text) => Subject::unchanged(name, format!("`{name}`: {text}")),
        OverlayOutcome::Superseded(text) => Subject::new(
            name,
            Verdict::Superseded,
            Some(NEWER_IMAGE),
            format!("`{name}`: {text}"),
        ),
        OverlayOutcome::Refused(refusal) => refused(name, refusal),
    };
    subject.with_fact("file", overlay.path())
}

fn refused(name: &str, refusal: &OverlayRefusal) -> Subject {
    let message = &refusal.message;
    let text = if message.contains(name) {
        message.clone()
    } else {
        format!("`{name}`: {message}")
    };
    Subject::refused(name, refusal.reason, text)
}

/// Describes the restored images in one line.
fn steps(judgement: &Judgement) -> String {
    let steps: Vec<String> = judgement
        .restored()
        .map(|(path, restoration)| {
            let (bad, good) = (&restoration.bad.text, &restoration.good.text);
            format!("`{path}` from {bad} back to {good}")
        })
        .collect();
    steps.join(", ")
}

fn with_notices(mut report: Report, judgement: &Judgement) -> Report {
    for (path, restoration) in judgement.restored() {
        for why in &restoration.passed_over {
            report.notices.push(format!("`{path}`: passed over: {why}"));
        }
        if let Some(shadowed) = &restoration.shadows {
            report.notices.push(format!(
                "`{path}`: the entry `{shadowed}` makes an image that a later entry changes again: \
                 that one was restored, since it takes effect"
            ));
        }
        let doubt = restoration.doubt.iter();
        report
            .notices
            .extend(doubt.map(|doubt| format!("`{path}`: {doubt}")));
    }
    report
}

fn indented(text: &str) -> String {
    text.lines()
        .map(|line| format!("    {line}").trim_end().to_owned() + "\n")
        .collect()
}
