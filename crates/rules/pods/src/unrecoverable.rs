//! Decides which failures of a pod are unrecoverable.

use contract::Reason;

use crate::{
    CONFIG_ERROR, CRASH_LOOP, Container, GracePeriods, IMAGE_PULL, INIT_FAILED, INVALID_IMAGE_NAME,
    OUT_OF_MEMORY, Pod, PodHistory, PodPhase, RunState, Termination, UNSCHEDULABLE, VOLUME,
    failure::Unrecoverable,
    history::{ToleratedCondition, tolerated},
    pull,
};

/// Returns the failure from which the pod cannot recover, if any. Ask only about pods of the wanted
/// template: failures of older pods do not count.
pub fn unrecoverable(
    pod: &Pod,
    history: &PodHistory,
    grace: &GracePeriods,
) -> Option<Unrecoverable> {
    // A pod that is being deleted, or that its node gave up, is replaced; its successor counts.
    if pod.outdated || pod.is_terminating() || pod.was_evicted() || pod.phase == PodPhase::Succeeded
    {
        return None;
    }
    let check = |container, is_init| ContainerCheck {
        pod,
        container,
        is_init,
        history,
        grace,
    };
    let mut init = pod.init_containers.iter();
    let mut main = pod.containers.iter();
    init.find_map(|container| check(container, true).failure())
        .or_else(|| main.find_map(|container| check(container, false).failure()))
        .or_else(|| unscheduled(pod, history, grace))
}

/// Returns a failure that may pass, in words: a rate limit, a first crash, an eviction.
pub fn warning(pod: &Pod, history: &PodHistory) -> Option<String> {
    if pod.was_evicted() {
        return Some(format!(
            "{} was given up by its node ({}); its successor counts",
            pod.name, pod.reason
        ));
    }
    let mut containers = pod.all_containers();
    containers.find_map(|container| {
        let text = container_warning(container, history)?;
        Some(format!("{}, {}: {text}", pod.name, title(container, "")))
    })
}

fn container_warning(container: &Container, history: &PodHistory) -> Option<String> {
    if let RunState::Waiting { message, .. } = &container.state
        && tolerated(&container.state) == Some(ToleratedCondition::Pull)
    {
        let cause = pull::cause(history.pull_message(container, message));
        return Some(format!("the image could not be pulled at first: {cause}"));
    }
    let has_restarted = history.restarts(container) > 0;
    let cause = because(container.last.as_ref(), container);
    has_restarted.then(|| format!("restarted{cause}"))
}

/// One container, and everything that decides about it.
struct ContainerCheck<'a> {
    pod: &'a Pod,
    container: &'a Container,
    is_init: bool,
    history: &'a PodHistory,
    grace: &'a GracePeriods,
}

impl ContainerCheck<'_> {
    fn failure(&self) -> Option<Unrecoverable> {
        match &self.container.state {
            RunState::Waiting { reason, message } => {
                self.waiting(reason, message).or_else(|| self.restarted())
            }
            RunState::Terminated(end) if end.code != 0 && self.pod.phase == PodPhase::Failed => {
                Some(self.ended(end))
            }
            _ => self.restarted(),
        }
    }

    fn waiting(&self, reason: &str, message: &str) -> Option<Unrecoverable> {
        match reason {
            "InvalidImageName" => Some(self.explain(INVALID_IMAGE_NAME, reason, message)),
            "ErrImageNeverPull" => Some(self.explain(IMAGE_PULL, reason, message)),
            "CrashLoopBackOff" => self.is_crash_loop().then(|| self.crashed()),
            _ => match tolerated(&self.container.state)? {
                ToleratedCondition::Pull => self.pull(reason, message),
                ToleratedCondition::Config => self.config(reason, message),
                ToleratedCondition::Start => self.start(reason, message),
            },
        }
    }

    /// The registry's refusal is final, but the first attempt may have met a replica that lags.
    fn pull(&self, reason: &str, message: &str) -> Option<Unrecoverable> {
        let message = self.history.pull_message(self.container, message);
        let failure = pull::classify(message);
        let is_retried = reason == "ImagePullBackOff";
        let is_late = self.lasts(ToleratedCondition::Pull) >= self.grace.pull;
        let is_over = is_late || (is_retried && failure.is_final());
        if !is_over {
            return None;
        }
        let node = self.pod.node.as_deref();
        let node = node.map(|node| format!(" on {node}")).unwrap_or_default();
        let (image, cause) = (&self.container.image, pull::cause(message));
        let text = format!("cannot pull {image}{node}: {cause}");
        Some(self.about(failure.reason(), &text))
    }

    fn config(&self, reason: &str, message: &str) -> Option<Unrecoverable> {
        // The kubelet has not read the namespace's ConfigMaps and Secrets yet.
        if message.contains("failed to sync") && message.contains("cache") {
            return None;
        }
        let is_over = self.lasts(ToleratedCondition::Config) >= self.grace.config;
        is_over.then(|| self.explain(CONFIG_ERROR, reason, message))
    }

    /// A single failure of the container runtime is not the image's fault.
    fn start(&self, reason: &str, message: &str) -> Option<Unrecoverable> {
        let has_failed_again =
            self.history.failures(self.container) > 1 || self.history.restarts(self.container) > 1;
        let is_late = self.lasts(ToleratedCondition::Start) >= self.grace.config;
        let cause = if self.is_init {
            INIT_FAILED
        } else {
            CONFIG_ERROR
        };
        (has_failed_again || is_late).then(|| self.explain(cause, reason, message))
    }

    /// The kubelet reports a loop at the second crash. With more permitted restarts, the restarts
    /// before this run count as well, since the next one may be minutes away.
    fn is_crash_loop(&self) -> bool {
        match self.grace.max_restarts {
            0 => false,
            1 | 2 => true,
            max => self.container.restarts + 1 >= max,
        }
    }

    fn restarted(&self) -> Option<Unrecoverable> {
        let restarts = self.history.restarts(self.container);
        // A container that exceeds its memory limit twice will exceed it a third time.
        let max = if self.is_out_of_memory() {
            self.grace.max_restarts.min(2)
        } else {
            self.grace.max_restarts
        };
        (max > 0 && restarts >= max).then(|| self.crashed())
    }

    fn crashed(&self) -> Unrecoverable {
        let times = match self.container.restarts {
            0 => String::new(),
            1 => " once".to_owned(),
            restarts => format!(" {restarts} times"),
        };
        let last = self.last();
        let has_completed = last.is_some_and(|end| end.reason == "Completed" && end.code == 0);
        if has_completed && !self.is_init {
            let text = format!("ended{times} by itself (exit code 0), but must keep running");
            return self.about(CRASH_LOOP, &text);
        }
        let cause = because(last, self.container);
        self.about(self.crash_reason(), &format!("crashed{times}{cause}"))
    }

    fn ended(&self, end: &Termination) -> Unrecoverable {
        let cause = because(Some(end), self.container);
        self.about(self.crash_reason(), &format!("ended{cause}"))
    }

    fn crash_reason(&self) -> Reason {
        if self.is_out_of_memory() {
            OUT_OF_MEMORY
        } else if self.is_init && !self.container.sidecar {
            INIT_FAILED
        } else {
            CRASH_LOOP
        }
    }

    fn is_out_of_memory(&self) -> bool {
        self.last().is_some_and(|end| end.reason == "OOMKilled")
    }

    fn last(&self) -> Option<&Termination> {
        match &self.container.state {
            RunState::Terminated(end) => Some(end),
            _ => self.container.last.as_ref(),
        }
    }

    fn lasts(&self, condition: ToleratedCondition) -> std::time::Duration {
        self.history.lasts(self.container, condition)
    }

    fn explain(&self, reason: Reason, word: &str, message: &str) -> Unrecoverable {
        self.about(reason, &format!("{word}: {}", message.trim()))
    }

    fn about(&self, reason: Reason, text: &str) -> Unrecoverable {
        let name = &self.container.name;
        let prefix = if self.is_init && !self.container.sidecar {
            "init "
        } else {
            ""
        };
        Unrecoverable {
            reason,
            container: (!name.is_empty()).then(|| name.clone()),
            text: format!("{}: {text}", title(self.container, prefix)),
        }
    }
}

/// Returns `init container migrate`; the name may be unknown.
fn title(container: &Container, prefix: &str) -> String {
    let title = format!("{prefix}container {}", container.name);
    title.trim_end().to_owned()
}

/// Returns `: OOMKilled (limit 256Mi)`, ` (exit code 1)` or
/// ` (exit code 128, StartError: exec: "dex": not found)`.
fn because(end: Option<&Termination>, container: &Container) -> String {
    let Some(end) = end else { return String::new() };
    if end.reason == "OOMKilled" {
        let limit = container.memory_limit.as_deref();
        let limit = limit.map(|limit| format!(" (limit {limit})"));
        return format!(": OOMKilled{}", limit.unwrap_or_default());
    }
    let reason = match end.reason.as_str() {
        "Error" | "Completed" => "",
        reason => reason,
    };
    let words = [reason, end.message.trim()];
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    if words.is_empty() {
        return format!(" (exit code {})", end.code);
    }
    format!(" (exit code {}, {})", end.code, words.join(": "))
}

fn unscheduled(pod: &Pod, history: &PodHistory, grace: &GracePeriods) -> Option<Unrecoverable> {
    let scheduled = pod.unschedulable()?;
    if history.unscheduled() < grace.schedule {
        return None;
    }
    let message = scheduled.message.trim();
    let is_about_volume = message.to_lowercase().contains("persistentvolumeclaim")
        || message.contains("volume node affinity");
    if is_about_volume {
        let claims = if pod.claims.is_empty() {
            String::new()
        } else {
            format!(" (claims {})", pod.claims.join(", "))
        };
        let text = format!("no volume{claims}: {message}");
        return Some(Unrecoverable::of_pod(VOLUME, text));
    }
    let text = format!("the scheduler finds no node: {message}");
    Some(Unrecoverable::of_pod(UNSCHEDULABLE, text))
}

#[cfg(test)]
mod tests;
