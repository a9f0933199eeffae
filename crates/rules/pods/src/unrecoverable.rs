//! Decides which failures of a pod are unrecoverable.

use contract::{Fault, Reason};

use crate::{
    CRASH_LOOP, Container, GracePeriods, INIT_FAILED, NODE_PRESSURE, OUT_OF_MEMORY, Pod,
    PodHistory, PodPhase, RunState, SETTINGS_MISSING, Termination, VOLUME,
    ends::{last_end, was_lost},
    failure::Unrecoverable,
    history::is_pull,
    pull,
    rules::{self, FailureRule, Patience},
};

/// Returns the failure from which the pod cannot recover, if any. Ask only about pods of the wanted
/// template: failures of older pods do not count.
pub fn unrecoverable(
    pod: &Pod,
    history: &PodHistory,
    grace: &GracePeriods,
) -> Option<Unrecoverable> {
    // A pod that is being deleted, or that its node gave up, is replaced; its successor counts.
    if pod.outdated
        || pod.is_terminating()
        || pod.was_given_up()
        || pod.phase == PodPhase::Succeeded
    {
        return None;
    }
    checks(pod, history, grace)
        .find_map(|check| check.failure())
        .or_else(|| unscheduled(pod, history, grace))
}

/// Returns the crash that the last observation of a pod showed.
pub(crate) fn last_crash(
    pod: &Pod,
    history: &PodHistory,
    grace: &GracePeriods,
) -> Option<Unrecoverable> {
    let mut checks = checks(pod, history, grace);
    let crashed = checks.find(|check| history.shows_crash(check.container))?;
    Some(crashed.crashed_once())
}

/// Returns the checks of all containers, init containers first.
fn checks<'a>(
    pod: &'a Pod,
    history: &'a PodHistory,
    grace: &'a GracePeriods,
) -> impl Iterator<Item = ContainerCheck<'a>> {
    let init = pod
        .init_containers
        .iter()
        .map(|container| (container, true));
    let main = pod.containers.iter().map(|container| (container, false));
    init.chain(main)
        .map(move |(container, is_init)| ContainerCheck {
            pod,
            container,
            is_init,
            history,
            grace,
        })
}

/// Returns the reason that the state of a container suggests, if it is a failure that may pass and is
/// not the fault of the change.
pub fn suspicion(container: &Container) -> Option<Reason> {
    let RunState::Waiting { reason, message } = &container.state else {
        return None;
    };
    let rule = rules::of_container(reason, message)?;
    (rule.reason.fault != Fault::Change).then_some(rule.reason)
}

/// Returns a failure that may pass, in words: a rate limit, a first crash, an eviction.
pub fn warning(pod: &Pod, history: &PodHistory) -> Option<String> {
    if pod.was_given_up() {
        let message = pod.message.trim();
        let separator = if message.is_empty() { "" } else { ": " };
        return Some(format!(
            "{} was given up by its node ({}{separator}{message}); its successor counts",
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
    if let RunState::Waiting { reason, message } = &container.state
        && is_pull(reason)
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

    fn waiting(&self, word: &str, message: &str) -> Option<Unrecoverable> {
        if word == "CrashLoopBackOff" {
            return self.is_crash_loop().then(|| self.crashed());
        }
        let message = if is_pull(word) {
            self.history.pull_message(self.container, message)
        } else {
            message
        };
        let rule = rules::of_container(word, message)?;
        if !self.is_over(rule, word) {
            return None;
        }
        if is_pull(word) {
            return Some(self.pull(rule, message));
        }
        Some(self.explain(self.reason_of_start(rule), word, message))
    }

    /// Returns whether a failure is no longer tolerated.
    fn is_over(&self, rule: &FailureRule, word: &str) -> bool {
        let (history, grace) = (self.history, self.grace);
        let lasts = history.lasts(self.container);
        match rule.patience {
            Patience::None => true,
            Patience::SecondPull => word == "ImagePullBackOff" || lasts >= grace.pull,
            Patience::Pull => lasts >= grace.pull,
            Patience::Config => lasts >= grace.config,
            Patience::Secret => lasts >= grace.secret,
            // A single failure of the container runtime proves nothing.
            Patience::Again => {
                history.failures(self.container) > 1
                    || history.restarts(self.container) > 1
                    || lasts >= grace.config
            }
            Patience::Schedule => lasts >= grace.schedule,
            // Ends of containers are counted, not timed.
            Patience::Restarts | Patience::Forever => false,
        }
    }

    fn pull(&self, rule: &FailureRule, message: &str) -> Unrecoverable {
        let (image, cause) = (&self.container.image, pull::cause(message));
        let text = format!("cannot pull {image}{}: {cause}", self.on_node());
        self.about(rule.reason, &text)
    }

    /// An init container that cannot start is an init container that fails, unless the node is to
    /// blame.
    fn reason_of_start(&self, rule: &FailureRule) -> Reason {
        let is_of_change = rule.reason.fault == Fault::Change && rule.patience == Patience::Again;
        if self.is_init && is_of_change {
            INIT_FAILED
        } else {
            rule.reason
        }
    }

    /// The kubelet reports a loop at the second crash. With more permitted restarts, the restarts
    /// before this run count as well, since the next one may be minutes away.
    fn is_crash_loop(&self) -> bool {
        if self.last().is_some_and(was_lost) {
            return false;
        }
        match self.grace.max_restarts {
            0 => false,
            1 | 2 => true,
            max => self.container.restarts + 1 >= max,
        }
    }

    fn restarted(&self) -> Option<Unrecoverable> {
        let restarts = self.history.restarts(self.container);
        if self.last().is_some_and(was_lost) {
            return None;
        }
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

    fn crashed_once(&self) -> Unrecoverable {
        let cause = because(self.last(), self.container);
        let text = format!("crashed{cause} while all pods should stay ready");
        self.about(self.crash_reason(), &text)
    }

    fn ended(&self, end: &Termination) -> Unrecoverable {
        let cause = because(Some(end), self.container);
        self.about(self.crash_reason(), &format!("ended{cause}"))
    }

    fn crash_reason(&self) -> Reason {
        if let Some(reason) = self.last().and_then(reason_of_node) {
            return reason;
        }
        if self.is_out_of_memory() && self.has_no_limit() {
            NODE_PRESSURE
        } else if self.is_out_of_memory() {
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
        last_end(self.container)
    }

    /// Returns whether neither the container nor its pod has a memory limit; a pod that is known
    /// by one line may have one.
    fn has_no_limit(&self) -> bool {
        let is_known = !self.container.name.is_empty();
        is_known && self.container.memory_limit.is_none() && self.pod.memory_limit.is_none()
    }

    fn on_node(&self) -> String {
        let node = self.pod.node.as_deref();
        node.map(|node| format!(" on {node}")).unwrap_or_default()
    }

    fn explain(&self, reason: Reason, word: &str, message: &str) -> Unrecoverable {
        // If a node may be to blame, its name is worth a word.
        let node = if reason.fault == Fault::Change || reason == SETTINGS_MISSING {
            String::new()
        } else {
            self.on_node()
        };
        let message = message.trim();
        let separator = if message.is_empty() { "" } else { ": " };
        self.about(reason, &format!("{word}{node}{separator}{message}"))
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

/// Returns the reason for a container that ended before its program ran, unless the change is to
/// blame.
fn reason_of_node(end: &Termination) -> Option<Reason> {
    let rule = rules::of_container(&end.reason, &end.message)?;
    (rule.reason.fault != Fault::Change).then_some(rule.reason)
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
    let rule = rules::of_scheduler(&scheduled.reason, message)?;
    if rule.reason == VOLUME {
        let claims = if pod.claims.is_empty() {
            String::new()
        } else {
            format!(" (claims {})", pod.claims.join(", "))
        };
        let text = format!("no volume{claims}: {message}");
        return Some(Unrecoverable::of_pod(rule.reason, text));
    }
    let text = format!("the scheduler finds no node: {message}");
    Some(Unrecoverable::of_pod(rule.reason, text))
}

#[cfg(test)]
mod tests;
