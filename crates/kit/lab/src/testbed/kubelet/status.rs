//! The status of a pod, as a script returns it.

/// The status of a pod and its containers.
///
/// Everything holds for all of its main containers, or for [one](ScriptedStatus::only) while the others
/// run.
#[must_use = "return it from a script"]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptedStatus {
    pub(super) phase: &'static str,
    pub(super) state: ScriptedState,
    pub(super) init: Option<ScriptedState>,
    pub(super) ready: bool,
    pub(super) restarts: u32,
    pub(super) last: Option<ScriptedEnd>,
    pub(super) image_id: Option<String>,
    pub(super) container: Option<String>,
    pub(super) reason: Option<(String, String)>,
    pub(super) log: String,
    pub(super) previous_log: String,
    pub(super) stays: bool,
}

/// The state of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ScriptedState {
    Waiting { reason: String, message: String },
    Running,
    Ended(ScriptedEnd),
}

/// How a container ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ScriptedEnd {
    pub(super) code: i32,
    pub(super) reason: String,
}

impl ScriptedStatus {
    /// Says that it has been put on a node and nothing runs yet.
    pub fn creating() -> Self {
        Self::waiting("ContainerCreating", "")
    }

    /// Says that a container waits, with the reason and the message of the kubelet.
    pub fn waiting(reason: &str, message: &str) -> Self {
        Self::new(
            "Pending",
            ScriptedState::Waiting {
                reason: reason.to_owned(),
                message: message.to_owned(),
            },
        )
    }

    /// Says that all containers run and are ready; their images have the digest in their name, or
    /// one that follows from the name.
    pub fn running() -> Self {
        Self {
            ready: true,
            ..Self::new("Running", ScriptedState::Running)
        }
    }

    /// Says that the containers have ended, and that nothing starts them again.
    pub fn ended(code: i32, reason: &str) -> Self {
        let phase = if code == 0 { "Succeeded" } else { "Failed" };
        Self::new(
            phase,
            ScriptedState::Ended(ScriptedEnd {
                code,
                reason: reason.to_owned(),
            }),
        )
    }

    /// Says that the containers have ended, and that they will be started again.
    pub fn fallen(code: i32, reason: &str) -> Self {
        Self {
            phase: "Running",
            ..Self::ended(code, reason)
        }
    }

    /// Says that the first init container has ended so, and all else waits for it.
    pub fn init_failed(code: i32, reason: &str) -> Self {
        let end = ScriptedState::Ended(ScriptedEnd {
            code,
            reason: reason.to_owned(),
        });
        Self {
            init: Some(end),
            ..Self::waiting("PodInitializing", "")
        }
    }

    /// Lets the first init container wait.
    pub fn init_waiting(mut self, reason: &str, message: &str) -> Self {
        self.init = Some(ScriptedState::Waiting {
            reason: reason.to_owned(),
            message: message.to_owned(),
        });
        self
    }

    /// Sets the image id that the node reports: `registry.example/dex@sha256:…`, as runtimes write
    /// it.
    pub fn image_id(mut self, image_id: &str) -> Self {
        self.image_id = Some(image_id.to_owned());
        self
    }

    /// Says that it is not ready: its probe fails.
    pub fn not_ready(mut self) -> Self {
        self.ready = false;
        self
    }

    /// Sets how often its containers were started again, and how the last one had ended.
    pub fn restarted(mut self, times: u32, code: i32, reason: &str) -> Self {
        (self.restarts, self.last) = (
            times,
            Some(ScriptedEnd {
                code,
                reason: reason.to_owned(),
            }),
        );
        self
    }

    /// Sets the phase, where it does not follow from the containers: a crash loop is `Running`.
    pub fn phase(mut self, phase: &'static str) -> Self {
        self.phase = phase;
        self
    }

    /// Sets the pod's own reason and message: `Evicted`.
    pub fn reason(mut self, reason: &str, message: &str) -> Self {
        self.reason = Some((reason.to_owned(), message.to_owned()));
        self
    }

    /// Says all this of one container; the others run and are ready.
    pub fn only(mut self, container: &str) -> Self {
        self.container = Some(container.to_owned());
        self
    }

    /// Sets the log of its running containers.
    pub fn log(mut self, text: &str) -> Self {
        text.clone_into(&mut self.log);
        self
    }

    /// Sets the log of its containers before their last restart.
    pub fn previous_log(mut self, text: &str) -> Self {
        text.clone_into(&mut self.previous_log);
        self
    }

    /// Stays when it is deleted, as long as this is so.
    pub fn stuck(mut self) -> Self {
        self.stays = true;
        self
    }

    fn new(phase: &'static str, state: ScriptedState) -> Self {
        Self {
            phase,
            state,
            init: None,
            ready: false,
            restarts: 0,
            last: None,
            image_id: None,
            container: None,
            reason: None,
            log: String::new(),
            previous_log: String::new(),
            stays: false,
        }
    }
}
