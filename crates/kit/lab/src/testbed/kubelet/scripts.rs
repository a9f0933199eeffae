//! Ready-made stories of pods, told ten times as fast as they happen.
//!
//! ```no_run
//! use lab::testbed::{Testbed, scripts};
//!
//! let namespace = Testbed::shared().namespace();
//! namespace.pods(scripts::crash_loop(1, "no such table: users\n"));
//! ```

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::status::ScriptedStatus;
use super::view::PodView;
use crate::lock::lock;
use crate::registry::Registry;

/// How long it takes to start a container.
const START: Duration = Duration::from_millis(100);

/// Between two starts of a container that ends at once.
const BACK_OFF: Duration = Duration::from_secs(2);

/// Tells of a healthy pod; a pod of a job completes.
pub fn healthy(pod: &PodView) -> ScriptedStatus {
    let once = ["Never", "OnFailure"]
        .iter()
        .any(|policy| pod.object["spec"]["restartPolicy"] == *policy);
    match pod.age {
        age if age < START => ScriptedStatus::creating(),
        _ if once => ScriptedStatus::ended(0, "Completed"),
        _ => ScriptedStatus::running(),
    }
}

/// Tells of a pod that runs, on a node that says so of its image.
pub fn running(image_id: &str) -> impl Fn(&PodView) -> ScriptedStatus + Send + Sync + use<> {
    timeline([(START, ScriptedStatus::running().image_id(image_id))])
}

/// Tells of pods whose image is pulled from a registry: they run its image, or cannot be
/// pulled.
pub fn pulled_from(registry: Arc<Registry>) -> impl Fn(&PodView) -> ScriptedStatus + Send + Sync {
    let known = Mutex::new(HashMap::<String, String>::new());
    move |pod| {
        let Some((repository, tag)) = within(registry.address(), &pod.image) else {
            return healthy(pod);
        };
        let mut known = lock(&known);
        if !known.contains_key(&pod.image)
            && let Some(digest) = registry.digest(&repository, &tag)
        {
            known.insert(
                pod.image.clone(),
                format!("{}/{repository}@{digest}", registry.address()),
            );
        }
        match known.get(&pod.image) {
            Some(image_id) => running(image_id)(pod),
            None => image_pull_backoff(&format!("{}: not found", pod.image))(pod),
        }
    }
}

/// Tells of an image that cannot be pulled, with the words of the registry.
pub fn image_pull_backoff(
    message: &str,
) -> impl Fn(&PodView) -> ScriptedStatus + Send + Sync + use<> {
    let message = message.to_owned();
    move |pod| {
        let PullMessages { pulling, waiting } = PullMessages::of(pod, &message);
        let tries = pod.age.as_millis() / 1000;
        match pod.age {
            age if age < START => ScriptedStatus::creating(),
            _ if tries % 5 == 0 => ScriptedStatus::waiting("ErrImagePull", &pulling),
            _ => ScriptedStatus::waiting("ImagePullBackOff", &waiting),
        }
    }
}

/// The messages of a kubelet whose runtime could not pull.
struct PullMessages {
    pulling: String,
    waiting: String,
}

impl PullMessages {
    fn of(pod: &PodView, message: &str) -> Self {
        let image = &pod.image;
        let pulling = format!(
            "failed to pull and unpack image \"{image}\": \
             failed to resolve reference \"{image}\": {message}"
        );
        Self {
            waiting: format!("Back-off pulling image \"{image}\": ErrImagePull: {pulling}"),
            pulling,
        }
    }
}

/// Tells of a container that ends soon after each start, having said this.
pub fn crash_loop(
    code: i32,
    log: &str,
) -> impl Fn(&PodView) -> ScriptedStatus + Send + Sync + use<> {
    falling(code, "Error", log)
}

/// Tells of a container that takes more memory than it may, at each start.
pub fn oom_killed() -> impl Fn(&PodView) -> ScriptedStatus + Send + Sync + use<> {
    falling(137, "OOMKilled", "")
}

fn falling(
    code: i32,
    reason: &str,
    log: &str,
) -> impl Fn(&PodView) -> ScriptedStatus + Send + Sync + use<> {
    let (reason, log) = (reason.to_owned(), log.to_owned());
    move |pod| {
        let Some(age) = pod.age.checked_sub(START) else {
            return ScriptedStatus::creating();
        };
        let starts = u32::try_from(age.as_millis() / BACK_OFF.as_millis()).unwrap_or(u32::MAX);
        let within = Duration::from_millis((age.as_millis() % BACK_OFF.as_millis()) as u64);
        let status = match within {
            within if within < 2 * START => ScriptedStatus::running().not_ready().log(&log),
            within if within < 4 * START => ScriptedStatus::fallen(code, &reason).log(&log),
            _ => {
                let back_off = format!(
                    "back-off {}s restarting failed container",
                    10 << starts.min(4)
                );
                let waiting =
                    ScriptedStatus::waiting("CrashLoopBackOff", &back_off).phase("Running");
                return waiting
                    .restarted(starts, code, &reason)
                    .log(&log)
                    .previous_log(&log);
            }
        };
        if starts == 0 {
            status
        } else {
            status.restarted(starts, code, &reason).previous_log(&log)
        }
    }
}

/// Tells of a pod whose settings are missing.
pub fn config_error(message: &str) -> impl Fn(&PodView) -> ScriptedStatus + Send + Sync + use<> {
    timeline([(
        START,
        ScriptedStatus::waiting("CreateContainerConfigError", message),
    )])
}

/// Tells of an invalid image name.
pub fn invalid_image_name() -> impl Fn(&PodView) -> ScriptedStatus + Send + Sync + use<> {
    |pod: &PodView| {
        let message = format!(
            "Failed to apply default image tag \"{}\": couldn't parse image name",
            pod.image
        );
        ScriptedStatus::waiting("InvalidImageName", &message)
    }
}

/// Tells of an init container that ends badly, over and over.
pub fn init_crash_loop(
    code: i32,
    log: &str,
) -> impl Fn(&PodView) -> ScriptedStatus + Send + Sync + use<> {
    let failed = ScriptedStatus::init_failed(code, "Error").log(log);
    let waiting = ScriptedStatus::waiting("PodInitializing", "")
        .init_waiting(
            "CrashLoopBackOff",
            "back-off 10s restarting failed container",
        )
        .restarted(1, code, "Error")
        .previous_log(log);
    timeline([(START, failed), (5 * START, waiting)])
}

/// Tells of a pod that runs and is never ready.
pub fn never_ready() -> impl Fn(&PodView) -> ScriptedStatus + Send + Sync + use<> {
    timeline([(START, ScriptedStatus::running().not_ready())])
}

/// Tells of a pod that runs well, and does not end when it is told to.
pub fn stuck_terminating() -> impl Fn(&PodView) -> ScriptedStatus + Send + Sync + use<> {
    timeline([(START, ScriptedStatus::running().stuck())])
}

/// Tells a story by the clock: each status from its age on; before the first one, the pod is being
/// created.
pub fn timeline<const N: usize>(
    story: [(Duration, ScriptedStatus); N],
) -> impl Fn(&PodView) -> ScriptedStatus + Send + Sync + use<N> {
    move |pod| {
        let now = story.iter().rev().find(|(after, _)| *after <= pod.age);
        now.map_or_else(ScriptedStatus::creating, |(_, status)| status.clone())
    }
}

/// Reads `ADDRESS/REPOSITORY:TAG` or `ADDRESS/REPOSITORY[:TAG]@DIGEST`.
fn within(address: &str, image: &str) -> Option<(String, String)> {
    let rest = image.strip_prefix(address)?.strip_prefix('/')?;
    if let Some((name, digest)) = rest.split_once('@') {
        let repository = name.split(':').next().unwrap_or(name);
        return Some((repository.to_owned(), digest.to_owned()));
    }
    let (repository, tag) = rest.split_once(':').unwrap_or((rest, "latest"));
    Some((repository.to_owned(), tag.to_owned()))
}
