//! What every step says about a branch that it could not write, or wrote against its rules.

use contract::{Failure, Report, asking};

use crate::{BRANCH_MISSING, Name, POLICY, Rejection, RejectionKind};

/// Says that there is no such branch.
pub fn missing(name: &Name, shown: &str) -> Report {
    Report::refused(BRANCH_MISSING, format!("`{shown}` has no branch `{name}`"))
        .hinted("check `--branch`; a branch is never made")
}

/// Says that the remote does not want the commit.
///
/// # Errors
/// When who pushes lacks the permission.
pub fn rejected(name: &Name, rejection: &Rejection) -> Result<Report, Failure> {
    let said = rejection.said();
    if rejection.kind == RejectionKind::Protected {
        let error = anyhow::anyhow!("`{name}` is protected, nothing was written: {said}");
        return Err(Failure::denied(asking::PERMISSION_MISSING, error)
            .hinted(format!("let whoever pushes bypass the rules of `{name}`: an App or a deploy key, since `github-actions[bot]` cannot"))
            .hinted("put that App's token into `RUNBOOK_GITHUB_TOKEN`, and give it `contents: write`"));
    }
    let summary = format!(
        "the remote declined the push to `{name}`, {}: {said}",
        rejection.word
    );
    Ok(Report::refused(POLICY, summary)
        .hinted("ask who owns the remote what its hook wants; nothing was written"))
}
