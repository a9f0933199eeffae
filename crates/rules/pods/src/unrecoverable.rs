//! The table of what ends a pod's chances (argo-and-pods.md, 3.4).

use contract::Reason;

use crate::{
    CONFIG_ERROR, CRASH_LOOP, Container, GracePeriods, IMAGE_PULL, INIT_FAILED, INVALID_IMAGE_NAME,
    OUT_OF_MEMORY, Pod, PodHistory, PodPhase, RunState, Termination, UNSCHEDULABLE, VOLUME,
    history::{Trouble, trouble_of},
    pull,
};

/// Why a pod will not become what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unrecoverable {
    /// One word, with its fault.
    pub reason: Reason,
    /// Which container it is about, if it is about one and its name is known.
    pub container: Option<String>,
    /// What was seen, for people, without the pod's name: `container dex: crashed 2 times (exit code 1)`.
    pub text: String,
}

/// Returns why a pod has no future, if so. Ask it about pods of the wanted template only: old pods may be
/// as sick as they like.
pub fn unrecoverable(
    pod: &Pod,
    since: &PodHistory,
    graces: &GracePeriods,
) -> Option<Unrecoverable> {
    // A pod that goes, or that its node gave up, is replaced; its successor is judged.
    if pod.outdated || pod.is_terminating() || pod.was_evicted() || pod.phase == PodPhase::Succeeded
    {
        return None;
    }
    let case = |init| {
        move |container| {
            Case {
                pod,
                container,
                init,
                since,
                graces,
            }
            .doom()
        }
    };
    let init = pod.init_containers.iter().find_map(case(true));
    init.or_else(|| pod.containers.iter().find_map(case(false)))
        .or_else(|| unscheduled(pod, since, graces))
}

/// Returns what is wrong with a pod and may pass by itself, for people: a registry that limits, a first
/// crash.
pub fn warning(pod: &Pod, since: &PodHistory) -> Option<String> {
    if pod.was_evicted() {
        return Some(format!(
            "{} was given up by its node ({}); its successor counts",
            pod.name, pod.reason
        ));
    }
    pod.all_containers().find_map(|container| {
        let of = |what: String| format!("{}, {}: {what}", pod.name, called(container, ""));
        match &container.state {
            RunState::Waiting { message, .. }
                if trouble_of(&container.state) == Some(Trouble::Pull) =>
            {
                let cause = pull::cause(since.pull_message(container, message));
                Some(of(format!(
                    "the image could not be pulled at first: {cause}"
                )))
            }
            _ if since.restarts(container) > 0 => Some(of(format!(
                "started again{}",
                because(container.last.as_ref(), container)
            ))),
            _ => None,
        }
    })
}

/// One container, and what is known of it.
struct Case<'a> {
    pod: &'a Pod,
    container: &'a Container,
    init: bool,
    since: &'a PodHistory,
    graces: &'a GracePeriods,
}

impl Case<'_> {
    fn doom(&self) -> Option<Unrecoverable> {
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
            "InvalidImageName" => Some(self.says(INVALID_IMAGE_NAME, reason, message)),
            "ErrImageNeverPull" => Some(self.says(IMAGE_PULL, reason, message)),
            "CrashLoopBackOff" => self.loops().then(|| self.crashed()),
            _ => match trouble_of(&self.container.state)? {
                Trouble::Pull => self.pull(reason, message),
                Trouble::Config => self.config(reason, message),
                Trouble::Start => self.start(reason, message),
            },
        }
    }

    /// What the registry says is final, but one attempt may have met a registry that lags behind.
    fn pull(&self, reason: &str, message: &str) -> Option<Unrecoverable> {
        let message = self.since.pull_message(self.container, message);
        let refusal = pull::refusal(message);
        let again = reason == "ImagePullBackOff";
        let late = self.since.lasts(self.container, Trouble::Pull) >= self.graces.pull;
        let over = late || (again && refusal.is_final());
        over.then(|| {
            let node = self
                .pod
                .node
                .as_deref()
                .map(|node| format!(" on {node}"))
                .unwrap_or_default();
            let text = format!(
                "cannot pull {}{node}: {}",
                self.container.image,
                pull::cause(message)
            );
            self.about(refusal.reason(), &text)
        })
    }

    fn config(&self, reason: &str, message: &str) -> Option<Unrecoverable> {
        // The kubelet has not read the namespace's ConfigMaps and Secrets yet.
        if message.contains("failed to sync") && message.contains("cache") {
            return None;
        }
        let over = self.since.lasts(self.container, Trouble::Config) >= self.graces.config;
        over.then(|| self.says(CONFIG_ERROR, reason, message))
    }

    /// A runtime that stumbles once is not the image's fault.
    fn start(&self, reason: &str, message: &str) -> Option<Unrecoverable> {
        let again =
            self.since.failures(self.container) > 1 || self.since.restarts(self.container) > 1;
        let over = again || self.since.lasts(self.container, Trouble::Start) >= self.graces.config;
        over.then(|| {
            self.says(
                if self.init { INIT_FAILED } else { CONFIG_ERROR },
                reason,
                message,
            )
        })
    }

    /// The kubelet calls the second crash a loop. Who allows for more restarts is not told before; those of
    /// before the watch count here, since the next one may be minutes away.
    fn loops(&self) -> bool {
        match self.graces.max_restarts {
            0 => false,
            1 | 2 => true,
            most => self.container.restarts + 1 >= most,
        }
    }

    fn restarted(&self) -> Option<Unrecoverable> {
        let restarts = self.since.restarts(self.container);
        // Who takes too much memory twice will take it a third time.
        let most = if self.is_out_of_memory() {
            self.graces.max_restarts.min(2)
        } else {
            self.graces.max_restarts
        };
        (most > 0 && restarts >= most).then(|| self.crashed())
    }

    fn crashed(&self) -> Unrecoverable {
        let (container, times) = (self.container, self.container.restarts);
        let times = match times {
            0 => String::new(),
            1 => " once".to_owned(),
            _ => format!(" {times} times"),
        };
        let last = self.last();
        if last.is_some_and(|end| end.reason == "Completed" && end.code == 0) && !self.init {
            return self.about(
                CRASH_LOOP,
                &format!("ended{times} by itself (exit code 0), and should go on"),
            );
        }
        let text = format!("crashed{times}{}", because(last, container));
        self.about(self.crash_reason(), &text)
    }

    fn ended(&self, end: &Termination) -> Unrecoverable {
        self.about(
            self.crash_reason(),
            &format!("ended{}", because(Some(end), self.container)),
        )
    }

    fn crash_reason(&self) -> Reason {
        match () {
            () if self.is_out_of_memory() => OUT_OF_MEMORY,
            () if self.init && !self.container.sidecar => INIT_FAILED,
            () => CRASH_LOOP,
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

    fn says(&self, reason: Reason, word: &str, message: &str) -> Unrecoverable {
        self.about(reason, &format!("{word}: {}", message.trim()))
    }

    fn about(&self, reason: Reason, what: &str) -> Unrecoverable {
        let name = (!self.container.name.is_empty()).then(|| self.container.name.clone());
        let init = if self.init && !self.container.sidecar {
            "init "
        } else {
            ""
        };
        Unrecoverable {
            reason,
            container: name,
            text: format!("{}: {what}", called(self.container, init)),
        }
    }
}

fn called(container: &Container, init: &str) -> String {
    if container.name.is_empty() {
        format!("{init}container")
    } else {
        format!("{init}container {}", container.name)
    }
}

/// ` (OOMKilled, limit 256Mi)`, ` (exit code 1)`, ` (StartError: exec: "dex": not found)`.
fn because(end: Option<&Termination>, container: &Container) -> String {
    let Some(end) = end else { return String::new() };
    if end.reason == "OOMKilled" {
        let limit = container
            .memory_limit
            .as_deref()
            .map(|limit| format!(" (limit {limit})"))
            .unwrap_or_default();
        return format!(": OOMKilled{limit}");
    }
    let plain = matches!(end.reason.as_str(), "Error" | "Completed" | "");
    let words = [
        if plain { "" } else { end.reason.as_str() },
        end.message.trim(),
    ];
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    let words = if words.is_empty() {
        String::new()
    } else {
        format!(", {}", words.join(": "))
    };
    format!(" (exit code {}{words})", end.code)
}

fn unscheduled(pod: &Pod, since: &PodHistory, graces: &GracePeriods) -> Option<Unrecoverable> {
    let scheduled = pod.unschedulable()?;
    if since.unscheduled() < graces.schedule {
        return None;
    }
    let message = scheduled.message.trim();
    if message.to_lowercase().contains("persistentvolumeclaim")
        || message.contains("volume node affinity")
    {
        let claims = if pod.claims.is_empty() {
            String::new()
        } else {
            format!(" (claims {})", pod.claims.join(", "))
        };
        return Some(Unrecoverable {
            reason: VOLUME,
            container: None,
            text: format!("no volume{claims}: {message}"),
        });
    }
    Some(Unrecoverable {
        reason: UNSCHEDULABLE,
        container: None,
        text: format!("no node takes it: {message}"),
    })
}

#[cfg(test)]
mod tests;
