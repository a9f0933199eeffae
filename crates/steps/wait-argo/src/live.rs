//! Whether the pods run the image: the last proof, when everything else says yes.

use pods::image::{ImageMatch, ImageMatcher as Image};
use serde_json::Value;

use crate::look::{Look, Seen};

/// What the pods run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Proof {
    /// All of them run it.
    Live(String),
    /// It is not started everywhere yet.
    Starting(String),
    /// Somebody runs something else of that repository.
    Other(String),
    /// Nobody runs anything of that repository.
    Nobody,
}

/// Proves it. What goes or has ended does not count; a container of another repository is a sidecar.
pub(crate) fn prove(image: &Image, look: &Look) -> Proof {
    let alive = look.pods.iter().filter(|seen| !is_gone(seen));
    let mine = alive.filter_map(|seen| of_repository(image, seen));
    let mut live = None;
    for runs in mine {
        match runs {
            Proof::Live(text) => live = Some(text),
            other => return other,
        }
    }
    live.map_or(Proof::Nobody, Proof::Live)
}

fn is_gone(seen: &Seen) -> bool {
    seen.pod.is_terminating() || seen.pod.has_ended()
}

/// What one pod runs, if it runs anything of the repository.
fn of_repository(image: &Image, seen: &Seen) -> Option<Proof> {
    let name = &seen.node.name;
    let all = seen
        .pod
        .all_containers()
        .filter(|container| image.is_of_repository(&container.image));
    let mut live = None;
    for container in all {
        let on = seen
            .pod
            .node
            .as_deref()
            .map(|node| format!(" on {node}"))
            .unwrap_or_default();
        match image.compare(container) {
            ImageMatch::Another => {}
            ImageMatch::Old => {
                return Some(Proof::Other(format!("{name} runs {}", container.image)));
            }
            ImageMatch::OtherBytes(digest) => {
                return Some(Proof::Other(format!(
                    "{name}{on} runs other bytes under that tag: {digest}"
                )));
            }
            // Without a digest the name in the pod's specification is all that was asked for.
            // Of more pods than are asked for one by one, the others count by their name.
            ImageMatch::NotStarted if image.is_by_digest() && seen.near => {
                return Some(Proof::Starting(format!("{name} has not started it yet")));
            }
            ImageMatch::NotStarted | ImageMatch::Wanted(None) => {
                live = Some(container.image.clone())
            }
            ImageMatch::Wanted(Some(digest)) => {
                live = Some(format!("{}@{digest}", without_digest(&container.image)))
            }
        }
    }
    live.map(Proof::Live)
}

fn without_digest(image: &str) -> &str {
    image.split_once('@').map_or(image, |(name, _)| name)
}

/// What was rendered of the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Rendered {
    /// The wanted image.
    Wanted,
    /// Another one.
    Other(String),
    /// Nothing.
    Nothing,
}

/// Looks for the image in what was rendered.
pub(crate) fn rendered(image: &Image, objects: &[Value]) -> Rendered {
    let mut found = Vec::new();
    objects.iter().for_each(|object| images(object, &mut found));
    let mine: Vec<&String> = found
        .iter()
        .filter(|it| image.is_of_repository(it))
        .collect();
    match mine.first() {
        None => Rendered::Nothing,
        Some(_) if mine.iter().any(|it| image.is_named(it)) => Rendered::Wanted,
        Some(other) => Rendered::Other((*other).clone()),
    }
}

/// Collects the images of containers, wherever a pod's template is.
fn images(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                if matches!(key.as_str(), "containers" | "initContainers") {
                    let all = value.as_array().into_iter().flatten();
                    found.extend(all.filter_map(|it| it["image"].as_str()).map(str::to_owned));
                } else {
                    images(value, found);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| images(item, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use argocd::Node;
    use pods::{Pod, Summary};
    use serde_json::json;

    use super::*;

    fn image(reference: &str, digests: &[String]) -> Image {
        let digests = digests
            .iter()
            .map(|digest| digest.parse().unwrap())
            .collect();
        Image::new(reference.parse().unwrap(), digests, Vec::new())
    }

    fn digest(of: char) -> String {
        format!("sha256:{}", of.to_string().repeat(64))
    }

    fn seen(name: &str, status: &str, image: &str, id: &str) -> Seen {
        let summary = Summary {
            status: status.to_owned(),
            images: vec![image.to_owned()],
            ..Summary::default()
        };
        let mut pod = Pod::from_summary(summary);
        pod.containers
            .iter_mut()
            .for_each(|container| container.image_id = id.to_owned());
        Seen {
            node: Node {
                name: name.to_owned(),
                ..Node::default()
            },
            pod,
            near: true,
        }
    }

    fn look(pods: Vec<Seen>) -> Look {
        Look {
            pods,
            ..Look::default()
        }
    }

    #[test]
    fn a_pod_with_the_old_image_is_no_proof_and_one_that_goes_is_no_harm() {
        let wanted = image("ghcr.io/a/dex:v2", &[]);
        let new = || seen("new", "Running", "ghcr.io/a/dex:v2", "");
        assert_eq!(
            prove(&wanted, &look(vec![new()])),
            Proof::Live("ghcr.io/a/dex:v2".to_owned())
        );
        let old = |status| seen("old", status, "ghcr.io/a/dex:v1", "");
        assert_eq!(
            prove(&wanted, &look(vec![new(), old("Running")])),
            Proof::Other("old runs ghcr.io/a/dex:v1".to_owned())
        );
        assert!(matches!(
            prove(&wanted, &look(vec![new(), old("Terminating")])),
            Proof::Live(_)
        ));
        assert!(matches!(
            prove(&wanted, &look(vec![new(), old("Completed")])),
            Proof::Live(_)
        ));
    }

    #[test]
    fn nobody_is_no_proof_and_a_sidecar_is_nobody() {
        let wanted = image("ghcr.io/a/dex:v2", &[]);
        assert_eq!(prove(&wanted, &look(Vec::new())), Proof::Nobody);
        assert_eq!(
            prove(
                &wanted,
                &look(vec![seen("p", "Running", "istio/proxyv2:1", "")])
            ),
            Proof::Nobody
        );
    }

    #[test]
    fn with_a_digest_the_bytes_count() {
        let wanted = image("ghcr.io/a/dex:v2", &[digest('a')]);
        let runs = |id: &str| {
            prove(
                &wanted,
                &look(vec![seen("p", "Running", "ghcr.io/a/dex:v2", id)]),
            )
        };
        assert!(matches!(
            runs(&format!("ghcr.io/a/dex@{}", digest('a'))),
            Proof::Live(_)
        ));
        assert!(matches!(
            runs(&format!("ghcr.io/a/dex@{}", digest('b'))),
            Proof::Other(_)
        ));
        assert!(matches!(runs(""), Proof::Starting(_)));
    }

    #[test]
    fn what_was_rendered_tells_whether_the_commit_wants_it() {
        let wanted = image("ghcr.io/a/dex:v2", &[]);
        let object = |image: &str| {
            vec![json!({"spec": {"template": {"spec": {"containers": [{"image": image}]}}}})]
        };
        assert_eq!(
            rendered(&wanted, &object("ghcr.io/a/dex:v2")),
            Rendered::Wanted
        );
        assert_eq!(
            rendered(&wanted, &object("ghcr.io/a/dex:v3")),
            Rendered::Other("ghcr.io/a/dex:v3".to_owned())
        );
        assert_eq!(rendered(&wanted, &object("x:1")), Rendered::Nothing);
    }
}
