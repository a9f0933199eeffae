//! The decision: an application's state, and what is known beside it, to what it means.

mod operation;

use std::time::Duration;

use argocd::{Application, Health, Resource};
use branch::Ancestry as Relation;
use contract::{Commit, Reason, Verdict};

use crate::{
    known::{Known, Symptom},
    reasons::{
        APP_DELETED, AUTO_SYNC_OFF, COMMIT_GONE, DEGRADED, DENY_WINDOW, NOT_COMPARED, NOT_SYNCED,
        OLD_REVISION, RENDER_ERROR, STALE_STATUS, WRONG_SOURCE,
    },
    wanted::{HealthScope, Wanted, branch_of},
};

/// A repository may stumble: it has so long until its error is taken for the commit's.
const COMPARE_GRACE: Duration = Duration::from_secs(15);
/// An application that syncs by itself starts within a second or two.
const IDLE_GRACE: Duration = Duration::from_secs(3);
/// After so long at an old revision it is asked whether the branch still has the commit.
const BRANCH_GRACE: Duration = Duration::from_secs(10);

/// What a state means.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Decision {
    /// Not yet.
    Wait(Wait),
    /// The revision is there, Synced and Healthy, nothing pending: now the image counts.
    Deployed,
    /// It will not come, or something else has taken over.
    End(Ending),
}

/// What is waited for, and what would help to know.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Wait {
    /// What it would be at the deadline.
    pub(crate) reason: Reason,
    /// The state, for people: a clause about the application.
    pub(crate) state: String,
    pub(crate) asks: Vec<Ask>,
}

/// What would help to know, or to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ask {
    /// A comparison with what the branch is now.
    Refresh,
    /// How this revision stands to the commit.
    Ancestry(String),
    /// The whole state, with its resources.
    Whole,
    /// How its pods are.
    Pods,
    /// Its sync windows.
    Windows,
    /// A sync.
    Sync,
}

/// An end, for people and programs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ending {
    pub(crate) verdict: Verdict,
    pub(crate) reason: Option<Reason>,
    /// A clause about the application.
    pub(crate) state: String,
    pub(crate) hints: Vec<String>,
    /// Lines of a log, for people.
    pub(crate) detail: Option<String>,
}

impl Ending {
    pub(crate) fn passed(state: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Passed,
            reason: None,
            state: state.into(),
            hints: Vec::new(),
            detail: None,
        }
    }

    pub(crate) fn refused(reason: Reason, state: impl Into<String>) -> Self {
        Self::new(Verdict::Refused, reason, state)
    }

    pub(crate) fn new(verdict: Verdict, reason: Reason, state: impl Into<String>) -> Self {
        Self {
            verdict,
            reason: Some(reason),
            state: state.into(),
            hints: Vec::new(),
            detail: None,
        }
    }

    pub(crate) fn hinted(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

/// How the application's revision stands to the commit.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Position {
    /// It contains the commit.
    There,
    /// It does not, as far as anybody knows.
    Behind(Behind),
    /// Nobody was asked yet.
    Unasked(String),
}

/// A revision that does not contain the commit, and what git says of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Behind {
    /// Empty before the first comparison.
    pub(crate) revision: String,
    pub(crate) in_branch: Option<bool>,
    /// Why git could not be asked.
    pub(crate) trouble: Option<String>,
}

/// Decides. Nothing but values go in, and what lasts is remembered in them.
pub(crate) fn judge(wanted: &Wanted, known: &mut Known) -> Decision {
    if let Some(ending) = never(wanted, &known.app) {
        return Decision::End(ending);
    }
    let position = position(wanted, known);
    if position != Position::There {
        known.lasts(Symptom::Applied, false);
    }
    if let Some(decision) = invalid(known).or_else(|| uncompared(known)) {
        return decision;
    }
    match position {
        Position::Unasked(revision) => waiting(
            OLD_REVISION,
            format!(
                "at {}, and it is not known yet whether that contains {}",
                short(&revision),
                wanted.commit.short()
            ),
            vec![Ask::Ancestry(revision)],
        ),
        Position::Behind(what) => behind(wanted, known, &what),
        Position::There => {
            known.lasts(Symptom::Behind, false);
            there(wanted, known)
        }
    }
}

/// What no waiting helps against.
fn never(wanted: &Wanted, app: &Application) -> Option<Ending> {
    if app.metadata.deletion_timestamp.is_some() {
        return Some(Ending::refused(APP_DELETED, "is being deleted"));
    }
    if let Some((why, hint)) = wanted.wrong_source(app) {
        return Some(
            Ending::refused(WRONG_SOURCE, format!("will not get the commit: {why}")).hinted(hint),
        );
    }
    if app
        .metadata
        .annotations
        .get("argocd.argoproj.io/skip-reconcile")
        .map(String::as_str)
        == Some("true")
    {
        let hint = "remove the annotation `argocd.argoproj.io/skip-reconcile`";
        return Some(Ending::refused(AUTO_SYNC_OFF, "is not looked at by Argo CD").hinted(hint));
    }
    if let Some(message) = app
        .condition("UnknownError")
        .filter(|it| is_about_status(it))
    {
        let hint = "make its status smaller, by fewer resources or a shorter history";
        return Some(
            Ending::refused(
                STALE_STATUS,
                format!("has a status not persisted: {message}"),
            )
            .hinted(hint),
        );
    }
    None
}

fn is_about_status(message: &str) -> bool {
    let message = message.to_lowercase();
    message.contains("persist") || message.contains("too large") || message.contains("too long")
}

/// What its project does not allow, or is no spec at all; it is looked at anew only when it is compared.
fn invalid(known: &Known) -> Option<Decision> {
    let state = format!(
        "has an invalid spec: {}",
        tidy(known.app.condition("InvalidSpecError")?)
    );
    if known.refreshes == 0 {
        return Some(waiting(WRONG_SOURCE, state, vec![Ask::Refresh]));
    }
    let hint =
        "correct the application's `spec`, or its project's `sourceRepos` and `destinations`";
    Some(Decision::End(
        Ending::refused(WRONG_SOURCE, state).hinted(hint),
    ))
}

/// An error of the comparison: the overlay's, or one that may pass.
fn uncompared(known: &mut Known) -> Option<Decision> {
    let message = known.app.condition("ComparisonError").map(tidy);
    let lasts = known.lasts(Symptom::Uncompared, message.is_some());
    let message = message?;
    if is_the_overlays(&message) && lasts >= COMPARE_GRACE && known.was_compared_again() {
        let ending = Ending::refused(RENDER_ERROR, format!("cannot be rendered: {message}"));
        return Some(Decision::End(
            ending.hinted("run `kustomize build` on the overlay"),
        ));
    }
    Some(waiting(
        NOT_COMPARED,
        format!("could not be compared: {message}"),
        vec![Ask::Refresh],
    ))
}

/// What is not proven to be the commit's fault is not: repositories and clusters have their own errors.
fn is_the_overlays(message: &str) -> bool {
    let passing = [
        "connection refused",
        "connection reset",
        "i/o timeout",
        "timed out",
        "deadline exceeded",
        "no such host",
        "failed to list refs",
        "error fetching",
        "failed to fetch",
        "authentication required",
        "repository not found",
        "code = Unavailable",
        "code = DeadlineExceeded",
        "code = Canceled",
        "cluster",
    ];
    let renders = [
        "kustomize build",
        "helm template",
        "failed to generate manifest",
        "app path does not exist",
    ];
    renders.iter().any(|it| message.contains(it)) && !passing.iter().any(|it| message.contains(it))
}

/// Returns how the application's revisions stand to the commit: each source that can have it must.
pub(crate) fn position(wanted: &Wanted, known: &Known) -> Position {
    let revisions = known.revisions(wanted);
    let missing = || Position::Behind(Behind::default());
    if revisions.is_empty() {
        return missing();
    }
    for revision in revisions {
        if revision == wanted.commit.as_str() {
            continue;
        }
        match known.ancestry.get(&revision) {
            Some(ancestry) if ancestry.relation.contains_other() => {}
            Some(ancestry) => {
                let trouble = ancestry
                    .trouble
                    .clone()
                    .filter(|_| ancestry.relation == Relation::Unknown);
                return Position::Behind(Behind {
                    revision,
                    in_branch: ancestry.in_branch,
                    trouble,
                });
            }
            None if revision.parse::<Commit>().is_ok() => return Position::Unasked(revision),
            // Before the first comparison, and after one that failed, it is a branch's name.
            None => return missing(),
        }
    }
    Position::There
}

/// At the old revision nothing is ever green.
fn behind(wanted: &Wanted, known: &mut Known, what: &Behind) -> Decision {
    let (revision, commit) = (what.revision.as_str(), wanted.commit.short());
    let lasts = known.lasts(Symptom::Behind, true);
    if what.in_branch == Some(false) && known.gone > 1 && known.refreshes > 0 {
        let sources = wanted.sources(&known.app);
        let branch = sources
            .first()
            .and_then(|(_, source)| branch_of(source))
            .unwrap_or("the branch");
        let state = format!(
            "is at {}, and {commit} is no longer in {branch}",
            short(revision)
        );
        let hint = "somebody pushed over it, or it never got there: deploy what the branch has now";
        return Decision::End(Ending::refused(COMMIT_GONE, state).hinted(hint));
    }
    let mut asks = vec![Ask::Refresh];
    if (lasts >= BRANCH_GRACE || what.in_branch == Some(false)) && !revision.is_empty() {
        asks.push(Ask::Ancestry(revision.to_owned()));
    }
    let at = if revision.is_empty() {
        "not compared yet".to_owned()
    } else {
        format!("still at {}", short(revision))
    };
    let there = match &what.trouble {
        Some(trouble) => {
            format!("and nobody could be asked whether that contains {commit} ({trouble})")
        }
        None => format!("{commit} is not there"),
    };
    let busy = operation::running(&known.app)
        .map(|what| format!("; {what}"))
        .unwrap_or_default();
    waiting(
        OLD_REVISION,
        format!("{at}, {there}{}{busy}", refreshed(known)),
        asks,
    )
}

/// Says what became of the refreshes; one that is under way is not worth a word.
fn refreshed(known: &Known) -> String {
    match (known.refreshes, known.was_compared_again()) {
        (0, _) if known.asked < 2 => String::new(),
        (count @ 1.., true) => format!(", refreshed {}", times(count)),
        _ => format!(", refresh not processed, asked {}", times(known.asked)),
    }
}

fn times(count: u32) -> String {
    if count == 1 {
        "once".to_owned()
    } else {
        format!("{count} times")
    }
}

/// The revision contains the commit: is it applied, and well?
fn there(wanted: &Wanted, known: &mut Known) -> Decision {
    let status = known.app.status.sync.status.clone();
    known.lasts(Symptom::Applied, status == "Synced");
    if let Some(decision) = operation::judge(wanted, known) {
        known.lasts(Symptom::Idle, false);
        return decision;
    }
    let idle = known.lasts(Symptom::Idle, status == "OutOfSync");
    match status.as_str() {
        "Synced" => health(wanted, known),
        "OutOfSync" => out_of_sync(wanted, known, idle),
        _ => waiting(
            NOT_COMPARED,
            format!("is compared at {}, sync {status}", at(wanted, known)),
            vec![Ask::Refresh],
        ),
    }
}

fn out_of_sync(wanted: &Wanted, known: &Known, idle: Duration) -> Decision {
    let here = format!("OutOfSync at {}", at(wanted, known));
    let error = known.app.condition("SyncError");
    if wanted.sync && (error.is_some() || !known.app.is_automated()) {
        return sync_asked(wanted, known, &here);
    }
    if let Some(message) = error {
        return Decision::End(operation::will_not_retry(&here, message));
    }
    if !known.app.is_automated() {
        let ending = Ending::refused(AUTO_SYNC_OFF, format!("is {here}, auto-sync disabled"));
        return Decision::End(ending.hinted("pass `--sync`, or set `spec.syncPolicy.automated`"));
    }
    if idle < IDLE_GRACE {
        return waiting(NOT_SYNCED, here, Vec::new());
    }
    match known.windows.as_ref().map(closed) {
        None => waiting(NOT_SYNCED, here, vec![Ask::Windows]),
        Some(Some(window)) => window_closed(wanted, &here, &window, Ask::Windows),
        Some(None) => waiting(
            NOT_SYNCED,
            format!("{here}{}", pruning(&known.app)),
            vec![Ask::Windows, Ask::Whole],
        ),
    }
}

/// Asks for a sync, once; and again where Argo CD said why it is not to be now.
fn sync_asked(wanted: &Wanted, known: &Known, here: &str) -> Decision {
    match &known.sync_refused {
        None => waiting(
            NOT_SYNCED,
            format!("{here}, a sync was asked for"),
            vec![Ask::Sync],
        ),
        Some(said) if said.contains("sync window") => window_closed(wanted, here, said, Ask::Sync),
        Some(said) => waiting(
            NOT_SYNCED,
            format!("{here}, and cannot be synced now: {said}"),
            vec![Ask::Sync],
        ),
    }
}

fn window_closed(wanted: &Wanted, here: &str, window: &str, again: Ask) -> Decision {
    if wanted.wait_window {
        return waiting(DENY_WINDOW, format!("{here}, {window}"), vec![again]);
    }
    let hint =
        "pass `--wait-window` to wait for its end, or change `spec.syncWindows` of its project";
    Decision::End(Ending::refused(DENY_WINDOW, format!("is {here}, {window}")).hinted(hint))
}

/// Returns which window keeps it from syncing, if one does: an open one that denies, or none open of
/// those that allow.
fn closed(windows: &argocd::Windows) -> Option<String> {
    let said = |window: &argocd::Window| format!("`{}` for {}", window.schedule, window.duration);
    if let Some(deny) = windows
        .active_windows
        .iter()
        .find(|window| window.kind == "deny")
    {
        return Some(format!("deny window {}", said(deny)));
    }
    let allows: Vec<String> = windows
        .assigned_windows
        .iter()
        .filter(|window| window.kind == "allow")
        .map(said)
        .collect();
    let open = windows
        .active_windows
        .iter()
        .any(|window| window.kind == "allow");
    (!allows.is_empty() && !open)
        .then(|| format!("outside of its allow windows: {}", allows.join(", ")))
}

/// What should go is only there because nothing is pruned.
fn pruning(app: &Application) -> String {
    let mut left = app
        .status
        .resources
        .iter()
        .filter(|resource| resource.status == "OutOfSync")
        .peekable();
    let prunes = app
        .spec
        .sync_policy
        .automated
        .as_ref()
        .is_some_and(|it| it.prune == Some(true));
    if prunes || left.peek().is_none() || !left.clone().all(|resource| resource.requires_pruning) {
        return String::new();
    }
    format!(
        ", only {} is left to be pruned, and `prune` is off",
        name(left.next())
    )
}

fn health(wanted: &Wanted, known: &mut Known) -> Decision {
    let here = format!("Synced at {}", at(wanted, known));
    let needs_whole =
        wanted.scope == HealthScope::Workloads && known.app.status.health.status != "Healthy";
    if needs_whole && !known.is_whole {
        return waiting(pods::NOT_READY, here, vec![Ask::Whole, Ask::Pods]);
    }
    let health = health_of(wanted, &known.app);
    let degraded = known.lasts(Symptom::Degraded, health.status == "Degraded");
    match health.status.as_str() {
        "Healthy" if known.is_settled() => Decision::Deployed,
        "Healthy" => waiting(
            pods::NOT_READY,
            format!("{here}, its operation has just ended"),
            vec![Ask::Refresh],
        ),
        "Suspended" if !known.is_whole => waiting(
            pods::NOT_READY,
            format!("{here}, Suspended"),
            vec![Ask::Whole],
        ),
        "Suspended" => suspended(&here, &known.app),
        "Degraded" if degraded >= wanted.degraded_grace && known.is_whole => {
            let culprit = culprit(&known.app, "Degraded", &health.message);
            let ending = Ending::refused(DEGRADED, format!("is {here} and Degraded: {culprit}"));
            Decision::End(ending.hinted("if it may pass, pass a longer `--degraded-grace`"))
        }
        word => {
            let culprit = culprit(&known.app, word, &health.message);
            let culprit = if culprit.is_empty() {
                culprit
            } else {
                format!(": {culprit}")
            };
            let whole = (word == "Degraded").then_some(Ask::Whole);
            let asks = [Some(Ask::Pods), whole].into_iter().flatten().collect();
            waiting(pods::NOT_READY, format!("{here}, {word}{culprit}"), asks)
        }
    }
}

/// A Deployment that is paused stays so; a rollout that pauses itself goes on.
fn suspended(here: &str, app: &Application) -> Decision {
    let paused = |resource: &&Resource| {
        resource.kind == "Deployment"
            && resource
                .health
                .as_ref()
                .is_some_and(|it| it.status == "Suspended")
    };
    match app.status.resources.iter().find(paused) {
        Some(deployment) => {
            let ending = Ending::refused(
                pods::PAUSED,
                format!("is {here}, and {} is paused", name(Some(deployment))),
            );
            Decision::End(ending.hinted("set `spec.paused` of the Deployment to false, in git"))
        }
        None => waiting(
            pods::NOT_READY,
            format!("{here}, Suspended"),
            vec![Ask::Pods],
        ),
    }
}

/// Returns the health that counts.
fn health_of(wanted: &Wanted, app: &Application) -> Health {
    if wanted.scope == HealthScope::App || app.status.health.status == "Healthy" {
        return app.status.health.clone();
    }
    const WORKLOADS: [&str; 7] = [
        "Deployment",
        "StatefulSet",
        "DaemonSet",
        "ReplicaSet",
        "Rollout",
        "Job",
        "Pod",
    ];
    let workloads = app
        .status
        .resources
        .iter()
        .filter(|resource| WORKLOADS.contains(&resource.kind.as_str()));
    let all: Vec<&Health> = workloads
        .filter_map(|resource| resource.health.as_ref())
        .collect();
    let worst = ["Degraded", "Suspended", "Missing", "Unknown", "Progressing"];
    let worst = worst
        .iter()
        .find_map(|word| all.iter().find(|health| health.status == *word));
    let healthy = || Health {
        status: "Healthy".to_owned(),
        message: String::new(),
    };
    worst.map_or_else(healthy, |health| (*health).clone())
}

/// Returns which resource it is, and what it says.
fn culprit(app: &Application, word: &str, message: &str) -> String {
    let sick = |resource: &&Resource| resource.health.as_ref().is_some_and(|it| it.status == word);
    match app.status.resources.iter().find(sick) {
        Some(resource) => {
            let said = resource
                .health
                .as_ref()
                .map(|it| it.message.as_str())
                .unwrap_or_default();
            let address = resource.kind == "Ingress" && word == "Progressing" && said.is_empty();
            let said = if address { "no address yet" } else { said };
            if said.is_empty() {
                name(Some(resource))
            } else {
                format!("{}: {said}", name(Some(resource)))
            }
        }
        None => message.to_owned(),
    }
}

fn name(resource: Option<&Resource>) -> String {
    resource
        .map(|resource| format!("{}/{}", resource.kind, resource.name))
        .unwrap_or_default()
}

pub(crate) fn waiting(reason: Reason, state: String, asks: Vec<Ask>) -> Decision {
    Decision::Wait(Wait {
        reason,
        state,
        asks,
    })
}

/// Returns `1a2b3c4d`, or `5e6f7a8b, a descendant of 1a2b3c4d`.
pub(crate) fn at(wanted: &Wanted, known: &Known) -> String {
    let commit = wanted.commit.as_str();
    let later = known
        .revisions(wanted)
        .into_iter()
        .find(|revision| revision != commit);
    match later {
        Some(later) => format!(
            "{}, a descendant of {}",
            short(&later),
            wanted.commit.short()
        ),
        None => wanted.commit.short().to_owned(),
    }
}

pub(crate) fn short(revision: &str) -> &str {
    if revision.parse::<Commit>().is_ok() {
        &revision[..8]
    } else {
        revision
    }
}

/// Takes what is random or long out of a message.
pub(crate) fn tidy(message: &str) -> String {
    let line = message.split_whitespace().collect::<Vec<_>>().join(" ");
    // kubectl's temporary file has another name every time.
    let line = match (
        line.find(" when patching \""),
        line.find("when patching \"")
            .and_then(|at| line[at + 15..].find("\": ").map(|end| at + 15 + end + 3)),
    ) {
        (Some(start), Some(end)) => format!("{}: {}", &line[..start], &line[end..]),
        _ => line,
    };
    if line.chars().count() <= 600 {
        line
    } else {
        line.chars().take(600).chain(['…']).collect()
    }
}

#[cfg(test)]
mod tests;
