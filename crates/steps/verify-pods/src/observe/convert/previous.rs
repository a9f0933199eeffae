//! The template that a Deployment had before, by its ReplicaSets.

use kubernetes as k;
use pods::PreviousTemplate;

use super::{controller::controller, owners::revision};

/// Returns the template before the newest one. The templates of other kinds than Deployments are in
/// objects that this step does not read.
pub(super) fn template(view: &k::NamespaceView, workload: &k::Workload) -> PreviousTemplate {
    let uid = workload.metadata.uid.as_deref().unwrap_or_default();
    let own = view.replica_sets.values().filter(|set| {
        controller(&set.metadata).is_some_and(|owner| owner.uid == uid && !uid.is_empty())
    });
    let mut by_revision: Vec<(u64, &k::ReplicaSet)> =
        own.filter_map(|set| Some((revision(set)?, set))).collect();
    by_revision.sort_by_key(|(revision, _)| std::cmp::Reverse(*revision));
    match by_revision.as_slice() {
        [(1, _)] => PreviousTemplate::None,
        [(_, newest), (_, previous), ..] => known(newest, previous),
        _ => PreviousTemplate::Unknown,
    }
}

fn known(newest: &k::ReplicaSet, previous: &k::ReplicaSet) -> PreviousTemplate {
    let (Some(now), Some(before)) = (&newest.spec.template, &previous.spec.template) else {
        return PreviousTemplate::Unknown;
    };
    let namespace = previous.metadata.namespace.as_deref().unwrap_or_default();
    let references = before.references.iter();
    PreviousTemplate::Known {
        complaints: references
            .flat_map(|reference| complaints_about(reference, namespace))
            .collect(),
        has_same_shape: now.shape == before.shape,
    }
}

/// Returns the words in which the kubelet (`kubelet_pods.go`) and the API server say that an object
/// is missing, or its key.
fn complaints_about(reference: &k::TemplateReference, namespace: &str) -> Vec<String> {
    let (kind, name) = (reference.kind, &reference.name);
    let object = match kind {
        "RuntimeClass" => format!("RuntimeClass \"{name}\" not found"),
        "PriorityClass" => format!("no PriorityClass with name {name} was found"),
        _ => format!("{} \"{name}\" not found", kind.to_lowercase()),
    };
    let key = reference.key.as_ref();
    let key = key.map(|key| format!("key {key} in {kind} {namespace}/{name}"));
    [Some(object), key].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn set(revision: &str, image: &str, secret: &str) -> Value {
        let url = json!({ "secretKeyRef": { "name": secret, "key": "url" } });
        let env = json!([{ "name": "URL", "valueFrom": url }]);
        json!({
            "metadata": {
                "name": format!("dex-{revision}"),
                "namespace": "dex-prod",
                "annotations": { k::REVISION: revision },
                "ownerReferences": [{
                    "apiVersion": "apps/v1", "kind": "Deployment", "name": "dex", "uid": "d",
                    "controller": true,
                }],
            },
            "spec": { "template": {
                "spec": { "containers": [{ "name": "dex", "image": image, "env": env }] },
            } },
        })
    }

    fn previous(sets: &[Value]) -> PreviousTemplate {
        let mut view = k::NamespaceView::default();
        for set in sets {
            let set: k::ReplicaSet = serde_json::from_value(set.clone()).unwrap();
            let name = set.metadata.name.clone().unwrap();
            view.replica_sets.insert(name, set);
        }
        let workload = json!({ "metadata": { "name": "dex", "uid": "d" } });
        template(&view, &serde_json::from_value(workload).unwrap())
    }

    fn db(has_same_shape: bool) -> PreviousTemplate {
        PreviousTemplate::Known {
            complaints: vec![
                "secret \"db\" not found".to_owned(),
                "key url in Secret dex-prod/db".to_owned(),
            ],
            has_same_shape,
        }
    }

    #[test]
    fn the_revision_before_the_newest_counts() {
        let sets = ["9", "10", "2"].map(|revision| set(revision, "dex:v1", "db"));
        assert_eq!(previous(&sets), db(true));
        let changed = [set("1", "dex:v1", "db"), set("2", "dex:v2", "other")];
        assert_eq!(previous(&changed), db(false));
    }

    #[test]
    fn what_no_replica_set_keeps_is_not_known() {
        assert_eq!(previous(&[]), PreviousTemplate::Unknown);
        let pruned = set("3", "dex:v1", "db");
        assert_eq!(previous(&[pruned]), PreviousTemplate::Unknown);
        let first = set("1", "dex:v1", "db");
        assert_eq!(previous(&[first]), PreviousTemplate::None);
    }
}
