//! From a scripted status to the status that a kubelet writes.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::status::{ScriptedEnd, ScriptedState, ScriptedStatus};
use crate::image::sha256;

/// The time of each value's last change: a time may change only together with its value.
#[derive(Debug, Default)]
pub(super) struct Times(HashMap<String, (String, String)>);

impl Times {
    /// Returns since when `key` has been `value`.
    fn since(&mut self, key: &str, value: &str) -> String {
        let known = self.0.get(key).filter(|(known, _)| known == value);
        let time = known.map_or_else(now, |(_, time)| time.clone());
        self.0
            .insert(key.to_owned(), (value.to_owned(), time.clone()));
        time
    }
}

/// Returns the status of a pod, to be merged into the one it has.
pub(super) fn render(pod: &Value, status: &ScriptedStatus, times: &mut Times) -> Value {
    let containers = |kind: &str| pod["spec"][kind].as_array().cloned().unwrap_or_default();
    let (main, init) = (containers("containers"), containers("initContainers"));
    let ready = main.iter().all(|container| is_ready(container, status));
    let initialized = init.is_empty() || status.init.is_none();
    let statuses: Vec<Value> = main
        .iter()
        .map(|one| main_container(one, status, times))
        .collect();
    let mut rendered = json!({
        "phase": status.phase,
        "hostIP": "127.0.0.1",
        "hostIPs": [{ "ip": "127.0.0.1" }],
        "startTime": times.since("start", ""),
        "conditions": conditions(pod, status, ready, initialized, times),
        "containerStatuses": statuses,
    });
    if let ScriptedState::Running | ScriptedState::Ended(_) = status.state {
        let address = address(pod);
        rendered["podIPs"] = json!([{ "ip": address }]);
        rendered["podIP"] = json!(address);
    }
    if !init.is_empty() {
        let first = |place| {
            if place == 0 {
                Some(status.init.as_ref())
            } else {
                None
            }
        };
        let all = init.iter().enumerate();
        rendered["initContainerStatuses"] = all
            .map(|(place, one)| init_container(one, first(place), status, times))
            .collect();
    }
    let (reason, message) = status.reason.clone().unzip();
    rendered["reason"] = json!(reason);
    rendered["message"] = json!(message);
    rendered
}

fn is_ready(container: &Value, status: &ScriptedStatus) -> bool {
    status.ready || is_spared(container, status)
}

/// Returns whether the status is about another container.
fn is_spared(container: &Value, status: &ScriptedStatus) -> bool {
    status
        .container
        .as_ref()
        .is_some_and(|name| container["name"] != **name)
}

fn main_container(container: &Value, status: &ScriptedStatus, times: &mut Times) -> Value {
    if is_spared(container, status) {
        return container_status(
            container,
            &ScriptedStatus::running(),
            &ScriptedState::Running,
            true,
            times,
        );
    }
    // As long as an init container fails, the restarts are its own.
    match status.init {
        Some(_) => {
            let calm = ScriptedStatus {
                restarts: 0,
                last: None,
                ..status.clone()
            };
            container_status(container, &calm, &status.state, false, times)
        }
        None => container_status(container, status, &status.state, status.ready, times),
    }
}

/// Describes an init container: `trouble` if it is the first one and how that fares.
fn init_container(
    container: &Value,
    trouble: Option<Option<&ScriptedState>>,
    status: &ScriptedStatus,
    times: &mut Times,
) -> Value {
    let done = ScriptedState::Ended(ScriptedEnd {
        code: 0,
        reason: "Completed".to_owned(),
    });
    match trouble {
        Some(Some(state)) => container_status(container, status, state, false, times),
        None if status.init.is_some() => {
            let waiting = ScriptedStatus::waiting("PodInitializing", "");
            container_status(container, &waiting, &waiting.state, false, times)
        }
        _ => container_status(container, &ScriptedStatus::running(), &done, true, times),
    }
}

fn container_status(
    container: &Value,
    status: &ScriptedStatus,
    state: &ScriptedState,
    ready: bool,
    times: &mut Times,
) -> Value {
    let name = container["name"].as_str().unwrap_or_default();
    let image = container["image"].as_str().unwrap_or_default();
    let started = !matches!(state, ScriptedState::Waiting { .. });
    let known = started || status.restarts > 0;
    let image_id = status
        .image_id
        .clone()
        .unwrap_or_else(|| default_image_id(image));
    let id = format!(
        "containerd://{}",
        &sha256(format!("{name}{}", status.restarts).as_bytes())[7..]
    );
    json!({
        "name": name,
        "image": image,
        "imageID": if known { image_id } else { String::new() },
        "containerID": known.then_some(&id),
        "ready": ready,
        "started": matches!(state, ScriptedState::Running),
        "restartCount": status.restarts,
        "state": render_state(name, status, state, times),
        "lastState": status.last.as_ref().map_or_else(|| json!({}), |end| {
            json!({ "terminated": ended(&format!("{name}/last"), status.restarts, end, times) })
        }),
    })
}

fn render_state(
    name: &str,
    status: &ScriptedStatus,
    state: &ScriptedState,
    times: &mut Times,
) -> Value {
    match state {
        ScriptedState::Waiting { reason, message } if message.is_empty() => {
            json!({ "waiting": { "reason": reason } })
        }
        ScriptedState::Waiting { reason, message } => {
            json!({ "waiting": { "reason": reason, "message": message } })
        }
        ScriptedState::Running => {
            let since = times.since(&format!("{name}/running"), &status.restarts.to_string());
            json!({ "running": { "startedAt": since } })
        }
        ScriptedState::Ended(end) => {
            json!({ "terminated": ended(name, status.restarts, end, times) })
        }
    }
}

fn ended(name: &str, restarts: u32, end: &ScriptedEnd, times: &mut Times) -> Value {
    let time = times.since(&format!("{name}/ended"), &restarts.to_string());
    json!({
        "exitCode": end.code,
        "reason": end.reason,
        "startedAt": time,
        "finishedAt": time,
    })
}

fn conditions(
    pod: &Value,
    status: &ScriptedStatus,
    ready: bool,
    initialized: bool,
    times: &mut Times,
) -> Value {
    let done = matches!(status.phase, "Succeeded" | "Failed");
    let why_not = if done {
        "PodCompleted"
    } else {
        "ContainersNotReady"
    };
    let mut conditions = vec![
        condition("PodReadyToStartContainers", !done, "", times),
        condition(
            "Initialized",
            initialized,
            "ContainersNotInitialized",
            times,
        ),
        condition("ContainersReady", ready, why_not, times),
        condition("Ready", ready, why_not, times),
    ];
    // Conditions of other writers stay: a merge patch replaces the whole list.
    let theirs = pod["status"]["conditions"].as_array().into_iter().flatten();
    let ours = |other: &&Value| conditions.iter().any(|own| own["type"] == other["type"]);
    let theirs: Vec<_> = theirs.filter(|other| !ours(other)).cloned().collect();
    conditions.extend(theirs);
    Value::Array(conditions)
}

fn condition(kind: &str, holds: bool, why_not: &str, times: &mut Times) -> Value {
    let status = if holds { "True" } else { "False" };
    let mut condition = json!({
        "type": kind,
        "status": status,
        "lastProbeTime": null,
        "lastTransitionTime": times.since(kind, status),
    });
    if !holds {
        condition["reason"] = json!(why_not);
    }
    condition
}

/// Returns the image id that a runtime reports: the digest in the image's name, else one that
/// follows from the name.
fn default_image_id(image: &str) -> String {
    let (name, digest) = match image.split_once('@') {
        Some((name, digest)) => (name, digest.to_owned()),
        None => (image, sha256(image.as_bytes())),
    };
    let tag = name
        .rfind(':')
        .filter(|colon| !name[*colon..].contains('/'));
    format!("{}@{digest}", &name[..tag.unwrap_or(name.len())])
}

/// Returns an address of its own that follows from the pod's id.
fn address(pod: &Value) -> String {
    let hash = sha256(
        pod["metadata"]["uid"]
            .as_str()
            .unwrap_or_default()
            .as_bytes(),
    );
    let part = |place: usize| {
        u8::from_str_radix(&hash[place..place + 2], 16)
            .unwrap_or(1)
            .clamp(1, 254)
    };
    format!("10.{}.{}.{}", part(8), part(10), part(12))
}

/// Returns the time as Kubernetes writes it: `2025-01-01T00:00:00Z`.
pub(in crate::testbed) fn now() -> String {
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock after 1970")
        .as_secs();
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = date(days);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
        rest / 3600,
        rest / 60 % 60,
        rest % 60
    )
}

/// Returns the date this many days after 1970-01-01 (Howard Hinnant's `civil_from_days`).
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_dates() {
        assert_eq!(date(0), (1970, 1, 1));
        assert_eq!(date(20_089), (2025, 1, 1));
        assert_eq!(date(19_782), (2024, 2, 29));
    }

    #[test]
    fn an_image_runs_with_the_digest_in_its_name() {
        let digest = format!("sha256:{}", "1".repeat(64));
        assert_eq!(
            default_image_id(&format!("a:5000/dex:v1@{digest}")),
            format!("a:5000/dex@{digest}")
        );
        assert!(default_image_id("a:5000/dex").starts_with("a:5000/dex@sha256:"));
    }

    #[test]
    fn a_time_stays_until_its_matter_changes() {
        let mut times = Times(HashMap::from([(
            "Ready".to_owned(),
            ("True".to_owned(), "then".to_owned()),
        )]));
        assert_eq!(times.since("Ready", "True"), "then");
        assert_ne!(times.since("Ready", "False"), "then");
    }
}
