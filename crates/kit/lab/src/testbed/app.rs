//! An application of Argo CD: its source, its destination and its status.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use super::inner::TestbedInner;
use super::namespace::Namespace;

/// The path of applications in the Kubernetes API.
const APPLICATIONS: &str = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications";

/// How long an application may take: a refresh or two, on a machine that is busy with builds.
const APP_TIMEOUT: Duration = Duration::from_secs(60);

/// An application to be made.
#[must_use = "give it to `Testbed::app`"]
#[derive(Clone, Debug)]
pub struct AppSpec {
    name: String,
    namespace: String,
    project: String,
    repository: String,
    path: String,
    branch: String,
    automated: Option<Value>,
    options: Vec<String>,
    retries: u32,
    more: Value,
}

impl AppSpec {
    /// Describes an application that brings an overlay of a repository into a namespace, after
    /// which it is named: from `main`, in the project `default`, with pruning and self-healing.
    pub fn new(namespace: &Namespace, repository: &str, path: &str) -> Self {
        Self {
            name: namespace.name().to_owned(),
            namespace: namespace.name().to_owned(),
            project: "default".to_owned(),
            repository: repository.to_owned(),
            path: path.to_owned(),
            branch: "main".to_owned(),
            automated: Some(json!({ "prune": true, "selfHeal": true })),
            options: Vec::new(),
            retries: 0,
            more: json!({}),
        }
    }

    /// Sets another name.
    pub fn name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Sets the project.
    pub fn project(mut self, project: &str) -> Self {
        project.clone_into(&mut self.project);
        self
    }

    /// Sets the branch, tag or commit.
    pub fn branch(mut self, branch: &str) -> Self {
        branch.clone_into(&mut self.branch);
        self
    }

    /// Syncs only on request.
    pub fn manual(mut self) -> Self {
        self.automated = None;
        self
    }

    /// Syncs by itself, without pruning and self-healing.
    pub fn without_self_heal(mut self) -> Self {
        self.automated = Some(json!({}));
        self
    }

    /// Adds a sync option: `CreateNamespace=true`.
    pub fn option(mut self, option: &str) -> Self {
        self.options.push(option.to_owned());
        self
    }

    /// Retries a failed sync this often, after a second each.
    pub fn retries(mut self, times: u32) -> Self {
        self.retries = times;
        self
    }

    /// Adds or replaces fields of `spec`: `{"sources": […], "source":
    /// null}`.
    pub fn fields(mut self, fields: Value) -> Self {
        self.more = fields;
        self
    }

    fn object(&self) -> Value {
        let mut policy = json!({ "syncOptions": self.options });
        if let Some(automated) = &self.automated {
            policy["automated"] = automated.clone();
        }
        if self.retries > 0 {
            let backoff = json!({ "duration": "1s", "factor": 1, "maxDuration": "1s" });
            policy["retry"] = json!({ "limit": self.retries, "backoff": backoff });
        }
        let mut spec = json!({
            "project": self.project,
            "source": {
                "repoURL": self.repository,
                "path": self.path,
                "targetRevision": self.branch,
            },
            "destination": {
                "server": "https://kubernetes.default.svc",
                "namespace": self.namespace,
            },
            "syncPolicy": policy,
        });
        for (name, value) in self.more.as_object().into_iter().flatten() {
            spec[name] = value.clone();
        }
        json!({
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": { "name": self.name, "namespace": "argocd" },
            "spec": spec,
        })
    }
}

/// An existing application; dropping this deletes it, and leaves its resources to its namespace.
#[derive(Debug)]
pub struct TestbedApp {
    name: String,
    project: String,
    inner: Arc<TestbedInner>,
}

impl TestbedApp {
    pub(super) fn new(inner: &Arc<TestbedInner>, spec: &AppSpec) -> Self {
        inner.world.kubernetes.create(APPLICATIONS, &spec.object());
        Self {
            name: spec.name.clone(),
            project: spec.project.clone(),
            inner: Arc::clone(inner),
        }
    }

    /// Returns its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the whole object, as Kubernetes has it.
    ///
    /// # Panics
    ///
    /// If it has been deleted.
    #[must_use]
    pub fn object(&self) -> Value {
        self.inner.world.kubernetes.get(&self.path())
    }

    /// Returns its status: null until Argo CD has seen it.
    #[must_use]
    pub fn status(&self) -> Value {
        self.object()["status"].take()
    }

    /// Returns the commit that was compared last.
    #[must_use]
    pub fn revision(&self) -> Option<String> {
        self.status()["sync"]["revision"]
            .as_str()
            .map(str::to_owned)
    }

    /// Returns the tree of its resources, as Argo CD's server shows it.
    #[must_use]
    pub fn tree(&self) -> Value {
        self.inner
            .argocd
            .get(&format!("/api/v1/applications/{}/resource-tree", self.name))
    }

    /// Asks Argo CD to look at the repository now.
    pub fn refresh(&self) {
        self.annotate("normal");
    }

    /// Asks Argo CD to look at the repository now, without its cache.
    pub fn hard_refresh(&self) {
        self.annotate("hard");
    }

    /// Asks for a sync to the branch, as a person would.
    pub fn sync(&self) {
        self.inner.argocd.post(
            &format!("/api/v1/applications/{}/sync", self.name),
            &json!({}),
        );
    }

    /// Changes fields of the object: a merge patch.
    pub fn patch(&self, fields: &Value) {
        self.inner.world.kubernetes.patch(&self.path(), fields);
    }

    /// Deletes it, with all that it has made if `cascade`.
    pub fn delete(&self, cascade: bool) {
        if cascade {
            let finalizers = ["resources-finalizer.argocd.argoproj.io"];
            self.patch(&json!({ "metadata": { "finalizers": finalizers } }));
        }
        self.inner.world.kubernetes.delete(&self.path());
    }

    /// Polls the status until it is `right`, and returns it.
    ///
    /// # Panics
    ///
    /// With the last status, if that takes longer than a minute.
    #[track_caller]
    pub fn wait_for(&self, what: &str, right: impl Fn(&Value) -> bool) -> Value {
        let start = Instant::now();
        loop {
            let status = self.status();
            if right(&status) {
                return status;
            }
            if start.elapsed() > APP_TIMEOUT {
                panic!(
                    "waited {APP_TIMEOUT:?} for {what} of {}\n{status:#}\n{}",
                    self.name,
                    self.inner.logs()
                );
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Returns once it is synced to this commit and healthy, having asked for a refresh.
    ///
    /// # Panics
    ///
    /// With the last status, if that takes longer than a minute.
    #[track_caller]
    pub fn wait_until_deployed(&self, commit: &str) {
        self.refresh();
        self.wait_for("the deployment", |status| {
            status["sync"]["revision"] == commit
                && status["sync"]["status"] == "Synced"
                && status["health"]["status"] == "Healthy"
                && status["operationState"]["phase"] == "Succeeded"
        });
    }

    /// Returns its project.
    #[must_use]
    pub fn project(&self) -> &str {
        &self.project
    }

    fn annotate(&self, refresh: &str) {
        self.patch(
            &json!({ "metadata": { "annotations": { "argocd.argoproj.io/refresh": refresh } } }),
        );
    }

    fn path(&self) -> String {
        format!("{APPLICATIONS}/{}", self.name)
    }
}

impl Drop for TestbedApp {
    fn drop(&mut self) {
        drop(
            self.inner
                .world
                .kubernetes
                .try_ask(Method::DELETE, &self.path(), None),
        );
    }
}
