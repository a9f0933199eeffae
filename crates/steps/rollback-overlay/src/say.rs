//! What is said: reports, subjects, reasons.

use branch::{BRANCH_MISSING, CONTENDED, HISTORY_CUT, ImageValues as Values, NOT_WRITTEN, POLICY};
use check_image::reasons::{ABSENT, DANGLING_INDEX, NOT_AN_IMAGE, PLATFORM_MISSING, TAG_MOVED};
use contract::{Commit, Failure, Fault::Configuration, Reason, Report, Subject, Verdict};
use overlay::reasons::{
    AMBIGUOUS, IMAGE_MISSING, INCOMPLETE_IMAGE, OVERLAY_MISSING, SHADOWED, UNSUPPORTED_YAML,
};

use remote::{NEWER_IMAGE, NOT_MERGED, NOT_WANTED, Problem, PullRequest, UNVERIFIED};

use crate::{
    Facts, message,
    plan::{Part, Plan, Restored, Target, Then},
    request::Request,
    table,
};

/// Nothing to go back to.
pub(crate) const NO_EARLIER_IMAGE: Reason = Reason::new(
    "no-earlier-image",
    Configuration,
    "the overlay never had another image that nobody called bad",
);
/// Not a commit of the overlay.
pub(crate) const NOT_IN_HISTORY: Reason = Reason::new(
    "not-in-history",
    Configuration,
    "the commit did not set the image of the overlay",
);

/// All that this step may say beside what every step may.
pub(crate) const REASONS: [Reason; 23] = [
    NO_EARLIER_IMAGE,
    NOT_IN_HISTORY,
    NEWER_IMAGE,
    ABSENT,
    PLATFORM_MISSING,
    DANGLING_INDEX,
    NOT_AN_IMAGE,
    TAG_MOVED,
    OVERLAY_MISSING,
    IMAGE_MISSING,
    AMBIGUOUS,
    SHADOWED,
    UNSUPPORTED_YAML,
    INCOMPLETE_IMAGE,
    BRANCH_MISSING,
    POLICY,
    CONTENDED,
    HISTORY_CUT,
    NOT_WRITTEN,
    UNVERIFIED,
    NOT_MERGED,
    NOT_WANTED,
    remote::GIT_FAILED,
];

/// Says that nothing is written, since one of the overlays cannot be or has something newer.
pub(crate) fn stopped(request: &Request, plan: &Plan, tip: &Commit) -> Report {
    let mut report = about(plan.0.iter().map(subject).collect());
    report.summary = format!(
        "{} (on `{}` at {})",
        report.summary,
        request.branch,
        tip.short()
    );
    let refused = plan.0.iter().filter_map(|part| match &part.then {
        Then::Refused(refused) => refused.hint.clone(),
        _ => None,
    });
    report.hints = message::unique(refused);
    if report.verdict == Verdict::Superseded && plan.restored().next().is_some() {
        report
            .hints
            .push("leave the `--overlay` out that has something newer".to_owned());
    }
    report.with_facts(&facts_before(request, plan))
}

/// Says that all is as it should be already.
pub(crate) fn unchanged(request: &Request, plan: &Plan, tip: &Commit) -> Report {
    let mut report = about(plan.0.iter().map(subject).collect());
    report.summary = format!(
        "{} (on `{}` at {})",
        report.summary,
        request.branch,
        tip.short()
    );
    let facts = Facts {
        commit: tip.to_string(),
        ..facts_before(request, plan)
    };
    report.with_facts(&facts).with_value(tip.as_str())
}

/// Says what was committed.
pub(crate) fn restored(request: &Request, plan: &Plan, commit: &Commit) -> Report {
    let mut report = about(plan.0.iter().map(subject).collect());
    report.summary = format!(
        "committed {} to `{}`: {}",
        commit.short(),
        request.branch,
        what(plan)
    );
    let facts = Facts {
        commit: commit.to_string(),
        ..facts(request, plan)
    };
    with_notices(report, plan)
        .with_facts(&facts)
        .with_value(commit.as_str())
}

/// Says that the pull request was merged.
pub(crate) fn merged(
    request: &Request,
    plan: &Plan,
    pull: &PullRequest,
    commit: &Commit,
) -> Report {
    let mut report = about(plan.0.iter().map(subject).collect());
    let (number, short) = (pull.number, commit.short());
    report.summary = format!(
        "merged pull request #{number} into `{}` as {short}: {}",
        request.branch,
        what(plan)
    );
    let facts = Facts {
        commit: commit.to_string(),
        pull_request: pull.url.clone(),
        ..facts(request, plan)
    };
    with_notices(report, plan)
        .with_facts(&facts)
        .with_value(commit.as_str())
}

/// Says why the branch was not written, or not as it has to be.
pub(crate) fn failed(request: &Request, plan: &Plan, problem: &Problem) -> Result<Report, Failure> {
    let report = problem.report(&request.branch, &what(plan), &request.remote)?;
    if let Some(commit) = problem.commit() {
        return Ok(report.with_facts(&Facts {
            commit: commit.to_string(),
            ..facts(request, plan)
        }));
    }
    // Nothing of it is on the branch.
    let before = facts_before(request, plan);
    let Some(pull) = problem.pull() else {
        return Ok(report.with_facts(&before));
    };
    let Facts {
        message,
        diff,
        lines,
        ..
    } = facts(request, plan);
    let facts = Facts {
        pull_request: pull.url.clone(),
        message,
        diff,
        lines,
        ..before
    };
    Ok(with_notices(report, plan).with_facts(&facts))
}

/// Says what would be committed.
pub(crate) fn dry_run(request: &Request, plan: &Plan, tip: &Commit) -> Report {
    let facts = facts(request, plan);
    let mut report = about(plan.0.iter().map(subject).collect());
    let onto = format!("{} of `{}`", tip.short(), request.branch);
    report.summary = format!(
        "dry run, nothing pushed; would commit onto {onto}: {}",
        what(plan)
    );
    let message: String = facts
        .message
        .lines()
        .map(|line| format!("    {line}").trim_end().to_owned() + "\n")
        .collect();
    let detail = format!("{}\nmessage of the commit:\n{message}", facts.diff);
    with_notices(report, plan)
        .with_facts(&facts)
        .with_detail(detail)
}

/// Adds the images that the overlays had.
pub(crate) fn with_history(mut report: Report, plan: &Plan) -> Report {
    let tables: Vec<String> = plan
        .0
        .iter()
        .filter(|part| !part.values.list.is_empty())
        .map(table::text)
        .collect();
    let detail = report
        .detail
        .take()
        .into_iter()
        .chain(tables)
        .collect::<Vec<_>>()
        .join("\n");
    if detail.is_empty() {
        report
    } else {
        report.with_detail(detail)
    }
}

/// Returns the facts as they are before anything was written, for a run that fails.
pub(crate) fn known<'a>(
    request: &Request,
    files: impl Iterator<Item = (&'a str, &'a Values)>,
) -> Facts {
    let mut facts = Facts {
        branch: request.branch.to_string(),
        ..Facts::default()
    };
    for (path, values) in files {
        facts.overlays.push(path.to_owned());
        let image = values
            .list
            .first()
            .map(|value| Target::of(values, value).full());
        facts
            .image
            .extend(image.filter(|image| !facts.image.contains(image)));
    }
    facts
}

fn facts_before(request: &Request, plan: &Plan) -> Facts {
    let found = plan.0.iter().filter(|part| !part.path.is_empty());
    known(
        request,
        found.map(|part| (part.path.as_str(), &part.values)),
    )
}

fn facts(request: &Request, plan: &Plan) -> Facts {
    let restored: Vec<&Restored> = plan.restored().map(|(_, restored)| restored).collect();
    let images = plan.0.iter().filter_map(|part| match &part.then {
        Then::Restored(restored) => Some(restored.good.full()),
        _ => Some(part.values.list.first()?.image.clone()),
    });
    Facts {
        changed: !restored.is_empty(),
        image: message::unique(images),
        bad: message::unique(restored.iter().map(|restored| restored.bad.full())),
        verified: !restored.is_empty() && restored.iter().all(|restored| restored.good.is_verified),
        restores: message::restores(plan)
            .iter()
            .map(Commit::to_string)
            .collect(),
        lines: restored.iter().map(|restored| restored.diff.lines).sum(),
        diff: restored
            .iter()
            .map(|restored| restored.diff.text.as_str())
            .collect(),
        message: message::text(request, plan),
        ..facts_before(request, plan)
    }
}

/// There is at least one overlay, since clap asks for one.
fn about(subjects: Vec<Subject>) -> Report {
    Report::about(subjects)
        .unwrap_or_else(|| Report::refused(OVERLAY_MISSING, "no overlay was named"))
}

fn subject(part: &Part) -> Subject {
    let name = &part.overlay;
    let subject = match &part.then {
        Then::Restored(restored) => {
            let Restored { bad, good, .. } = restored.as_ref();
            Subject::passed(name, format!("from {} back to {}", bad.text, good.text))
                .with_fact("image", good.full())
                .with_fact("bad", bad.full())
                .with_fact("verified", good.is_verified)
                .with_fact("lines", restored.diff.lines)
        }
        Then::Already(text) => Subject::unchanged(name, format!("`{name}`: {text}")),
        Then::Superseded(text) => Subject::new(
            name,
            Verdict::Superseded,
            Some(NEWER_IMAGE),
            format!("`{name}`: {text}"),
        ),
        Then::Refused(refused) => {
            let is_named = refused.message.contains(name.as_str());
            let message = &refused.message;
            let text = if is_named {
                message.clone()
            } else {
                format!("`{name}`: {message}")
            };
            Subject::refused(name, refused.reason, text)
        }
    };
    subject.with_fact("file", part.path.as_str())
}

fn what(plan: &Plan) -> String {
    let steps = plan.restored().map(|(part, restored)| {
        format!(
            "`{}` from {} back to {}",
            part.path, restored.bad.text, restored.good.text
        )
    });
    steps.collect::<Vec<_>>().join(", ")
}

fn with_notices(mut report: Report, plan: &Plan) -> Report {
    for (part, restored) in plan.restored() {
        let passed_over = restored
            .passed_over
            .iter()
            .map(|why| format!("passed over: {why}"));
        let notices = passed_over.chain(restored.doubt.clone());
        report
            .notices
            .extend(notices.map(|text| format!("`{}`: {text}", part.path)));
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reasons_are_a_closed_list() {
        let list: Vec<String> = REASONS
            .iter()
            .map(|reason| format!("{reason} [{}]", reason.fault))
            .collect();
        insta::assert_snapshot!(list.join("\n"), @"
        no-earlier-image [configuration]
        not-in-history [configuration]
        newer-image [nobody]
        absent [change]
        platform-missing [change]
        dangling-index [change]
        not-an-image [change]
        tag-moved [change]
        overlay-missing [configuration]
        image-missing [configuration]
        ambiguous [configuration]
        shadowed [configuration]
        unsupported-yaml [configuration]
        incomplete-image [configuration]
        branch-missing [configuration]
        policy [configuration]
        contended [environment]
        history-cut [environment]
        not-written [environment]
        unverified [configuration]
        not-merged [nobody]
        pull-request-closed [nobody]
        git-failed [environment]
        ");
    }
}
