mod blame;
mod health;
mod image;
mod rendering;
mod revision;
mod sync;

use std::time::Duration;

use argocd::SyncWindows;
use branch::Ancestry;
use contract::{Reason, Verdict};
use serde_json::{Value, json};

use super::*;
use crate::{
    judge::decision::WaitState,
    observe::{ApplicationPods, FollowUp, ObservedSet, RenderedImages, RevisionAncestry},
    reasons::{
        AUTO_SYNC_OFF, AWAITS_TURN, COMMIT_GONE, DEGRADED, DEGRADED_ELSEWHERE, DENY_WINDOW,
        FAILED_BEFORE, HOOK_FAILED, IMAGE_NOT_LIVE, NEWER_COMMIT_FAILED, NEWER_IMAGE, NOT_COMPARED,
        NOT_SYNCED, OLD_REVISION, RENDER_ERROR, SHARED_RESOURCE, STALE_STATUS, SYNC_ERROR,
        SYNC_FAILED, SYNC_TERMINATED, WILL_NOT_RETRY, WRONG_SOURCE,
    },
    request::HealthScope,
};

const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
const C: &str = "cccccccccccccccccccccccccccccccccccccccc";
const D: &str = "dddddddddddddddddddddddddddddddddddddddd";

pub(super) fn request() -> Request {
    Request {
        apps: Vec::new(),
        project: None,
        argocd: argocd::ArgoOptions {
            server: "argocd.example.org".parse().unwrap(),
            authorities: None,
            token: None,
        },
        commit: C.parse().unwrap(),
        image: None,
        repository: None,
        branch: Some("main".to_owned()),
        remote: None,
        overlays: Vec::new(),
        health_scope: HealthScope::App,
        degraded_grace: Duration::from_secs(60),
        sync: false,
        wait_window: false,
        waits_for_app: false,
        waits: true,
        allows_zero: false,
        grace: ::pods::GracePeriods::default(),
        log_lines: 25,
    }
}

/// An application that syncs automatically from `main`.
fn app(sync: &str, revision: &str, health: &str) -> Value {
    json!({
        "metadata": {"name": "dex-prod", "resourceVersion": "1"},
        "spec": {
            "source": {
                "repoURL": "https://github.com/data-literate/dex",
                "path": "prod",
                "targetRevision": "main",
            },
            "syncPolicy": {"automated": {"prune": true}},
        },
        "status": {
            "sync": {"status": sync, "revision": revision},
            "health": {"status": health},
            "reconciledAt": "2026-01-01T00:00:10Z",
        },
    })
}

fn with(mut app: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    app.pointer_mut(parent).unwrap()[name] = value;
    app
}

fn operation(phase: &str, revision: &str) -> Value {
    json!({
        "phase": phase, "message": "one or more objects failed to apply",
        "startedAt": "2026-01-01T00:00:08Z", "finishedAt": "2026-01-01T00:00:09Z",
        "operation": {"sync": {"revision": revision}}, "syncResult": {"revision": revision},
    })
}

/// An observation, and the history of the judgements before it.
struct ObservedApp {
    observation: Observation,
    history: ApplicationHistory,
}

impl ObservedApp {
    fn judge(&mut self, request: &Request) -> WaitDecision {
        let judgement = judge(request, &self.observation, &self.history);
        self.history = judgement.history;
        judgement.decision
    }

    fn update(&mut self, state: Value, seconds: u64) {
        let state = serde_json::from_value(state).unwrap();
        self.observation.update(state, true);
        self.wait_until(seconds);
    }

    fn wait_until(&mut self, seconds: u64) {
        self.observation.now = Duration::from_secs(seconds);
    }

    fn answer_ancestry(&mut self, revision: &str, ancestry: Ancestry, in_branch: Option<bool>) {
        let answer = RevisionAncestry {
            ancestry,
            in_branch,
            error: None,
        };
        let answers = &mut self.observation.ancestry;
        answers.insert(revision.to_owned(), answer);
    }
}

/// Observes these states, each a second and a version after the other.
fn observed(states: impl IntoIterator<Item = Value>) -> ObservedApp {
    let mut observed = ObservedApp {
        observation: Observation::default(),
        history: ApplicationHistory::default(),
    };
    for (at, state) in (0..).zip(states) {
        let version = json!((at + 1).to_string());
        observed.update(with(state, "/metadata/resourceVersion", version), at);
    }
    observed.answer_ancestry(B, Ancestry::Ancestor, Some(true));
    observed.answer_ancestry(D, Ancestry::Descendant, None);
    observed
}

fn ask_ancestry(revision: &str) -> FollowUp {
    FollowUp::Ancestry {
        remote: "https://github.com/data-literate/dex".to_owned(),
        branch: Some("main".to_owned()),
        revision: revision.to_owned(),
        hydrated: None,
    }
}

#[track_caller]
fn concluded(decision: WaitDecision) -> Conclusion {
    match decision {
        WaitDecision::Final(conclusion) => conclusion,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn refused(decision: WaitDecision) -> (Reason, String) {
    let conclusion = concluded(decision);
    assert_eq!(conclusion.verdict, Verdict::Refused, "{conclusion:?}");
    (conclusion.reason.unwrap(), conclusion.text)
}

#[track_caller]
fn waits(decision: WaitDecision) -> WaitState {
    match decision {
        WaitDecision::Wait(state) => state,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn passes(decision: WaitDecision) {
    assert_eq!(concluded(decision).verdict, Verdict::Passed);
}

fn judged(state: Value) -> WaitDecision {
    observed([state]).judge(&request())
}

#[track_caller]
fn refuses(state: Value, reason: Reason, says: &str) {
    let (found, text) = refused(judged(state));
    assert!(found == reason && text.contains(says), "{found:?} {text}");
}
