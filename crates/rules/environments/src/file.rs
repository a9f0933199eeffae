//! The runbook as it is written: its keys, before defaults and checks.

use serde::Deserialize;
use serde_saphyr::{DuplicateKeyPolicy, Spanned};

use crate::Check;

/// A text that its own rule checks, with its place in the file.
pub(crate) type Text = Spanned<String>;

/// One key, one value, and no more nodes than a file for people has.
pub(crate) fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        duplicate_keys: DuplicateKeyPolicy::Error,
        strict_booleans: true,
        with_snippet: false,
    }
}

/// Which branch deploys which environments, with which image, after which checks.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct RunbookFile {
    /// The image without a tag: `ghcr.io/data-literate/dex`
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub(crate) image: Text,
    /// How the image of a commit is tagged: `sha-{sha:8}`; `{sha}` stands for all 40 digits
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub(crate) tag: Text,
    /// The repository with the overlays, `OWNER/NAME`; the repository of this file by default
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub(crate) repository: Option<Text>,
    /// The repository with the code, `OWNER/NAME`; the repository of this file by default
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub(crate) source_repository: Option<Text>,
    /// The platforms that the image must have: `[linux/amd64, linux/arm64]`
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<String>"))]
    pub(crate) platforms: Vec<Text>,
    /// The Argo CD server
    #[serde(default)]
    pub(crate) argocd: ArgoCdFile,
    /// The addresses of every Alertmanager of the cluster
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<String>"))]
    pub(crate) alertmanager: Vec<Text>,
    /// The address of the Prometheus that sends the alerts
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub(crate) prometheus: Option<Text>,
    /// The workflows and checks that have to pass; the branch's rulesets by default
    #[serde(default)]
    pub(crate) ci: CiFile,
    /// The environments, in the order in which reports show them
    #[cfg_attr(
        feature = "schema",
        schemars(with = "Vec<EnvironmentFile>", length(min = 1))
    )]
    pub(crate) environments: Spanned<Vec<EnvironmentFile>>,
}

/// The Argo CD server.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct ArgoCdFile {
    /// Host and, if it is not 443, port: `argocd.example.org`
    pub(crate) server: Option<String>,
    /// The project of the applications: `default`
    pub(crate) project: Option<String>,
}

/// The workflows and checks that have to pass.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct CiFile {
    /// Paths of workflows: `[.github/workflows/ci.yml]`
    #[serde(default)]
    pub(crate) workflows: Vec<String>,
    /// Names of check runs and commit statuses
    #[serde(default)]
    pub(crate) checks: Vec<String>,
}

/// One environment.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct EnvironmentFile {
    /// Its name, as deployments and reports show it: `prod`
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub(crate) name: Text,
    /// The branch whose commits it deploys, and whose overlay is written: `main`
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub(crate) branch: Text,
    /// The folder of its kustomization; `infra/argocd/overlays/<name>` by default
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub(crate) overlay: Option<Text>,
    /// Its Argo CD application; `<last part of the image>-<name>` by default
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub(crate) app: Option<Text>,
    /// Its namespace; the application's name by default
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub(crate) namespace: Option<Text>,
    /// The workload that runs the image; `deployment/<last part of the image>` by default
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub(crate) workload: Option<Text>,
    /// The checks before a deployment; `[ci, image, alerts]` by default
    #[cfg_attr(
        feature = "schema",
        schemars(with = "Option<Vec<Check>>", length(min = 1))
    )]
    pub(crate) checks: Option<Spanned<Vec<Check>>>,
    /// The approval that a deployment needs
    #[serde(default)]
    pub(crate) approval: ApprovalFile,
    /// The alerts that stop a deployment
    #[serde(default)]
    pub(crate) alerts: AlertsFile,
    /// How long all pods have to stay ready: `60s`
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub(crate) soak: Option<Text>,
    /// How long a deployment may take: `20m`
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub(crate) timeout: Option<Text>,
}

/// The approval that a deployment needs.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct ApprovalFile {
    /// How many people with write access have to approve; 1 by default
    #[cfg_attr(feature = "schema", schemars(with = "Option<u32>", range(min = 1)))]
    pub(crate) required: Option<Spanned<u32>>,
    /// Whether the approval of a person who committed to the pull request is left out
    pub(crate) exclude_committers: Option<bool>,
}

/// The alerts that stop a deployment.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct AlertsFile {
    /// Values of the label `severity`; `[critical, page]` by default
    #[serde(default)]
    pub(crate) severity: Vec<String>,
}
