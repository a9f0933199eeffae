//! A git remote in a temporary folder, with overlays of three environments.

use std::{
    fmt::Write as _,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, ensure};
use tempfile::TempDir;

use super::images::FIRST_TAG;

/// The environments, each with the branch that it is deployed from.
pub(crate) const ENVIRONMENTS: [(&str, &str); 3] =
    [("dev", "dev"), ("stage", "main"), ("prod", "main")];

/// Returns the folder of an environment's overlay.
pub(crate) fn overlay(environment: &str) -> String {
    format!("infra/argocd/overlays/{environment}")
}

/// A bare repository, deleted when this is dropped.
pub(crate) struct DemoRemote {
    folder: TempDir,
}

impl DemoRemote {
    /// Creates the repository with one commit, the tip of both branches.
    pub(crate) fn new(image: &str) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("could not make a temporary folder")?;
        git(folder.path(), &["init", "--quiet", "--bare", "."], "")?;
        git(
            folder.path(),
            &["config", "uploadpack.allowFilter", "true"],
            "",
        )?;
        git(folder.path(), &["fast-import", "--quiet"], &history(image))?;
        git(folder.path(), &["branch", "dev", "main"], "")?;
        Ok(Self { folder })
    }

    /// Returns the path of the repository, for `--remote`.
    pub(crate) fn path(&self) -> &str {
        self.folder.path().to_str().unwrap_or_default()
    }

    /// Returns the last commit's message and change.
    pub(crate) fn last_change(&self) -> anyhow::Result<String> {
        git(
            self.folder.path(),
            &["show", "--unified=0", "--format=%an: %B", "main"],
            "",
        )
    }
}

/// Returns one commit, as `git fast-import` reads it.
fn history(image: &str) -> String {
    let message = "overlays of three environments";
    let mut text = format!(
        "commit refs/heads/main\n\
         committer runbook <runbook@localhost> 1767225600 +0000\n\
         data {}\n{message}\n",
        message.len()
    );
    for (environment, _) in ENVIRONMENTS {
        let content = kustomization(environment, image);
        let path = format!("{}/kustomization.yaml", overlay(environment));
        let _ = write!(
            text,
            "M 100644 inline {path}\ndata {}\n{content}\n",
            content.len()
        );
    }
    text
}

fn kustomization(environment: &str, image: &str) -> String {
    format!(
        "# {} \u{2014} what differs from the base.\n\
         apiVersion: kustomize.config.k8s.io/v1beta1\n\
         kind: Kustomization\n\
         \n\
         namespace: dex-{environment}\n\
         \n\
         resources:\n  - ../../base\n\
         \n\
         images:\n  - name: example/dex\n    newName: {image}\n\
         \x20   newTag: {FIRST_TAG}    # set by the pipeline\n",
        environment.to_uppercase()
    )
}

/// Runs git without the configuration of this user and machine.
fn git(folder: &Path, arguments: &[&str], input: &str) -> anyhow::Result<String> {
    let mut command = Command::new("git");
    command
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env_remove("GIT_DIR");
    let mut child = command
        .spawn()
        .context("could not run `git`, which the demo needs")?;
    child
        .stdin
        .take()
        .context("git has no input")?
        .write_all(input.as_bytes())?;
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(
        output.status.success(),
        "`git {}` failed: {said}",
        arguments.join(" ")
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
