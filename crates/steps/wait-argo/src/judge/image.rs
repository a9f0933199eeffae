//! Whether the pods run the image: the last check, when everything else is as requested.

use std::time::Duration;

use argocd::{Application, HelmParameter};
use contract::Verdict;
use pods::{
    Container, NO_PODS, RunState,
    image::{ImageMatch, ImageMatcher},
};

use crate::{
    judge::{
        decision::{Conclusion, WaitDecision},
        history::{ApplicationHistory, LastingPhase},
        revision,
    },
    observe::{ApplicationPods, FollowUp, Observation, ObservedPod, PodDetail},
    reasons::{IMAGE_NOT_LIVE, NEWER_IMAGE},
    request::Request,
};

/// The time before Argo CD is to render everything again, which costs a server much.
const HARD_REFRESH_GRACE: Duration = Duration::from_secs(5);
/// The time within which old pods terminate, and Argo CD's tree follows the cluster.
const TERMINATION_GRACE: Duration = Duration::from_secs(20);

/// Whether the pods run the image.
#[derive(Debug, Clone, PartialEq, Eq)]
enum PodsImage {
    /// All of them run it; as the pods name it.
    Live(String),
    /// A pod has not started it yet.
    Starting(String),
    /// A pod runs something else of that repository.
    Other(String),
    /// No pod runs anything of that repository.
    Nothing,
}

/// What the rendered manifests name of the image's repository.
#[derive(Debug, Clone, PartialEq, Eq)]
enum ManifestsImage<'a> {
    Requested,
    Other(&'a str),
    Nothing,
}

/// Judges the pods of an application that is otherwise as requested.
pub(super) fn judge(
    request: &Request,
    observation: &Observation,
    history: &ApplicationHistory,
) -> WaitDecision {
    let at = revision::describe(request, &observation.app);
    let passed = |image| Conclusion::passed(format!("deployed {at}"), image).into();
    let Some(image) = &request.image else {
        return passed(None);
    };
    let since = history
        .since(LastingPhase::ReadyForImage)
        .unwrap_or(observation.now);
    let Some(pods) = live_pods(observation, since) else {
        let detail = if image.is_by_digest() {
            PodDetail::OfImage
        } else {
            PodDetail::Failing
        };
        return WaitDecision::ReadPods(FollowUp::LivePods { detail, since });
    };
    match pods_image(image, pods) {
        PodsImage::Live(live) => passed(Some(live)),
        PodsImage::Starting(text) => hold(&at, &text, Vec::new()),
        PodsImage::Other(text) => not_live(request, observation, image, &text, since),
        PodsImage::Nothing => {
            let text = format!("no pod runs {}", image.reference().name());
            let none = no_pods(request, observation, image, pods, since);
            none.unwrap_or_else(|| not_live(request, observation, image, &text, since))
        }
    }
}

/// Judges an application that runs nothing of the image's repository although its manifests name
/// the image: it is scaled to zero, or its CronJob has not started a run yet. `None` when the
/// manifests are not known, or do not name it.
fn no_pods(
    request: &Request,
    observation: &Observation,
    image: &ImageMatcher,
    pods: &ApplicationPods,
    since: Duration,
) -> Option<WaitDecision> {
    let rendered = observation.rendered.as_ref();
    let rendered = rendered.filter(|rendered| rendered.read_at >= since)?;
    if manifests_image(image, &rendered.images) != ManifestsImage::Requested {
        return None;
    }
    let at = revision::describe(request, &observation.app);
    let named = image.reference();
    if request.allows_zero && pods.has_resources {
        let text = format!("deployed {at}: its manifests name {named}, and nothing runs now");
        return Some(Conclusion::passed(text, None).into());
    }
    let text = format!("Synced and Healthy at {at}, its manifests name {named}, but nothing runs");
    if observation.now.saturating_sub(since) < TERMINATION_GRACE {
        return Some(WaitDecision::wait(IMAGE_NOT_LIVE, text, Vec::new()));
    }
    let hint = "if it is scaled to zero, or only a CronJob, pass `--allow-zero`";
    let conclusion = Conclusion::refused(NO_PODS, format!("is {text}")).hinted(hint);
    Some(conclusion.into())
}

/// Returns the pods of this observation, unless they were read before everything else was as
/// requested.
fn live_pods(observation: &Observation, since: Duration) -> Option<&ApplicationPods> {
    let pods = observation.pods.as_ref()?;
    pods.live_at.is_some_and(|at| at >= since).then_some(pods)
}

fn hold(at: &str, text: &str, follow_ups: Vec<FollowUp>) -> WaitDecision {
    let text = format!("Synced and Healthy at {at}, but {text}");
    WaitDecision::wait(IMAGE_NOT_LIVE, text, follow_ups)
}

/// Judges pods that contradict Argo CD. Either the commit deploys another image, or the pods lag,
/// or Argo CD rendered something else than the commit (argo-cd#26530).
fn not_live(
    request: &Request,
    observation: &Observation,
    image: &ImageMatcher,
    text: &str,
    since: Duration,
) -> WaitDecision {
    let at = revision::describe(request, &observation.app);
    let lasted = observation.now.saturating_sub(since);
    let rendered = observation.rendered.as_ref();
    let Some(rendered) = rendered.filter(|rendered| rendered.read_at >= since) else {
        return hold(&at, text, vec![FollowUp::RenderedImages]);
    };
    let rendered = manifests_image(image, &rendered.images);
    // A setting of the application that wins over git is no later commit.
    if let ManifestsImage::Other(other) = rendered
        && revision::is_descendant(request, &observation.app)
        && overriding(&observation.app, image).is_none()
    {
        return superseded(request, observation, other).into();
    }
    let is_certain = lasted >= TERMINATION_GRACE || matches!(rendered, ManifestsImage::Other(_));
    if observation.is_rendered_again && is_certain {
        let text = format!("is Synced and Healthy at {at}, but {text}");
        return contradicted(&observation.app, image, text, &rendered).into();
    }
    if lasted >= HARD_REFRESH_GRACE {
        hold(&at, text, vec![FollowUp::HardRefresh])
    } else {
        hold(&at, text, Vec::new())
    }
}

fn contradicted(
    app: &Application,
    image: &ImageMatcher,
    text: String,
    rendered: &ManifestsImage<'_>,
) -> Conclusion {
    let hint = match rendered {
        ManifestsImage::Other(other) => match overriding(app, image) {
            Some(setting) => format!(
                "{setting} of the Application wins over git: remove it, or change the image there"
            ),
            None => format!("the commit deploys {other}: is `--image` right?"),
        },
        ManifestsImage::Requested => "the rendered manifests name the image: \
            find out what changes the pods, such as a webhook or another controller"
            .to_owned(),
        ManifestsImage::Nothing => "no rendered manifest names the image's repository: \
            is `--image` right?"
            .to_owned(),
    };
    Conclusion::new(Verdict::Contradicted, IMAGE_NOT_LIVE, text).hinted(hint)
}

/// Returns what in the application itself sets another image than the manifests in git: Argo CD's
/// image updater and `argocd app set` write it.
fn overriding(app: &Application, image: &ImageMatcher) -> Option<String> {
    app.sources().iter().find_map(|source| {
        let images = source.kustomize.iter().flat_map(|changes| &changes.images);
        let mut images = images.map(|entry| entry.rsplit('=').next().unwrap_or(entry));
        if let Some(other) = images.find(|entry| image.is_of_repository(entry)) {
            return Some(format!("`spec.source.kustomize.images` ({other})"));
        }
        let parameters = source.helm.iter().flat_map(|changes| &changes.parameters);
        let mut of_image = parameters.filter(|parameter| {
            let name = parameter.name.to_lowercase();
            name == "tag" || name.ends_with(".tag") || name.ends_with("image")
        });
        let HelmParameter { name, value } = of_image.next()?;
        Some(format!("`spec.source.helm.parameters` ({name}={value})"))
    })
}

/// Reports that a later commit deploys a newer image.
pub(super) fn superseded(request: &Request, observation: &Observation, newer: &str) -> Conclusion {
    let at = revision::describe(request, &observation.app);
    let text = format!("is at {at}, which deploys {newer}");
    Conclusion::new(Verdict::Superseded, NEWER_IMAGE, text)
}

/// Returns the newer image of the repository among the images of a pod, if a later commit deploys
/// one instead of the requested image.
pub(super) fn newer_image<'i>(
    request: &Request,
    observation: &Observation,
    images: &'i [String],
) -> Option<&'i str> {
    let image = request.image.as_ref()?;
    if !revision::is_descendant(request, &observation.app) {
        return None;
    }
    match manifests_image(image, images) {
        ManifestsImage::Other(newer) => Some(newer),
        ManifestsImage::Requested | ManifestsImage::Nothing => None,
    }
}

/// Returns which image of the repository is among these.
fn manifests_image<'i>(image: &ImageMatcher, images: &'i [String]) -> ManifestsImage<'i> {
    let of_repository: Vec<&String> = images
        .iter()
        .filter(|candidate| image.is_of_repository(candidate))
        .collect();
    match of_repository.first() {
        None => ManifestsImage::Nothing,
        Some(_) if of_repository.iter().any(|named| image.is_named(named)) => {
            ManifestsImage::Requested
        }
        Some(other) => ManifestsImage::Other(other),
    }
}

/// Returns whether the pods run the image. Pods that terminate or have ended do not count, and
/// neither do containers of another repository, such as sidecars.
fn pods_image(image: &ImageMatcher, pods: &ApplicationPods) -> PodsImage {
    let alive = pods
        .pods
        .iter()
        .filter(|observed| !observed.pod.is_terminating() && !observed.pod.has_ended());
    let mut result = PodsImage::Nothing;
    for observed in alive {
        for container_image in container_images(image, observed) {
            match container_image {
                PodsImage::Live(_) => result = container_image,
                // A run that began before the change ends by itself, and a later one begins with it.
                _ if is_of_job(observed) => {}
                _ => return container_image,
            }
        }
    }
    result
}

fn is_of_job(observed: &ObservedPod) -> bool {
    let owner = observed.pod.owner.as_ref();
    owner.is_some_and(|owner| owner.kind == "Job")
}

/// Returns what each container of the repository runs.
fn container_images(
    image: &ImageMatcher,
    observed: &ObservedPod,
) -> impl Iterator<Item = PodsImage> {
    observed
        .pod
        .all_containers()
        .filter(|container| image.is_of_repository(&container.image))
        .filter_map(|container| container_image(image, observed, container))
}

fn container_image(
    image: &ImageMatcher,
    observed: &ObservedPod,
    container: &Container,
) -> Option<PodsImage> {
    let (name, spec) = (&observed.node.name, &container.image);
    Some(match image.compare(container) {
        ImageMatch::Another => return None,
        ImageMatch::Old => PodsImage::Other(format!("{name} runs {spec}")),
        ImageMatch::OtherBytes(digest) => {
            let node = match &observed.pod.node {
                Some(node) => format!(" on {node}"),
                None => String::new(),
            };
            PodsImage::Other(format!(
                "{name}{node} runs other bytes under that tag: {digest}"
            ))
        }
        // A pod without details has no digest: its name in the specification has to do.
        ImageMatch::NotStarted if image.is_by_digest() && observed.has_details => {
            PodsImage::Starting(format!("{name} has not started it yet"))
        }
        // A DaemonSet is Healthy while as many pods fail as may be unavailable.
        ImageMatch::NotStarted if !failing_word(container).is_empty() => {
            let word = failing_word(container);
            PodsImage::Starting(format!("{name} cannot start it: {word}"))
        }
        // Without a digest the request is only about the name in the specification.
        ImageMatch::NotStarted | ImageMatch::Wanted(None) => PodsImage::Live(spec.clone()),
        ImageMatch::Wanted(Some(digest)) => {
            let name = spec.split_once('@').map_or(spec.as_str(), |(name, _)| name);
            PodsImage::Live(format!("{name}@{digest}"))
        }
    })
}

/// Returns the word of a container that its node cannot create or start, else nothing.
fn failing_word(container: &Container) -> &str {
    match &container.state {
        RunState::Waiting { reason, .. } => match reason.as_str() {
            "ContainerCreating" | "PodInitializing" => "",
            word => word,
        },
        _ => "",
    }
}

#[cfg(test)]
mod tests;
