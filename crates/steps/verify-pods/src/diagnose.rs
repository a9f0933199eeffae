//! Why, beyond the reason: the log of what crashed, and what was said of it.

use std::time::Duration;

use contract::{Failure, Report, World, asking};
use kubernetes::{Cluster, Event};
use pods::{CRASH_LOOP, INIT_FAILED, NOT_READY, OUT_OF_MEMORY, Pod};

use crate::{
    judge::{Sick, Standing},
    wait::Case,
};

/// How long the diagnosis may take; the verdict is known.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many events are shown.
const EVENTS: usize = 3;

/// Adds log and events of the pod that the report is about, as its detail.
pub(crate) async fn explain(report: Report, cases: &[Case], cluster: &Cluster<'_>, world: &World) -> Report {
    let Some((pod, container)) = culprit(cases) else { return hinted(report) };
    let looked = tokio::time::timeout(PATIENCE, look(&report, pod, container, cluster, world)).await;
    let lines = looked.unwrap_or_default();
    let shows_log = report.reason.is_some_and(|reason| logs(reason.word));
    let mut report = hinted(report);
    if shows_log && world.log_lines() == 0 {
        report =
            report.hinted("pass `--log-lines 25` to show the end of its log, to everybody who sees this one");
    }
    if lines.is_empty() { report } else { report.with_detail(lines.join("\n")) }
}

/// The pod of the first doom, else the first one that is not ready.
fn culprit(cases: &[Case]) -> Option<(&Pod, Option<&str>)> {
    let doomed = cases.iter().find_map(|case| match &case.standing {
        Standing::Doomed(sick) => Some((case, sick)),
        _ => None,
    });
    if let Some((case, Sick { pod, doom })) = doomed {
        let pod = case.pods.iter().find(|it| Some(&it.name) == pod.as_ref())?;
        let container = pod.all_containers().find(|it| Some(&it.name) == doom.container.as_ref());
        return Some((pod, container.map(|it| it.name.as_str())));
    }
    let waits = |case: &&Case| matches!(&case.standing, Standing::NotYet(reason, _) if *reason == NOT_READY);
    let unready = |pod: &&Pod| !pod.is_ready() && !pod.is_terminating() && !pod.has_ended();
    let pod = cases.iter().filter(waits).flat_map(|case| &case.pods).find(unready)?;
    Some((pod, pod.containers.iter().find(|it| !it.ready).map(|it| it.name.as_str())))
}

async fn look(
    report: &Report,
    pod: &Pod,
    container: Option<&str>,
    cluster: &Cluster<'_>,
    world: &World,
) -> Vec<String> {
    let mut lines = Vec::new();
    for event in warnings(&events(cluster, world, &pod.namespace, &pod.name).await) {
        let times = event.count.filter(|count| *count > 1).map(|count| format!(" ({count} times)"));
        lines.push(format!("event {}{}: {}", event.reason, times.unwrap_or_default(), event.message.trim()));
    }
    if let Some((container, reason)) = container.zip(report.reason).filter(|(_, reason)| logs(reason.word)) {
        lines.extend(log(pod, container, reason != NOT_READY, cluster, world).await);
    }
    lines
}

/// The reasons that a log explains.
fn logs(reason: &str) -> bool {
    [CRASH_LOOP, OUT_OF_MEMORY, INIT_FAILED, NOT_READY].iter().any(|it| it.word == reason)
}

fn warnings(events: &[Event]) -> Vec<&Event> {
    let warnings: Vec<&Event> = events.iter().filter(|event| event.kind == "Warning").collect();
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
async fn log(pod: &Pod, container: &str, crashed: bool, cluster: &Cluster<'_>, world: &World) -> Vec<String> {
    let most = world.log_lines();
    let Some(state) = pod.all_containers().find(|it| it.name == container).filter(|_| most > 0) else {
        return Vec::new();
    };
    let ask = |previous| cluster.log(&pod.namespace, &pod.name, container, previous, most);
    if crashed
        && state.last.is_some()
        && let Ok(text) = ask(true).await
        && !text.is_empty()
    {
        return tail(&text, most, container, true, world);
    }
    match ask(false).await {
        Ok(text) => tail(&text, most, container, false, world),
        Err(failure) => {
            unexplained(world, &failure, "its log");
            Vec::new()
        }
    }
}

fn tail(text: &str, most: usize, container: &str, previous: bool, world: &World) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let last = &lines[lines.len().saturating_sub(most)..];
    if last.is_empty() {
        return vec![format!("the log of container {container} is empty")];
    }
    let which = if previous { ", before it was started again" } else { "" };
    let lines = if last.len() == 1 { "line".to_owned() } else { format!("{} lines", last.len()) };
    let head = format!("log of container {container}{which}, the last {lines}:");
    let line = |line: &&str| format!("  {}", masked(&world.redact(line)));
    std::iter::once(head).chain(last.iter().map(line)).collect()
}

/// Words after which a log shows what nobody should read.
const SECRETS: [&str; 9] =
    ["password", "passwd", "secret", "token", "api_key", "apikey", "api-key", "authorization", "bearer"];

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
        let opens =
            (names && word.ends_with([':', '='])) || lower == "bearer" || (hide && lower.ends_with("bearer"));
        hide = opens || (hide && word.is_empty());
    }
    words.join(" ")
}

/// `postgres://dex:hunter2@db` without what stands before the host.
fn without_password(word: &str) -> String {
    let Some((scheme, rest)) = word.split_once("://") else { return word.to_owned() };
    match rest.split(['/', '?']).next().and_then(|authority| authority.rfind('@')) {
        Some(at) => format!("{scheme}://***{}", &rest[at..]),
        None => word.to_owned(),
    }
}

fn unexplained(world: &World, failure: &Failure, what: &str) {
    let hint = failure.hints.first().filter(|_| failure.reason == asking::PERMISSION_MISSING);
    let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
    world.notice(format!("could not read {what}: {}{hint}", failure.summary()));
}

/// What to do about it.
fn hinted(report: Report) -> Report {
    let Some(reason) = report.reason else { return report };
    let hint = match (reason.word, reason.fault) {
        ("image-pull", contract::Fault::Change) => {
            "run `check-image` with every platform of the cluster's nodes before this step"
        }
        ("image-pull", contract::Fault::Configuration) => {
            "give the pods a pull secret that is valid for this registry (`imagePullSecrets`)"
        }
        ("image-pull", _) => "pass a longer `--pull-grace` if the registry comes back by itself",
        ("unschedulable", _) => {
            "make room, or pass a longer `--schedule-grace` if nodes are added by themselves"
        }
        ("quota", _) => "raise the quota, or lower what the pods request",
        ("no-pods", _) => {
            "check `--namespace`, `--workload` and the repository of `--image`; `--allow-zero` takes a workload without pods for good"
        }
        ("paused", _) => "run `kubectl rollout resume`, or take `paused: true` out of its manifest",
        ("on-delete", _) => "delete the old pods, or set `updateStrategy.type: RollingUpdate`",
        ("partitioned", _) => {
            "set `updateStrategy.rollingUpdate.partition: 0` to bring the image to all pods"
        }
        ("mixed-digests", _) => {
            "deploy the image by digest; with `--digest` for every platform if the nodes differ"
        }
        ("old-pods", _) => {
            "check that what was deployed names this image (`wait-argo`), and who keeps the old pods"
        }
        ("not-ready" | "restarted", _) => "pass a longer `--timeout` if it starts slowly",
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
            ("connect postgres password=hunter2 now", "connect postgres password=*** now"),
            ("Authorization: Bearer abc.def next", "Authorization: *** *** next"),
            ("DB_PASSWORD: hunter2", "DB_PASSWORD: ***"),
            ("got eyJhbGciOi.x.y", "got ***"),
            ("no route to postgres://dex:p4ss@db:5432/dex", "no route to postgres://***@db:5432/dex"),
            ("GET https://example.org/@me", "GET https://example.org/@me"),
            ("{\"token\":\"abc\"}", "{\"token\":***"),
            ("no such table: users", "no such table: users"),
        ] {
            assert_eq!(masked(line), shown);
        }
    }
}
