//! The decision of a judgement.

use contract::{Reason, Verdict};

use crate::{
    judge::history::ApplicationHistory,
    observe::{FollowUp, LogPlace},
};

/// The judgement of one observation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Judgement {
    pub(crate) decision: WaitDecision,
    /// The history with this observation in it, for the next judgement.
    pub(crate) history: ApplicationHistory,
}

/// What one observation of an application means.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum WaitDecision {
    /// The application is not as requested yet.
    Wait(WaitState),
    /// Everything but the image is as requested, and the pods have to be read for that.
    ReadPods(FollowUp),
    /// The application is as requested, or no longer can be.
    Final(Conclusion),
}

/// The state of an application that is not as requested yet.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct WaitState {
    /// The reason that the report has if the deadline comes now.
    pub(crate) reason: Reason,
    /// A clause about the application, for people.
    pub(crate) text: String,
    pub(crate) follow_ups: Vec<FollowUp>,
}

/// The end of the wait for an application.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Conclusion {
    pub(crate) verdict: Verdict,
    pub(crate) reason: Option<Reason>,
    /// A clause about the application, for people.
    pub(crate) text: String,
    pub(crate) hints: Vec<String>,
    /// A remark that does not change the verdict.
    pub(crate) notice: Option<String>,
    /// The image that the pods run, once that is proven.
    pub(crate) live_image: Option<String>,
    /// The log that tells why a pod fails.
    pub(crate) log: Option<LogPlace>,
}

impl WaitDecision {
    pub(super) fn wait(reason: Reason, text: String, follow_ups: Vec<FollowUp>) -> Self {
        Self::Wait(WaitState {
            reason,
            text,
            follow_ups,
        })
    }
}

impl Conclusion {
    pub(super) fn passed(text: String, live_image: Option<String>) -> Self {
        Self {
            live_image,
            ..Self::of(Verdict::Passed, None, text)
        }
    }

    pub(super) fn refused(reason: Reason, text: impl Into<String>) -> Self {
        Self::new(Verdict::Refused, reason, text)
    }

    pub(super) fn new(verdict: Verdict, reason: Reason, text: impl Into<String>) -> Self {
        Self::of(verdict, Some(reason), text.into())
    }

    fn of(verdict: Verdict, reason: Option<Reason>, text: String) -> Self {
        Self {
            verdict,
            reason,
            text,
            hints: Vec::new(),
            notice: None,
            live_image: None,
            log: None,
        }
    }

    pub(super) fn hinted(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

impl From<Conclusion> for WaitDecision {
    fn from(conclusion: Conclusion) -> Self {
        Self::Final(conclusion)
    }
}
