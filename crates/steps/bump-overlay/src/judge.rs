//! Decides what to write: the edits of all overlays together, and whether the guards let them pass.

pub(crate) mod edits;
pub(crate) mod freeze;
pub(crate) mod guards;
#[cfg(test)]
mod tests;

use contract::Commit;

use self::{
    edits::Edits,
    guards::{Findings, Unanswered},
};
use crate::{observe::Observation, request::Request};

/// What becomes of the overlays. The default is the state before anything was read.
#[derive(Debug, Default)]
pub(crate) struct Judgement {
    /// The tip of the branch; `None` for the files of this checkout.
    pub(crate) tip: Option<Commit>,
    pub(crate) edits: Edits,
    pub(crate) findings: Findings,
    pub(crate) decision: BumpDecision,
}

/// What to do with all overlays together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum BumpDecision {
    /// Refuse: at least one overlay cannot be edited, and no guard stops another one.
    Refuse,
    /// Write nothing: a guard stops at least one overlay.
    Stop,
    /// Write nothing: every overlay is as it should be.
    #[default]
    Nothing,
    Write,
}

/// Judges the edits at the tip of a branch.
///
/// # Errors
/// The next question, if the observation does not answer everything yet.
pub(crate) fn judge(
    request: &Request,
    edits: &Edits,
    observation: &Observation,
) -> Result<Judgement, Unanswered> {
    // An overlay that cannot be edited hides nothing about the others.
    let frozen = freeze::check(edits, request.branch.as_ref(), &observation.freeze);
    let findings = if !frozen.is_empty() {
        Findings::frozen(frozen)
    } else if edits.changed().next().is_some() {
        guards::check(request, edits, observation)?
    } else {
        Findings::default()
    };
    let edits = edits.clone().without(request, findings.same_source());
    Ok(Judgement {
        decision: decide(&edits, &findings),
        tip: Some(observation.tip.clone()),
        edits,
        findings,
    })
}

/// Judges the edits of this checkout. There are no guards: its user sees the change before a
/// commit.
pub(crate) fn judge_checkout(edits: Edits) -> Judgement {
    let findings = Findings::default();
    Judgement {
        decision: decide(&edits, &findings),
        tip: None,
        edits,
        findings,
    }
}

fn decide(edits: &Edits, findings: &Findings) -> BumpDecision {
    if findings.stop() {
        BumpDecision::Stop
    } else if edits.is_refused() {
        BumpDecision::Refuse
    } else if edits.changed().next().is_none() {
        BumpDecision::Nothing
    } else {
        BumpDecision::Write
    }
}
