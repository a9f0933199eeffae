//! One workload and its pods, judged as values: good, not yet, or doomed.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use contract::{Digest, Reason};
use pods::{
    GracePeriods, MIXED_DIGESTS, NO_PODS, NOT_READY, OLD_PODS, Pod, PodHistory, RESTARTED, Rollout,
    RunState, Unrecoverable,
    image::{ImageMatch, ImageMatcher},
    unrecoverable,
};

/// What is asked for, the same for every workload.
pub(crate) struct Demand {
    pub(crate) wanted: ImageMatcher,
    pub(crate) graces: GracePeriods,
    pub(crate) allow_zero: bool,
    pub(crate) ignore_terminating: bool,
    /// The largest number of lines to show of a log.
    pub(crate) log_lines: usize,
}

/// How a workload is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// As it should be, at this moment.
    Good(String),
    /// It may still become so.
    NotYet(Reason, String),
    /// It will not become so by itself.
    Doomed(Sick),
}

/// A doom, and whom it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sick {
    /// The pod, if it is about one.
    pub(crate) pod: Option<String>,
    pub(crate) doom: Unrecoverable,
}

/// What was seen of one workload so far.
#[derive(Debug, Default)]
pub(crate) struct History {
    now: Duration,
    /// The workload's own.
    id: String,
    /// By the pods' ids, as for the restarts.
    pods: BTreeMap<String, PodHistory>,
    /// Since when its controller cannot make pods.
    failing: Option<Duration>,
    /// Since when pods are missing.
    missing: Option<Duration>,
    /// Restarts at the last look, to see one during the soak.
    restarts: BTreeMap<String, u32>,
    good: Option<Duration>,
    /// The last restart that was seen: who.
    restarted: Option<String>,
}

/// What a workload's pods are to it.
struct Sorted<'a> {
    new: Vec<&'a Pod>,
    /// Another tag, or nothing of the wanted repository.
    old: Vec<&'a Pod>,
    /// The wanted tag, other bytes.
    other: Vec<(&'a Pod, Digest)>,
    /// Old ones that were deleted and are not gone yet.
    going: Vec<&'a Pod>,
    digests: Vec<(&'a Pod, Digest)>,
}

impl History {
    /// Takes in how all is at this time; a workload that was made anew starts anew.
    pub(crate) fn observe(&mut self, rollout: &Rollout, pods: &[Pod], at: Duration) {
        if self.id != rollout.id {
            *self = Self {
                id: rollout.id.clone(),
                ..Self::default()
            };
        }
        self.now = at;
        for pod in pods {
            self.pods
                .entry(pod.id.clone())
                .or_default()
                .observe(pod, at);
            let before = self.restarts.insert(pod.id.clone(), pod.restarts());
            if before.is_some_and(|before| pod.restarts() > before) && !pod.outdated {
                self.good = None;
                self.restarted = Some(pod.name.clone());
            }
        }
        let ids: BTreeSet<&str> = pods.iter().map(|pod| pod.id.as_str()).collect();
        self.pods.retain(|id, _| ids.contains(id.as_str()));
        self.restarts.retain(|id, _| ids.contains(id.as_str()));
        let keep = |mark: Option<Duration>, still: bool| still.then(|| mark.unwrap_or(at));
        self.failing = keep(self.failing, rollout.replica_failure.is_some());
        let there = pods
            .iter()
            .filter(|pod| !pod.is_terminating() && !pod.has_ended())
            .count();
        self.missing = keep(self.missing, there < rollout.wanted as usize);
    }

    /// Remembers how it stands, and returns for how long it has been good.
    pub(crate) fn stands(&mut self, standing: &Standing) -> Option<Duration> {
        self.good = matches!(standing, Standing::Good(_)).then(|| self.good.unwrap_or(self.now));
        self.good.map(|since| self.now.saturating_sub(since))
    }

    /// Returns the pod that was seen to start a container again.
    pub(crate) fn restarted(&self) -> Option<&str> {
        self.restarted.as_deref()
    }

    /// Returns what was seen of a pod.
    pub(crate) fn of(&self, pod: &Pod) -> Option<&PodHistory> {
        self.pods.get(&pod.id)
    }

    /// Returns for how long pods have been missing.
    pub(crate) fn missing(&self) -> Duration {
        self.missing
            .map_or(Duration::ZERO, |since| self.now.saturating_sub(since))
    }

    fn failing(&self) -> Duration {
        self.failing
            .map_or(Duration::ZERO, |since| self.now.saturating_sub(since))
    }
}

impl Demand {
    /// Judges a workload with its pods, which its history has observed.
    pub(crate) fn judge(&self, rollout: &Rollout, pods: &[Pod], history: &History) -> Standing {
        let sorted = self.sort(pods);
        let sick = self
            .of_settings(rollout, &sorted)
            .or_else(|| self.of_pods(rollout, &sorted, history))
            .or_else(|| self.of_controller(rollout, history))
            .or_else(|| self.of_bytes(rollout, &sorted));
        match sick {
            Some(sick) => Standing::Doomed(sick),
            None => self.progress(rollout, &sorted),
        }
    }

    /// Returns whether a pod has a container of the wanted image, as far as its specification tells.
    pub(crate) fn is_new(&self, pod: &Pod) -> bool {
        pod.all_containers()
            .any(|it| self.wanted.is_named(&it.image))
    }

    /// Returns a line about a pod: `dex-7f9 on node-1: new, ready, 2 restarts`.
    pub(crate) fn describe(&self, pod: &Pod) -> String {
        let node = pod
            .node
            .as_deref()
            .map(|node| format!(" on {node}"))
            .unwrap_or_default();
        let age = match () {
            () if pod.is_terminating() => "terminating",
            () if !self.is_new(pod) => "old",
            () if pod.outdated => "of an older template",
            () => "new",
        };
        let state = match () {
            () if pod.has_ended() && pod.reason.is_empty() => "ended",
            () if pod.has_ended() => &pod.reason,
            () if pod.is_ready() => "ready",
            () => word(pod),
        };
        let restarts = match pod.restarts() {
            0 => String::new(),
            1 => ", 1 restart".to_owned(),
            count => format!(", {count} restarts"),
        };
        format!("pod {}{node}: {age}, {state}{restarts}", pod.name)
    }

    fn sort<'a>(&self, pods: &'a [Pod]) -> Sorted<'a> {
        let (new, old, other, going, digests) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut sorted = Sorted {
            new,
            old,
            other,
            going,
            digests,
        };
        for pod in pods
            .iter()
            .filter(|pod| !pod.has_ended() || pod.is_terminating())
        {
            let runs: Vec<ImageMatch> = pod
                .all_containers()
                .map(|it| self.wanted.compare(it))
                .collect();
            let bytes = runs.iter().find_map(|runs| match runs {
                ImageMatch::OtherBytes(digest) => Some(digest.clone()),
                _ => None,
            });
            let is_new = runs
                .iter()
                .any(|it| matches!(it, ImageMatch::Wanted(_) | ImageMatch::NotStarted));
            match bytes {
                // One of the right ones may go at any time: fewer are wanted, or its node is drained.
                None if pod.is_terminating() && is_new && !runs.contains(&ImageMatch::Old) => {}
                _ if pod.is_terminating() => sorted.going.push(pod),
                _ if runs.contains(&ImageMatch::Old) => sorted.old.push(pod),
                Some(digest) => sorted.other.push((pod, digest)),
                None if is_new => {
                    let told = runs.into_iter().filter_map(|it| {
                        if let ImageMatch::Wanted(digest) = it {
                            digest
                        } else {
                            None
                        }
                    });
                    sorted.digests.extend(told.map(|digest| (pod, digest)));
                    sorted.new.push(pod);
                }
                None => sorted.old.push(pod),
            }
        }
        sorted
    }

    fn of_settings(&self, rollout: &Rollout, sorted: &Sorted<'_>) -> Option<Sick> {
        let doom = |reason, text| {
            Some(Sick {
                pod: None,
                doom: Unrecoverable {
                    reason,
                    container: None,
                    text,
                },
            })
        };
        if rollout.observed && rollout.wanted == 0 && !self.allow_zero {
            return doom(NO_PODS, "it is scaled to zero".to_owned());
        }
        if let Some(image) = self.another_tag(rollout).filter(|_| self.is_meant(rollout)) {
            let container = sorted
                .old
                .iter()
                .flat_map(|pod| pod.all_containers())
                .find(|it| it.image == *image);
            let name = container
                .map(|it| format!(" (container {})", it.name))
                .unwrap_or_default();
            return doom(OLD_PODS, format!("its template has {image} as well{name}"));
        }
        let old = sorted.old.len() + sorted.other.len();
        rollout.blocked(old).map(|doom| Sick { pod: None, doom })
    }

    /// Returns what its template has of the wanted repository, but for the wanted image.
    fn another_tag<'r>(&self, rollout: &'r Rollout) -> Option<&'r String> {
        let other =
            |image: &&String| self.wanted.is_of_repository(image) && !self.wanted.is_named(image);
        rollout.images.iter().find(other)
    }

    /// Returns whether its template has the wanted image: what holds the rollout of another one up is not
    /// ours to judge.
    fn is_meant(&self, rollout: &Rollout) -> bool {
        rollout
            .images
            .iter()
            .any(|image| self.wanted.is_named(image))
    }

    /// When its controller has given up, what lasts has lasted for long enough.
    fn graces(&self, rollout: &Rollout) -> GracePeriods {
        let over = rollout.stalled().is_some() && self.is_meant(rollout);
        if over {
            self.graces.expired()
        } else {
            self.graces
        }
    }

    fn of_pods(&self, rollout: &Rollout, sorted: &Sorted<'_>, history: &History) -> Option<Sick> {
        let graces = self.graces(rollout);
        // Until its controller has seen the last change, the newest pods may be of the template before.
        sorted
            .new
            .iter()
            .filter(|_| rollout.observed)
            .find_map(|pod| {
                let doom = unrecoverable(pod, history.of(pod)?, &graces)?;
                Some(Sick {
                    pod: Some(pod.name.clone()),
                    doom,
                })
            })
    }

    fn of_controller(&self, rollout: &Rollout, history: &History) -> Option<Sick> {
        let late = history.failing() >= self.graces(rollout).config;
        let failed = || late.then(|| rollout.failed_create()).flatten();
        let doom = Some(())
            .filter(|()| self.is_meant(rollout))
            .and_then(|()| failed().or_else(|| rollout.stalled()))?;
        Some(Sick { pod: None, doom })
    }

    /// While pods are replaced, the old ones may have had the same tag.
    fn of_bytes(&self, rollout: &Rollout, sorted: &Sorted<'_>) -> Option<Sick> {
        let there = sorted.new.len() + sorted.old.len() + sorted.other.len();
        let done = rollout.observed
            && rollout.updated >= rollout.wanted
            && there == rollout.wanted as usize;
        if !done {
            return None;
        }
        let first = sorted.digests.first().map(|(_, digest)| digest);
        let differs = sorted
            .digests
            .iter()
            .find(|(_, digest)| !self.wanted.is_by_digest() && Some(digest) != first);
        let (pod, digest) = sorted.other.first().or(differs)?;
        let node = pod.node.as_deref().unwrap_or("its node");
        let text = format!("{node} has {} under the wanted tag", digest.short());
        Some(Sick {
            pod: Some(pod.name.clone()),
            doom: Unrecoverable {
                reason: MIXED_DIGESTS,
                container: None,
                text,
            },
        })
    }

    fn progress(&self, rollout: &Rollout, sorted: &Sorted<'_>) -> Standing {
        let not_yet = |reason, text: String| Standing::NotYet(reason, text);
        let (wanted, new) = (rollout.wanted as usize, sorted.new.len());
        if !rollout.observed {
            return not_yet(
                NOT_READY,
                "its controller has not seen the last change yet".to_owned(),
            );
        }
        if let Some(pod) = sorted
            .old
            .first()
            .copied()
            .or_else(|| sorted.other.first().map(|(pod, _)| *pod))
        {
            let count = sorted.old.len() + sorted.other.len();
            return not_yet(
                OLD_PODS,
                format!("{count} of {} pods are old; {}", count + new, self.old(pod)),
            );
        }
        if let Some(image) = self.another_tag(rollout).filter(|_| new == 0) {
            return not_yet(OLD_PODS, format!("its template has {image}"));
        }
        let ready = sorted.new.iter().filter(|pod| pod.is_ready()).count();
        if new < wanted {
            return not_yet(
                NOT_READY,
                format!("{new} of {wanted} pods are there, {ready} ready"),
            );
        }
        if let Some(pod) = sorted.new.iter().find(|pod| !pod.is_ready()) {
            return not_yet(
                NOT_READY,
                format!(
                    "{ready} of {new} pods ready; {}: {}",
                    pod.name,
                    why_unready(pod)
                ),
            );
        }
        let outdated = sorted.new.iter().find(|pod| pod.outdated);
        if let Some(pod) = outdated.filter(|_| rollout.replaces_all()) {
            return not_yet(
                OLD_PODS,
                format!("{}{} is of an older template", pod.name, made_by(pod)),
            );
        }
        if rollout.updated < rollout.wanted && rollout.replaces_all() {
            return not_yet(
                NOT_READY,
                format!(
                    "{} of {wanted} pods are of the last template",
                    rollout.updated
                ),
            );
        }
        match sorted.going.first().filter(|_| !self.ignore_terminating) {
            Some(pod) => not_yet(
                OLD_PODS,
                format!("{} is still terminating{}", pod.name, kept_by(pod)),
            ),
            None => Standing::Good(format!(
                "{new} of {new} pods run {} and are ready",
                self.wanted.reference()
            )),
        }
    }

    fn old(&self, pod: &Pod) -> String {
        let image = pod.all_containers().find(|it| {
            matches!(
                self.wanted.compare(it),
                ImageMatch::Old | ImageMatch::OtherBytes(_)
            )
        });
        let image = image
            .or(pod.containers.first())
            .map(|it| format!(" runs {}", it.image))
            .unwrap_or_default();
        format!("{}{}{image}", pod.name, made_by(pod))
    }
}

/// Returns why a workload that was not good for long enough is not: a restart, or that time was short.
pub(crate) fn too_short(history: &History, soaked: Duration, soak: Duration) -> (Reason, String) {
    let (soaked, soak) = (soaked.as_secs(), soak.as_secs());
    match history.restarted() {
        Some(pod) => (
            RESTARTED,
            format!("{pod} started a container again; good for {soaked} of {soak} s since"),
        ),
        None => (
            NOT_READY,
            format!("all pods are ready, for {soaked} of {soak} s so far"),
        ),
    }
}

/// Returns the one word for what keeps a pod from being ready.
fn word(pod: &Pod) -> &str {
    let waits = pod
        .all_containers()
        .find_map(|container| match &container.state {
            RunState::Waiting { reason, .. } if !reason.is_empty() => Some(reason.as_str()),
            _ => None,
        });
    let scheduled = pod
        .condition("PodScheduled")
        .filter(|it| !it.is_true)
        .map(|it| it.reason.as_str());
    scheduled.or(waits).unwrap_or("not ready")
}

fn why_unready(pod: &Pod) -> String {
    if let Some(scheduled) = pod.condition("PodScheduled").filter(|it| !it.is_true) {
        return format!("{}: {}", scheduled.reason, scheduled.message);
    }
    if pod.phase == pods::PodPhase::Unknown {
        return format!(
            "its node {} does not answer",
            pod.node.as_deref().unwrap_or("(none)")
        );
    }
    let Some(container) = pod.all_containers().find(|it| !is_fine(it, pod)) else {
        // A readiness gate, in its own words.
        let said = pod
            .condition("Ready")
            .map(|it| it.message.as_str())
            .filter(|it| !it.is_empty());
        return said.unwrap_or("not ready").to_owned();
    };
    let is_init = pod
        .init_containers
        .iter()
        .any(|it| it.name == container.name && !it.sidecar);
    match &container.state {
        RunState::Waiting { reason, message } => {
            let words = [reason.as_str(), message.trim()]
                .into_iter()
                .filter(|it| !it.is_empty());
            let words: String = words.map(|it| format!(": {it}")).collect();
            format!("container {} waits{words}", container.name)
        }
        RunState::Terminated(end) => format!(
            "container {} ended (exit code {})",
            container.name, end.code
        ),
        RunState::Running if is_init => {
            format!("init container {} has not ended yet", container.name)
        }
        _ => {
            let probe = container
                .probe
                .as_ref()
                .map(|probe| format!(", its readiness probe is {probe}"));
            format!(
                "container {} runs and is not ready{}",
                container.name,
                probe.unwrap_or_default()
            )
        }
    }
}

/// An init container that has done its work is not ready any more, and need not be.
fn is_fine(container: &pods::Container, pod: &Pod) -> bool {
    let is_init = pod
        .init_containers
        .iter()
        .any(|it| it.name == container.name);
    let done = matches!(&container.state, RunState::Terminated(end) if end.code == 0);
    container.ready || (is_init && (done || container.state == RunState::Unknown))
}

/// ` (ReplicaSet dex-5c7d)`.
fn made_by(pod: &Pod) -> String {
    pod.owner
        .as_ref()
        .map(|owner| format!(" ({} {})", owner.kind, owner.name))
        .unwrap_or_default()
}

/// Returns who keeps a pod that was deleted: `, kept by the finalizer example.org/drain`.
pub(crate) fn kept_by(pod: &Pod) -> String {
    if pod.finalizers.is_empty() {
        String::new()
    } else {
        format!(", kept by the finalizer {}", pod.finalizers.join(", "))
    }
}

#[cfg(test)]
mod tests;
