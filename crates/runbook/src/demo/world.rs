//! The systems that the steps talk to in the demo: a sandbox with three environments.

use std::fs;

use anyhow::Context as _;
use sandbox::{Delivery, SandboxApp, SandboxImage, SandboxRegistry};
use tempfile::TempDir;

use super::{
    images::FIRST_TAG,
    remote::{self, DemoRemote},
};

const REPOSITORY: &str = "data-literate/dex";
const PLATFORMS: [&str; 2] = ["linux/amd64", "linux/arm64"];

/// The systems; they end when this is dropped.
pub(crate) struct DemoWorld {
    registry: Option<SandboxRegistry>,
    /// `127.0.0.1:PORT/data-literate/dex`.
    name: String,
    remote: DemoRemote,
    delivery: Delivery,
    folder: TempDir,
}

impl DemoWorld {
    /// Starts the systems, with the first image in all environments.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let registry = SandboxRegistry::start().await?;
        let name = format!("{}/{REPOSITORY}", registry.address());
        registry.push(
            REPOSITORY,
            FIRST_TAG,
            &SandboxImage::new("0d9c8b7a", &PLATFORMS),
        );
        let remote = DemoRemote::new(&name)?;
        let apps = remote::ENVIRONMENTS.map(|(environment, branch)| SandboxApp {
            name: format!("dex-{environment}"),
            overlay: remote::overlay(environment),
            branch: branch.to_owned(),
        });
        let delivery = Delivery::start(remote.path().into(), &registry, apps.into()).await?;
        let folder = tempfile::tempdir().context("could not make a temporary folder")?;
        fs::write(folder.path().join("kubeconfig"), delivery.kubeconfig())?;
        Ok(Self {
            registry: Some(registry),
            name,
            remote,
            delivery,
            folder,
        })
    }

    /// Adds an image to the registry.
    pub(crate) fn push(&self, tag: &str, commit: &str) {
        if let Some(registry) = &self.registry {
            registry.push(REPOSITORY, tag, &SandboxImage::new(commit, &PLATFORMS));
        }
    }

    /// Returns the reference of an image by its tag.
    pub(crate) fn image(&self, tag: &str) -> String {
        format!("{}:{tag}", self.name)
    }

    /// Returns the path of the git remote, for `--remote`.
    pub(crate) fn remote(&self) -> &str {
        self.remote.path()
    }

    /// Returns the message and the change of the last commit on `main`.
    pub(crate) fn last_change(&self) -> anyhow::Result<String> {
        self.remote.last_change()
    }

    /// Returns the variables by which the steps find Argo CD and the cluster.
    pub(crate) fn variables(&self) -> [(&'static str, String); 3] {
        [
            ("RUNBOOK_ARGOCD_SERVER", self.delivery.argocd().to_owned()),
            ("RUNBOOK_ARGOCD_TOKEN", "demo".to_owned()),
            (
                "KUBECONFIG",
                self.folder.path().join("kubeconfig").display().to_string(),
            ),
        ]
    }

    /// Returns the variables as commands for a shell.
    pub(crate) fn exports(&self) -> String {
        self.variables()
            .map(|(name, value)| format!("export {name}={value}"))
            .join("\n")
    }

    /// Ends the registry.
    pub(crate) async fn stop_registry(&mut self) {
        if let Some(registry) = self.registry.take() {
            registry.stop().await;
        }
    }
}
