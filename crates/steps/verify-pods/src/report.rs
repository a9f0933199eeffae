//! Reports the judgement: the verdict in words, what explains it, hints, and the facts.

mod detail;
mod hint;

use std::collections::BTreeSet;

use contract::{Report, Subject, Verdict};
use pods::{Pod, image::digest_of};

use crate::{
    Facts, PodFact, Request,
    judge::{Judgement, WorkloadJudgement, WorkloadStatus},
    reasons::{NO_PODS, explained_by_log},
};

pub(crate) fn report(request: &Request, judgement: &Judgement) -> Report {
    // The request has at least one namespace, and each has a subject.
    let Some(report) = Report::about(subjects(judgement)) else {
        return Report::refused(NO_PODS, "no namespace was given");
    };
    let summary = summary(request, judgement, &report);
    let report = Report { summary, ..report }.with_facts(&facts(request, judgement));
    match judgement.worst() {
        Some(worst) => explained(request, judgement, worst, report),
        None => report,
    }
}

/// Returns one subject for each workload.
pub(crate) fn subjects(judgement: &Judgement) -> Vec<Subject> {
    judgement.workloads.iter().map(subject).collect()
}

fn subject(workload: &WorkloadJudgement) -> Subject {
    let name = workload.name();
    match &workload.status {
        WorkloadStatus::Verified(text) => Subject::passed(name, text.clone()),
        WorkloadStatus::Soaking(reason, text) | WorkloadStatus::NotYet(reason, text) => {
            Subject::new(name, Verdict::NotYet, Some(*reason), text.clone())
        }
        WorkloadStatus::Failed(failure) => {
            let cause = &failure.cause;
            let text = match &failure.pod {
                Some(pod) => format!("{pod}, {}", cause.text),
                None => cause.text.clone(),
            };
            Subject::refused(name, cause.reason, text)
        }
    }
}

/// Returns the facts about the pods that are not being deleted.
pub(crate) fn facts(request: &Request, judgement: &Judgement) -> Facts {
    let all = judgement.workloads.iter();
    let pods: Vec<PodFact> = all
        .flat_map(|workload| workload.pods.iter())
        .filter(|pod| !pod.has_ended() && !pod.is_terminating())
        .map(|pod| pod_fact(request, pod))
        .collect();
    let digests: BTreeSet<String> = pods.iter().filter_map(|pod| pod.digest.clone()).collect();
    Facts {
        digests: Some(digests.into_iter().collect()),
        pods: Some(pods),
        waited: Some(judgement.at.as_secs()),
    }
}

fn pod_fact(request: &Request, pod: &Pod) -> PodFact {
    let container = pod
        .all_containers()
        .find(|container| request.image.is_of_repository(&container.image));
    PodFact {
        namespace: pod.namespace.clone(),
        name: pod.name.clone(),
        node: pod.node.clone(),
        digest: container
            .and_then(|container| digest_of(&container.image_id))
            .map(|digest| digest.to_string()),
        ready: pod.is_ready(),
    }
}

/// Returns what the step waits for, in words.
pub(crate) fn awaited(request: &Request, judgement: &Judgement) -> String {
    let mut texts = Vec::new();
    for workload in &judgement.workloads {
        if let WorkloadStatus::NotYet(_, text) = &workload.status {
            texts.push(format!("{}: {text}", workload.name()));
        }
    }
    if texts.is_empty() {
        return format!("all pods to stay ready for {} s", request.soak.as_secs());
    }
    format!("the pods: {}", texts.join("; "))
}

fn summary(request: &Request, judgement: &Judgement, report: &Report) -> String {
    let has_passed = report.verdict == Verdict::Passed;
    let count = judgement.workloads.len();
    let summary = if count == 1 || !has_passed {
        let mut subjects = report.subjects.iter();
        let worst = subjects.find(|subject| subject.summary == report.summary);
        let name = worst.map(|subject| subject.name.as_str());
        format!("{}: {}", name.unwrap_or_default(), report.summary)
    } else {
        let image = request.image.reference();
        format!("all pods of {count} workloads run {image} and are ready")
    };
    if has_passed && request.waits {
        return format!("{summary}, for {} s", request.soak.as_secs());
    }
    summary
}

/// Adds the detail and the hints about the worst workload.
fn explained(
    request: &Request,
    judgement: &Judgement,
    worst: &WorkloadJudgement,
    report: Report,
) -> Report {
    let lines = detail::lines(request, judgement, worst);
    let lacks_log = report.reason.is_some_and(explained_by_log) && request.max_log_lines == 0;
    let hint = report.reason.and_then(|reason| hint::of(reason, worst));
    let mut report = match hint {
        Some(hint) => report.hinted(hint),
        None => report,
    };
    if lacks_log {
        report = report.hinted(
            "pass `--log-lines 25` to show the end of the log to everybody who can see this run",
        );
    }
    if lines.is_empty() {
        return report;
    }
    report.with_detail(lines.join("\n"))
}
