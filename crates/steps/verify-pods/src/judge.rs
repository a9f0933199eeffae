//! Judges the workloads as values: verified, not yet, or failed.

mod groups;
mod inquiry;
mod readiness;
mod status;
mod workload;

use std::{rc::Rc, time::Duration};

use contract::Reason;
use pods::{
    Container, Pod,
    image::{ImageMatch, ImageMatcher},
    warning,
};

use self::inquiry::WorkloadInquiry;
pub(crate) use self::{
    inquiry::Inquiry,
    status::{PodFailure, WorkloadStatus},
};
use crate::{
    Request,
    observe::{Diagnosis, NamespaceState, Observation, WorkloadHistory, WorkloadState, key},
    reasons::{NO_PODS, NOT_READY, OLD_PODS, RESTARTED},
};

/// How the workloads are at one moment.
#[derive(Debug)]
pub(crate) struct Judgement {
    /// The time since the start of the run.
    pub(crate) at: Duration,
    pub(crate) workloads: Vec<WorkloadJudgement>,
    pub(crate) diagnosis: Diagnosis,
}

/// How one workload is, or the lack of one.
#[derive(Debug)]
pub(crate) struct WorkloadJudgement {
    pub(crate) namespace: String,
    /// `deployment/dex`; empty for the namespace itself.
    pub(crate) title: String,
    pub(crate) pods: Rc<[Pod]>,
    pub(crate) status: WorkloadStatus,
    /// The question whose answer may change the status.
    pub(crate) inquiry: Option<Inquiry>,
    pub(crate) warnings: Vec<PodWarning>,
}

/// A failure of a pod that may pass.
#[derive(Debug)]
pub(crate) struct PodWarning {
    pod: String,
    workload: String,
    pub(crate) text: String,
}

/// Judges all workloads of the request.
pub(crate) fn judge(request: &Request, observation: &Observation) -> Judgement {
    let mut workloads = Vec::new();
    for namespace in &observation.namespaces {
        let judge = NamespaceJudge {
            request,
            observation,
            namespace,
        };
        judge.judge(&mut workloads);
    }
    Judgement {
        at: observation.at,
        workloads,
        diagnosis: observation.diagnosis.clone(),
    }
}

struct NamespaceJudge<'a> {
    request: &'a Request,
    observation: &'a Observation,
    namespace: &'a NamespaceState,
}

impl NamespaceJudge<'_> {
    fn judge(&self, judged: &mut Vec<WorkloadJudgement>) {
        for workload in &self.namespace.workloads {
            judged.push(if self.request.is_of_image(&workload.rollout) {
                self.workload(workload)
            } else {
                let image = self.image().reference().name();
                let text = format!("no container of its template is of {image}");
                self.missing(workload.rollout.title(), text)
            });
        }
        for title in self.request.missing(&self.namespace.titles()) {
            let text = if title.is_empty() {
                self.no_workload()
            } else {
                self.no_such(&title)
            };
            judged.push(self.missing(title, text));
        }
        judged.extend(self.stranger());
    }

    /// Finds a pod that belongs to no known workload, and runs another version or is not ready: while
    /// it is there, not all pods run the image. Where the request names the workloads, only their
    /// pods count. A Job's pod ends by itself, and no rollout replaces it.
    fn stranger(&self) -> Option<WorkloadJudgement> {
        let is_asked = self.request.workloads.is_empty() && !self.namespace.workloads.is_empty();
        let mut strangers = self.namespace.strangers.iter().filter(|_| is_asked);
        strangers.find_map(|pod| {
            let counts = !pod.has_ended() && !pod.is_terminating() && !is_of_job(pod);
            let (reason, what) = self.trouble(pod).filter(|_| counts)?;
            let text = format!(
                "{} {what}, and belongs to no workload of a kind that this step finds by itself",
                workload::describe(pod)
            );
            let pods = Rc::from([pod.clone()]);
            Some(self.with_answers("", pods, WorkloadStatus::NotYet(reason, text)))
        })
    }

    /// Returns what is wrong with a pod of no known workload. One that was made by hand need not be
    /// ready.
    fn trouble(&self, pod: &Pod) -> Option<(Reason, String)> {
        let mut containers = pod.all_containers();
        if let Some(old) = containers.find(|container| is_old(container, self.image())) {
            return Some((OLD_PODS, format!("runs {}", old.image)));
        }
        let is_unready = self.request.is_new(pod) && !pod.is_ready() && pod.owner.is_some();
        is_unready.then(|| (NOT_READY, "is not ready".to_owned()))
    }

    fn workload(&self, workload: &WorkloadState) -> WorkloadJudgement {
        let (rollout, title) = (&workload.rollout, workload.rollout.title());
        let new = WorkloadHistory::default();
        let history = self.history(&title).unwrap_or(&new);
        let status = workload::judge(self.request, rollout, &workload.pods, history);
        let status = self.with_other_pod(status);
        let judgement = self.with_answers(&title, Rc::clone(&workload.pods), status);
        WorkloadJudgement {
            status: soak(self.request, judgement.status, history),
            warnings: self.warnings(&title, &workload.pods, history),
            ..judgement
        }
    }

    /// Adds to a workload without pods the pod of a kind that this step does not know: a Rollout may
    /// have taken over the template of a Deployment, which is scaled to zero (`workloadRef`).
    fn with_other_pod(&self, status: WorkloadStatus) -> WorkloadStatus {
        let WorkloadStatus::Failed(mut failure) = status else {
            return status;
        };
        if failure.cause.reason == NO_PODS
            && let Some(pod) = self.other_pod()
        {
            let (pod, image) = (workload::describe(pod), self.image().reference().name());
            failure.cause.text += &format!("; {pod} runs {image}");
        }
        failure.into()
    }

    /// Returns a pod of the image that belongs to no known workload, and is not one of a Job.
    fn other_pod(&self) -> Option<&Pod> {
        let mut strangers = self.namespace.strangers.iter();
        strangers.find(|pod| {
            let runs = !pod.has_ended() && !is_of_job(pod);
            runs && is_of_repository(pod, self.image())
        })
    }

    /// Judges a workload that does not exist. It may still be created, within a grace period; one
    /// that was deleted rarely returns.
    fn missing(&self, title: String, text: String) -> WorkloadJudgement {
        let key = key(&self.namespace.name, &title);
        let was_deleted = self.observation.histories.contains_key(&key);
        let (grace, text) = if was_deleted {
            let text = format!("{text} any more: it existed before");
            (self.request.grace.config, text)
        } else {
            (self.request.grace.schedule, text)
        };
        let may_come = self.request.waits && self.observation.missing_for(&key) < grace;
        let status = if may_come {
            WorkloadStatus::NotYet(NO_PODS, text)
        } else {
            PodFailure::of_workload(NO_PODS, text).into()
        };
        self.with_answers(&title, Rc::from([]), status)
    }

    /// Adds the answers to the questions so far, and the next question.
    fn with_answers(
        &self,
        title: &str,
        pods: Rc<[Pod]>,
        status: WorkloadStatus,
    ) -> WorkloadJudgement {
        let inquiry = WorkloadInquiry {
            request: self.request,
            observation: self.observation,
            namespace: &self.namespace.name,
            title,
            pods: &pods,
            history: self.history(title),
        };
        let status = inquiry.answered(status);
        let question = inquiry.question(&status);
        WorkloadJudgement {
            namespace: self.namespace.name.clone(),
            title: title.to_owned(),
            pods,
            status,
            inquiry: question,
            warnings: Vec::new(),
        }
    }

    fn warnings(&self, title: &str, pods: &[Pod], history: &WorkloadHistory) -> Vec<PodWarning> {
        let new = pods
            .iter()
            .filter(|pod| !pod.outdated && self.request.is_new(pod));
        new.filter_map(|pod| {
            Some(PodWarning {
                pod: pod.name.clone(),
                workload: title.to_owned(),
                text: warning(pod, history.of(pod)?)?,
            })
        })
        .collect()
    }

    fn no_such(&self, title: &str) -> String {
        if self.namespace.unread.iter().any(|name| name == title) {
            format!("no pod belongs to {title}")
        } else {
            format!("there is no {title}")
        }
    }

    /// Says that no workload has the image, and which pod has it nevertheless.
    fn no_workload(&self) -> String {
        let name = self.image().reference().name();
        let mut strangers = self.namespace.strangers.iter();
        match strangers.find(|pod| !pod.has_ended() && is_of_repository(pod, self.image())) {
            Some(pod) => {
                let stranger = workload::describe(pod);
                format!(
                    "no Deployment, StatefulSet or DaemonSet has {name}; {stranger} belongs to \
                     none of them"
                )
            }
            None => format!("no pod runs {name}"),
        }
    }

    fn history(&self, title: &str) -> Option<&WorkloadHistory> {
        let key = key(&self.namespace.name, title);
        self.observation.histories.get(&key)
    }

    fn image(&self) -> &ImageMatcher {
        &self.request.image
    }
}

fn is_of_job(pod: &Pod) -> bool {
    pod.owner.as_ref().is_some_and(|owner| owner.kind == "Job")
}

fn is_old(container: &Container, image: &ImageMatcher) -> bool {
    matches!(
        image.compare(container),
        ImageMatch::Old | ImageMatch::OtherBytes(_)
    )
}

fn is_of_repository(pod: &Pod, image: &ImageMatcher) -> bool {
    pod.all_containers()
        .any(|container| image.is_of_repository(&container.image))
}

/// Takes good pods as verified only when they have been good for long enough. With `--timeout 0`
/// the step looks at one moment only.
fn soak(request: &Request, status: WorkloadStatus, history: &WorkloadHistory) -> WorkloadStatus {
    let is_short = request.waits && history.good_for() < request.soak;
    if !is_short || !status.is_good() {
        return status;
    }
    let (good, soak) = (history.good_for().as_secs(), request.soak.as_secs());
    match history.restarted() {
        Some(pod) => WorkloadStatus::Soaking(
            RESTARTED,
            format!("{pod} restarted a container; good for {good} of {soak} s since"),
        ),
        None => WorkloadStatus::Soaking(
            NOT_READY,
            format!("all pods are ready, for {good} of {soak} s so far"),
        ),
    }
}

impl Judgement {
    /// Returns whether a workload cannot become good.
    pub(crate) fn has_failed(&self) -> bool {
        self.first_failed().is_some()
    }

    /// Returns whether all workloads are verified.
    pub(crate) fn is_verified(&self) -> bool {
        let mut workloads = self.workloads.iter();
        workloads.all(|workload| matches!(workload.status, WorkloadStatus::Verified(_)))
    }

    /// Returns why the worst workload is not verified.
    pub(crate) fn reason(&self) -> Option<Reason> {
        if let Some(failed) = self.first_failed() {
            return failed.status.reason();
        }
        let mut workloads = self.workloads.iter();
        workloads.find_map(|workload| workload.status.reason())
    }

    /// Returns the workload that the report explains: the first that failed, else the first that is
    /// not good yet.
    pub(crate) fn worst(&self) -> Option<&WorkloadJudgement> {
        let mut workloads = self.workloads.iter();
        self.first_failed()
            .or_else(|| workloads.find(|workload| !workload.status.is_good()))
    }

    /// Returns the pod that the worst workload is about, and its container if that is known.
    pub(crate) fn culprit(&self) -> Option<(&Pod, Option<&Container>)> {
        self.worst()?.culprit()
    }

    pub(crate) fn warnings(&self) -> impl Iterator<Item = &PodWarning> {
        self.workloads
            .iter()
            .flat_map(|workload| &workload.warnings)
    }

    /// Returns the reasons that the step waits for, each with its workload.
    pub(crate) fn awaited_reasons(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        for workload in &self.workloads {
            if let WorkloadStatus::NotYet(reason, _) = &workload.status {
                reasons.push(format!("{} {reason}", workload.name()));
            }
        }
        reasons
    }

    /// Returns a text for each pod that was deleted and still exists.
    pub(crate) fn terminating(&self) -> impl Iterator<Item = String> {
        let pods = self
            .workloads
            .iter()
            .flat_map(|workload| workload.pods.iter());
        pods.filter(|pod| pod.is_terminating())
            .map(workload::still_terminating)
    }

    fn first_failed(&self) -> Option<&WorkloadJudgement> {
        let mut workloads = self.workloads.iter();
        workloads.find(|workload| matches!(workload.status, WorkloadStatus::Failed(_)))
    }
}

impl WorkloadJudgement {
    /// Returns the name for people: `dex-prod/deployment/dex`.
    pub(crate) fn name(&self) -> String {
        if self.title.is_empty() {
            self.namespace.clone()
        } else {
            self.key()
        }
    }

    /// Returns the key of the workload's history.
    pub(crate) fn key(&self) -> String {
        key(&self.namespace, &self.title)
    }

    /// Returns the pod that its status is about, and the container if that is known.
    pub(crate) fn culprit(&self) -> Option<(&Pod, Option<&Container>)> {
        if let WorkloadStatus::Failed(failure) = &self.status {
            let name = failure.pod.as_ref()?;
            let pod = self.pods.iter().find(|pod| pod.name == *name)?;
            let container = pod
                .all_containers()
                .find(|container| Some(&container.name) == failure.cause.container.as_ref());
            return Some((pod, container));
        }
        let pod = self
            .pods
            .iter()
            .find(|pod| !pod.is_ready() && !pod.is_terminating() && !pod.has_ended())?;
        Some((
            pod,
            pod.containers.iter().find(|container| !container.ready),
        ))
    }
}

impl PodWarning {
    /// Returns the warning as one about the workload, which is the same for all of its pods.
    pub(crate) fn about_workload(&self) -> String {
        self.text.replacen(&self.pod, &self.workload, 1)
    }
}

#[cfg(test)]
mod tests;
