//! Single requests, for a diagnosis.

use contract::Failure;
use kube::{
    Api,
    api::{ListParams, LogParams},
};
use serde::Deserialize;

use crate::{Cluster, objects};

/// The bytes of a log to read, so that one endless line does not fill the memory.
const MAX_LOG_BYTES: i64 = 64 << 10;

/// The events of an object to read.
const MAX_EVENTS: u32 = 100;

/// An event that a controller or a kubelet recorded about an object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ClusterEvent {
    /// `FailedMount`, `Unhealthy`.
    pub reason: String,
    /// The explanation.
    pub message: String,
    /// `Warning` or `Normal`.
    #[serde(rename = "type")]
    pub kind: String,
    /// How many times it occurred; a single occurrence has no count.
    pub count: Option<u32>,
    /// The time of the last occurrence, as text that sorts.
    pub last_timestamp: Option<String>,
    /// The same in events of the newer API.
    pub event_time: Option<String>,
    /// The object that the event is about.
    pub involved_object: InvolvedObject,
}

/// The object that an event is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct InvolvedObject {
    /// Its unique id: another object may have had the same name.
    pub uid: String,
}

impl ClusterEvent {
    /// Returns the time of the last occurrence.
    pub fn at(&self) -> &str {
        self.last_timestamp
            .as_deref()
            .or(self.event_time.as_deref())
            .unwrap_or_default()
    }
}

impl Cluster<'_> {
    /// Returns the last lines of a container's log; with `previous`, of its previous run.
    ///
    /// # Errors
    /// `unavailable` or `denied`, as every request; also when the log does not exist.
    pub async fn log(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
        previous: bool,
        lines: usize,
    ) -> Result<String, Failure> {
        let api: Api<objects::LogTarget> =
            Api::namespaced_with(self.client.clone(), namespace, &());
        let params = LogParams {
            container: Some(container.to_owned()),
            previous,
            tail_lines: Some(i64::try_from(lines).unwrap_or(i64::MAX)),
            limit_bytes: Some(MAX_LOG_BYTES),
            ..LogParams::default()
        };
        let path = format!("/api/v1/namespaces/{namespace}/pods/{pod}/log");
        api.logs(pod, &params)
            .await
            .map_err(|error| self.failed(&path).request(error))
    }

    /// Returns the events of an object, oldest first.
    ///
    /// # Errors
    /// `unavailable` or `denied`, as every request.
    pub async fn events(
        &self,
        namespace: &str,
        object: &str,
    ) -> Result<Vec<ClusterEvent>, Failure> {
        let path = format!("/api/v1/namespaces/{namespace}/events");
        let params = ListParams::default()
            .fields(&format!("involvedObject.name={object}"))
            .limit(MAX_EVENTS);
        let request = kube::core::Request::new(&path).list(&params);
        let request = request.map_err(|error| Failure::internal(anyhow::anyhow!("{error}")))?;
        let list: EventList = self
            .client
            .request(request)
            .await
            .map_err(|error| self.failed(&path).request(error))?;
        if !is_list(&list.kind) {
            return Err(self.failed(&path).not_the_api("an object of another kind"));
        }
        let mut events = list.items;
        events.sort_by(|one, other| one.at().cmp(other.at()));
        Ok(events)
    }

    /// Returns whether a namespace exists; `None` without the permission to ask, which most Roles
    /// lack.
    ///
    /// # Errors
    /// `unavailable` or `denied`, as every request.
    pub async fn has_namespace(&self, namespace: &str) -> Result<Option<bool>, Failure> {
        let path = format!("/api/v1/namespaces/{namespace}");
        let request = http::Request::get(&path)
            .body(Vec::new())
            .map_err(Failure::internal)?;
        match self.client.request::<serde_json::Value>(request).await {
            Ok(object) if object["kind"] == "Namespace" => Ok(Some(true)),
            Ok(_) => Err(self.failed(&path).not_the_api("an object of another kind")),
            Err(kube::Error::Api(status)) if status.code == 404 && status.reason == "NotFound" => {
                Ok(Some(false))
            }
            Err(kube::Error::Api(status)) if status.code == 403 => Ok(None),
            Err(error) => Err(self.failed(&path).request(error)),
        }
    }
}

/// Returns whether a kind is that of a list: `EventList`, or `List`.
pub(crate) fn is_list(kind: &str) -> bool {
    kind.ends_with("List")
}

#[derive(Deserialize)]
struct EventList {
    kind: String,
    items: Vec<ClusterEvent>,
}
