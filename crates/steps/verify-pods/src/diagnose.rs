//! Why, beyond the reason: the log of what crashed, and what was said of it.

use std::time::Duration;

use contract::{Failure, Reason, Report, World, asking};
use kubernetes::{Cluster, Event};
use pods::{
    CRASH_LOOP, Container, IMAGE_NOT_FOUND, IMAGE_PULL, IMAGE_PULL_DENIED, INIT_FAILED,
    MIXED_DIGESTS, NO_PODS, NOT_READY, OLD_PODS, ON_DELETE, OUT_OF_MEMORY, PARTITIONED, PAUSED,
    Pod, QUOTA, RESTARTED, RunState, UNSCHEDULABLE,
};

use crate::{
    judge::{Demand, Sick, Standing},
    wait::Case,
};

/// How long the diagnosis may take; the verdict is known.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many events are shown.
const EVENTS: usize = 3;
/// How many pods are shown.
const PODS: usize = 10;

/// Adds as its detail what the report is about: the pods, and log and events of the first one that is sick.
pub(crate) async fn explain(
    report: Report,
    cases: &[Case],
    demand: &Demand,
    cluster: &Cluster<'_>,
    world: &World,
) -> Report {
    let Some(case) = worst(cases) else {
        return report;
    };
    let mut lines = table(case, demand);
    let shows_log = report.reason.is_some_and(logs);
    if let Some((pod, container)) = culprit(case) {
        let crashed = report.reason != Some(NOT_READY);
        let events = events(cluster, world, &pod.namespace, &pod.name);
        let log = async {
            match container.filter(|_| shows_log) {
                Some(container) => {
                    log(pod, container, crashed, demand.log_lines, cluster, world).await
                }
                None => Vec::new(),
            }
        };
        let (events, log) = tokio::join!(events, tokio::time::timeout(PATIENCE, log));
        lines.extend(warnings(&events).into_iter().map(said));
        lines.extend(log.unwrap_or_default());
    }
    let mut report = hinted(report);
    if shows_log && demand.log_lines == 0 {
        report = report.hinted(
            "pass `--log-lines 25` to show the end of its log, to everybody who sees this one",
        );
    }
    if lines.is_empty() {
        report
    } else {
        report.with_detail(lines.join("\n"))
    }
}

/// The first that is doomed, else the first that is not good yet; `None` if all are.
fn worst(cases: &[Case]) -> Option<&Case> {
    let doomed = cases
        .iter()
        .find(|case| matches!(case.standing, Standing::Doomed(_)));
    doomed.or_else(|| {
        cases
            .iter()
            .find(|case| matches!(case.standing, Standing::NotYet(..)))
    })
}

/// One line for each of several pods, those first that are not as they should be.
fn table(case: &Case, demand: &Demand) -> Vec<String> {
    if case.pods.len() < 2 {
        return Vec::new();
    }
    let mut pods: Vec<&Pod> = case.pods.iter().collect();
    pods.sort_by_key(|pod| pod.is_ready() && demand.is_new(pod));
    let mut lines: Vec<String> = pods
        .iter()
        .take(PODS)
        .map(|pod| demand.describe(pod))
        .collect();
    if let more @ 1.. = pods.len().saturating_sub(PODS) {
        lines.push(format!("and {more} pods more"));
    }
    lines
}

/// The pod of the doom, else the first one that is not ready; and which of its containers.
fn culprit(case: &Case) -> Option<(&Pod, Option<&str>)> {
    if let Standing::Doomed(Sick { pod, doom }) = &case.standing {
        let pod = case.pods.iter().find(|it| Some(&it.name) == pod.as_ref())?;
        let container = pod
            .all_containers()
            .find(|it| Some(&it.name) == doom.container.as_ref());
        return Some((pod, container.map(|it| it.name.as_str())));
    }
    let unready = |pod: &&Pod| !pod.is_ready() && !pod.is_terminating() && !pod.has_ended();
    let pod = case.pods.iter().find(unready)?;
    Some((
        pod,
        pod.containers
            .iter()
            .find(|it| !it.ready)
            .map(|it| it.name.as_str()),
    ))
}

/// `event Unhealthy (7 times): Readiness probe failed: …`
fn said(event: &Event) -> String {
    let times = event
        .count
        .filter(|count| *count > 1)
        .map(|count| format!(" ({count} times)"));
    format!(
        "event {}{}: {}",
        event.reason,
        times.unwrap_or_default(),
        event.message.trim()
    )
}

/// The reasons that a log explains.
fn logs(reason: Reason) -> bool {
    [CRASH_LOOP, OUT_OF_MEMORY, INIT_FAILED, NOT_READY].contains(&reason)
}

fn warnings(events: &[Event]) -> Vec<&Event> {
    let warnings: Vec<&Event> = events
        .iter()
        .filter(|event| event.kind == "Warning")
        .collect();
    warnings[warnings.len().saturating_sub(EVENTS)..].to_vec()
}

/// Returns the events of an object; without the permission none, and a notice.
pub(crate) async fn events(
    cluster: &Cluster<'_>,
    world: &World,
    namespace: &str,
    object: &str,
) -> Vec<Event> {
    let asked = tokio::time::timeout(PATIENCE, cluster.events(namespace, object)).await;
    match asked {
        Ok(Ok(events)) => events,
        Ok(Err(failure)) => {
            unexplained(world, &failure, "its events");
            Vec::new()
        }
        Err(_) => Vec::new(),
    }
}

/// Reads the log of the run that crashed, if one did; a node may have thrown it away.
async fn log(
    pod: &Pod,
    container: &str,
    crashed: bool,
    most: usize,
    cluster: &Cluster<'_>,
    world: &World,
) -> Vec<String> {
    let container = pod.all_containers().find(|it| it.name == container);
    let Some(container) = container.filter(|it| most > 0 && has_run(it)) else {
        return Vec::new();
    };
    let name = container.name.as_str();
    let ask = |previous| cluster.log(&pod.namespace, &pod.name, name, previous, most);
    if crashed
        && container.last.is_some()
        && let Ok(text) = ask(true).await
        && !text.is_empty()
    {
        return tail(&text, most, name, true, world);
    }
    match ask(false).await {
        Ok(text) => tail(&text, most, name, false, world),
        Err(failure) => {
            unexplained(world, &failure, "its log");
            Vec::new()
        }
    }
}

fn has_run(container: &Container) -> bool {
    container.last.is_some()
        || matches!(container.state, RunState::Running | RunState::Terminated(_))
}

fn tail(text: &str, most: usize, container: &str, previous: bool, world: &World) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let last = &lines[lines.len().saturating_sub(most)..];
    if last.is_empty() {
        return vec![format!("the log of container {container} is empty")];
    }
    let which = if previous {
        ", before it was started again"
    } else {
        ""
    };
    let lines = if last.len() == 1 {
        "line".to_owned()
    } else {
        format!("{} lines", last.len())
    };
    let head = format!("log of container {container}{which}, the last {lines}:");
    let line = |line: &&str| format!("  {}", masked(&world.redact(line)));
    std::iter::once(head).chain(last.iter().map(line)).collect()
}

/// Words after which a log shows what nobody should read.
const SECRETS: [&str; 9] = [
    "password",
    "passwd",
    "secret",
    "token",
    "api_key",
    "apikey",
    "api-key",
    "authorization",
    "bearer",
];

/// Masks what follows `password=` and the like, and tokens by their look: whoever sees the run may not
/// see the cluster's logs.
fn masked(line: &str) -> String {
    let mut words = Vec::new();
    let mut hide = false;
    for word in line.split(' ') {
        let word = without_password(word);
        let lower = word.to_lowercase();
        let names = SECRETS.iter().any(|secret| lower.contains(secret));
        let assigned = word.find(['=', ':']).filter(|_| names);
        words.push(match assigned {
            _ if (hide && !word.is_empty()) || word.contains("eyJ") => "***".to_owned(),
            Some(at) if at + 1 < word.len() => format!("{}***", &word[..=at]),
            _ => word.clone(),
        });
        // `Authorization: Bearer x` hides both words after it.
        let opens = (names && word.ends_with([':', '=']))
            || lower == "bearer"
            || (hide && lower.ends_with("bearer"));
        hide = opens || (hide && word.is_empty());
    }
    words.join(" ")
}

/// `postgres://dex:hunter2@db` without what stands before the host.
fn without_password(word: &str) -> String {
    let Some((scheme, rest)) = word.split_once("://") else {
        return word.to_owned();
    };
    match rest
        .split(['/', '?'])
        .next()
        .and_then(|authority| authority.rfind('@'))
    {
        Some(at) => format!("{scheme}://***{}", &rest[at..]),
        None => word.to_owned(),
    }
}

fn unexplained(world: &World, failure: &Failure, what: &str) {
    let hint = failure
        .hints
        .first()
        .filter(|_| failure.reason == asking::PERMISSION_MISSING);
    let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
    world.notice(format!(
        "could not read {what}: {}{hint}",
        failure.summary()
    ));
}

/// What to do about it.
fn hinted(report: Report) -> Report {
    let hint = match report.reason {
        Some(IMAGE_NOT_FOUND) => {
            "run `check-image` with every platform of the cluster's nodes before this step"
        }
        Some(IMAGE_PULL_DENIED) => {
            "give the pods a pull secret that is valid for this registry (`imagePullSecrets`)"
        }
        Some(IMAGE_PULL) => "pass a longer `--pull-grace` if the registry recovers by itself",
        Some(UNSCHEDULABLE) => {
            "make room, or pass a longer `--schedule-grace` if nodes are added automatically"
        }
        Some(QUOTA) => "raise the quota, or lower what the pods request",
        Some(NO_PODS) => {
            "check `--namespace`, `--workload` and the repository of `--image`; \
             pass `--allow-zero` if the workload may have no pods"
        }
        Some(PAUSED) => "run `kubectl rollout resume`, or remove `paused: true` from the manifest",
        Some(ON_DELETE) => "delete the old pods, or set `updateStrategy.type: RollingUpdate`",
        Some(PARTITIONED) => {
            "set `updateStrategy.rollingUpdate.partition: 0` to bring the image to all pods"
        }
        Some(MIXED_DIGESTS) => {
            "deploy the image by digest; pass `--digest` for every platform if the nodes differ"
        }
        Some(OLD_PODS) => {
            "check that the deployed commit names this image (`wait-argo`), \
             and what keeps the old pods"
        }
        Some(NOT_READY | RESTARTED) => "pass a longer `--timeout` if it starts slowly",
        _ => return report,
    };
    report.hinted(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_secret_in_a_log_is_masked() {
        for (line, shown) in [
            (
                "connect postgres password=hunter2 now",
                "connect postgres password=*** now",
            ),
            (
                "Authorization: Bearer abc.def next",
                "Authorization: *** *** next",
            ),
            ("DB_PASSWORD: hunter2", "DB_PASSWORD: ***"),
            ("got eyJhbGciOi.x.y", "got ***"),
            (
                "no route to postgres://dex:p4ss@db:5432/dex",
                "no route to postgres://***@db:5432/dex",
            ),
            ("GET https://example.org/@me", "GET https://example.org/@me"),
            ("{\"token\":\"abc\"}", "{\"token\":***"),
            ("no such table: users", "no such table: users"),
        ] {
            assert_eq!(masked(line), shown);
        }
    }
}
