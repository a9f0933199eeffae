//! The meaning of an error that came instead of a change.

use branch::{BranchError, BranchName, PushResult, RejectionKind};
use contract::{Failure, asking};

use crate::{
    api::{ChangeError, GraphqlError, TokenPermission},
    commit,
    github::GitHub,
};

/// Which errors mean that another run was faster.
#[derive(Debug, Clone, Copy)]
pub(super) enum RaceSign {
    /// GitHub says that the new branch exists already.
    Exists,
    /// GitHub says that there is such a pull request, or that its branch is gone or merged.
    PullRequest,
    /// GitHub says that a branch is not where it was.
    Moved,
}

/// Phrases of errors about a new pull request, when another run has changed the branches.
const CHANGED_BRANCHES: [&str; 5] = [
    "already exists",
    "No commits between",
    "sha can't be blank",
    "must be a branch",
    "Could not resolve to",
];

/// Phrases of errors about a branch that another run has changed.
const MOVED_BRANCH: [&str; 4] = [
    "already exists",
    "is at ",
    "not a fast forward",
    "does not exist",
];

impl RaceSign {
    fn is_shown_by(self, error: &GraphqlError) -> bool {
        let says = |phrases: &[&str]| phrases.iter().any(|words| error.message.contains(words));
        match (error.kind.as_str(), self) {
            ("STALE_DATA", _) | ("NOT_FOUND", Self::Moved | Self::PullRequest) => true,
            ("UNPROCESSABLE", Self::Exists) => says(&["already exists"]),
            ("UNPROCESSABLE", Self::PullRequest) => says(&CHANGED_BRANCHES),
            ("UNPROCESSABLE", Self::Moved) => says(&MOVED_BRANCH),
            _ => false,
        }
    }
}

/// Returns the meaning of an error: a rule, a missing permission, or another run with the same
/// task.
pub(super) fn refused(
    github: &GitHub<'_>,
    error: ChangeError,
    permission: TokenPermission,
    race: RaceSign,
) -> Result<PushResult, BranchError> {
    let error = match error {
        ChangeError::Failed(failure) => return Err(failure.into()),
        ChangeError::Refused(error) => error,
    };
    if let Some(rejection) = commit::ruled_out(&error) {
        return Ok(PushResult::Rejected(rejection));
    }
    if race.is_shown_by(&error) {
        return Ok(PushResult::Moved);
    }
    match error.kind.as_str() {
        "UNPROCESSABLE" => Ok(PushResult::Rejected(commit::rejection(
            RejectionKind::Declined,
            &error.message,
        ))),
        _ => Err(github.api.failure(&error, permission).into()),
    }
}

/// Adds what helps where GitHub lets the token of a job make no branch.
pub(super) fn branch_hint(error: BranchError, base: &BranchName) -> BranchError {
    match error {
        BranchError::Failed(failure) if failure.reason == asking::PERMISSION_MISSING => {
            BranchError::Failed(failure.hinted(format!(
                "where `{base}` differs from the default branch in `.github/workflows`, GitHub \
                 wants the token of an App with `workflows: write`"
            )))
        }
        other => other,
    }
}

/// Returns the failure of a change that has no answer but success.
pub(super) fn failure(
    github: &GitHub<'_>,
    error: ChangeError,
    permission: TokenPermission,
) -> Failure {
    match error {
        ChangeError::Failed(failure) => failure,
        ChangeError::Refused(error) => github.api.failure(&error, permission),
    }
}

/// Returns whether a branch is no longer where it was.
pub(super) fn is_conflict(error: &GraphqlError) -> bool {
    matches!(
        error.kind.as_str(),
        "STALE_DATA" | "UNPROCESSABLE" | "NOT_FOUND"
    )
}

pub(super) fn forbids_deletion(error: &GraphqlError) -> bool {
    error.message.contains("Cannot delete this branch")
}

pub(super) fn is_forbidden_to_workflows(error: &GraphqlError) -> bool {
    error
        .message
        .contains("not permitted to create or approve pull requests")
}

/// Returns the failure when the settings forbid pull requests of workflows.
pub(super) fn not_permitted(error: &GraphqlError) -> Failure {
    let error = anyhow::anyhow!("{}", error.message.trim_end_matches('.'));
    Failure::denied(asking::PERMISSION_MISSING, error)
        .hinted(
            "turn on `Allow GitHub Actions to create and approve pull requests` \
             (Settings, Actions, General) of the repository and of its organization",
        )
        .hinted("or put the token of an App into `RUNBOOK_GITHUB_TOKEN`")
}

/// Returns the failure when the required checks of a pull request would never start, as on an
/// Enterprise Server.
pub(super) fn never_checked(name: &BranchName) -> Failure {
    let error = anyhow::anyhow!(
        "`{name}` requires checks, and a pull request of the job's own token never starts any"
    );
    Failure::denied(asking::PERMISSION_MISSING, error).hinted(
        "put the token of an App into `RUNBOOK_GITHUB_TOKEN`, \
         with `contents: write` and `pull-requests: write`",
    )
}
