//! Questions that are put once, for the diagnosis.

use contract::Failure;
use kube::{
    Api,
    api::{ListParams, LogParams},
};
use serde::Deserialize;

use crate::{Cluster, error, objects};

/// How much of a log is read, so that one endless line does not fill the memory.
const LOG_BYTES: i64 = 64 << 10;

/// How many events of an object are read.
const EVENTS: u32 = 100;

/// What a controller or a kubelet says of an object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Event {
    /// `FailedMount`, `Unhealthy`.
    pub reason: String,
    /// The words for it.
    pub message: String,
    /// `Warning` or `Normal`.
    #[serde(rename = "type")]
    pub kind: String,
    /// How often it was said; events of one time have none.
    pub count: Option<u32>,
    /// When it was said last, as text that sorts.
    pub last_timestamp: Option<String>,
    /// The same for events of the newer kind.
    pub event_time: Option<String>,
}

impl Event {
    /// Returns when it was said last.
    pub fn at(&self) -> &str {
        self.last_timestamp
            .as_deref()
            .or(self.event_time.as_deref())
            .unwrap_or_default()
    }
}

impl Cluster<'_> {
    /// Returns the last lines of a container's log, of its run before this one if `previous`.
    ///
    /// # Errors
    /// As for every request; also when there is no such log.
    pub async fn log(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
        previous: bool,
        lines: usize,
    ) -> Result<String, Failure> {
        let api: Api<objects::Loggable> = Api::namespaced_with(self.client.clone(), namespace, &());
        let params = LogParams {
            container: Some(container.to_owned()),
            previous,
            tail_lines: Some(i64::try_from(lines).unwrap_or(i64::MAX)),
            limit_bytes: Some(LOG_BYTES),
            ..LogParams::default()
        };
        let path = format!("/api/v1/namespaces/{namespace}/pods/{pod}/log");
        api.logs(pod, &params)
            .await
            .map_err(|error| error::request(error, &path, self.server()))
    }

    /// Returns the events of an object, the last one last.
    ///
    /// # Errors
    /// As for every request.
    pub async fn events(&self, namespace: &str, object: &str) -> Result<Vec<Event>, Failure> {
        let path = format!("/api/v1/namespaces/{namespace}/events");
        let params = ListParams::default()
            .fields(&format!("involvedObject.name={object}"))
            .limit(EVENTS);
        let request = kube::core::Request::new(&path).list(&params);
        let request = request.map_err(|error| Failure::internal(anyhow::anyhow!("{error}")))?;
        let list: List = self
            .client
            .request(request)
            .await
            .map_err(|error| error::request(error, &path, self.server()))?;
        let mut events = list.items;
        events.sort_by(|one, other| one.at().cmp(other.at()));
        Ok(events)
    }

    /// Returns whether a namespace exists; `None` when these credentials may not ask, as most Roles.
    ///
    /// # Errors
    /// As for every request.
    pub async fn has_namespace(&self, namespace: &str) -> Result<Option<bool>, Failure> {
        let path = format!("/api/v1/namespaces/{namespace}");
        let request = http::Request::get(&path)
            .body(Vec::new())
            .map_err(Failure::internal)?;
        match self.client.request::<serde_json::Value>(request).await {
            Ok(_) => Ok(Some(true)),
            Err(kube::Error::Api(status)) if status.code == 404 && status.reason == "NotFound" => {
                Ok(Some(false))
            }
            Err(kube::Error::Api(status)) if status.code == 403 => Ok(None),
            Err(error) => Err(error::request(error, &path, self.server())),
        }
    }
}

#[derive(Deserialize)]
struct List {
    items: Vec<Event>,
}
