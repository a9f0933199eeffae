//! The branch of an application: its tip, and the image that its overlay sets.

use std::path::Path;

use tokio::process::Command;

use crate::state::SandboxApp;

/// Returns the branch's tip and the image that the overlay sets there.
pub(crate) async fn read(remote: &Path, app: &SandboxApp) -> Option<(String, String)> {
    let branch = format!("refs/heads/{}", app.branch);
    let tip = git(remote, &["rev-parse", &branch]).await?;
    let file = format!("{tip}:{}/kustomization.yaml", app.overlay);
    let text = git(remote, &["show", &file]).await?;
    let entry = overlay::read(text.as_bytes()).ok()?.into_iter().next()?;
    let name = entry.value.new_name.unwrap_or(entry.name);
    let tag = entry.value.tag.unwrap_or_default();
    Some((tip, format!("{name}:{tag}")))
}

async fn git(remote: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .arg("--git-dir")
        .arg(remote)
        .args(arguments)
        .kill_on_drop(true)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .await
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    output.status.success().then(|| text.trim_end().to_owned())
}
