//! The problems of a write, and their reports.

use branch::{BRANCH_MISSING, BranchName, Rejection};
use contract::{
    Commit, Failure,
    Fault::{Configuration, Nobody},
    Reason, Report,
};
use github::{PullRequest, PullRequestState, Signature, Unsupported};

use crate::{PullRequestMode, Where, rejected};

/// The commit does not satisfy `--require-verified`.
pub const UNVERIFIED: Reason = Reason::new(
    "unverified",
    Configuration,
    "GitHub does not show the commit as verified",
);
/// The pull request is still open at the deadline.
pub const NOT_MERGED: Reason = Reason::new("not-merged", Nobody, "the pull request is still open");
/// The pull request was closed without being merged.
pub const NOT_WANTED: Reason = Reason::new(
    "pull-request-closed",
    Nobody,
    "the pull request was closed without being merged",
);
/// A newer image or a later run replaces the change.
pub const NEWER_IMAGE: Reason = Reason::new(
    "newer-image",
    Nobody,
    "a newer image or a later run replaces this one",
);

/// Why a write failed, or which requirement the commit breaks.
#[derive(Debug)]
pub enum Problem {
    /// The remote has no such branch.
    Missing {
        /// The repository's name for messages, without credentials.
        shown: String,
    },
    /// The remote rejects the commit.
    Declined(Rejection),
    /// The commit is on the branch, but GitHub does not show it as verified.
    Unverified(Commit, Option<Signature>),
    /// Only git can write the file, and GitHub does not sign git's commits.
    NeverVerified(Unsupported),
    /// The pull request is in another state than merged.
    NotMerged(PullRequest, PullRequestState),
}

impl Problem {
    /// Returns the pull request, if there is one.
    pub fn pull(&self) -> Option<&PullRequest> {
        match self {
            Self::NotMerged(pull, _) => Some(pull),
            _ => None,
        }
    }

    /// Returns the commit, if it is on the branch despite the problem.
    pub fn commit(&self) -> Option<&Commit> {
        match self {
            Self::Unverified(commit, _) => Some(commit),
            _ => None,
        }
    }

    /// Returns the report, without facts; `what` names the change in a few words.
    ///
    /// # Errors
    /// `permission-missing` when the account may not write the branch.
    pub fn report(&self, name: &BranchName, what: &str, to: &Where) -> Result<Report, Failure> {
        Ok(match self {
            Self::Missing { shown } => missing(name, shown),
            Self::Declined(rejection) => {
                return rejected::report(name, rejection, to);
            }
            Self::Unverified(commit, signature) => {
                let report = unverified(name, commit, signature.as_ref());
                match to.pull_request {
                    PullRequestMode::Never => report,
                    _ => report.hinted(
                        "merge pull requests by squash or by a merge commit: GitHub does not \
                         sign the commits of `Rebase and merge`",
                    ),
                }
            }
            Self::NeverVerified(unsupported) => {
                let why = format!(
                    "nothing was written: {unsupported}, and git would not sign the commit"
                );
                Report::refused(UNVERIFIED, why).hinted(format!(
                    "remove the executable bit: `git update-index --chmod=-x {}`, and commit",
                    unsupported.path
                ))
            }
            Self::NotMerged(pull, outcome) => not_merged(pull, outcome, what),
        })
    }
}

fn missing(name: &BranchName, shown: &str) -> Report {
    Report::refused(BRANCH_MISSING, format!("`{shown}` has no branch `{name}`"))
        .hinted("check `--branch`; this step never creates a branch")
}

fn unverified(name: &BranchName, commit: &Commit, signature: Option<&Signature>) -> Report {
    let why = signature.map_or("it is not signed", |signature| &signature.state);
    let summary = format!(
        "committed {} to `{name}`, but GitHub does not show it as verified: {why}",
        commit.short()
    );
    Report::refused(UNVERIFIED, summary).hinted(
        "use the token of an App or of a job, whose commits GitHub signs; \
             on an Enterprise Server turn on the signing of web commits",
    )
}

fn not_merged(pull: &PullRequest, outcome: &PullRequestState, what: &str) -> Report {
    let number = pull.number;
    match outcome {
        PullRequestState::Closed => {
            let summary =
                format!("pull request #{number} for {what} was closed without being merged");
            Report::refused(NOT_WANTED, summary)
                .hinted(format!("see why it was closed: {}", pull.url))
        }
        PullRequestState::Superseded => {
            let summary = format!(
                "a later run replaced the change in pull request #{number}: {what} is not in it"
            );
            Report::superseded(NEWER_IMAGE, summary)
        }
        PullRequestState::Retargeted(base) => {
            let summary = format!(
                "pull request #{number} for {what} was pointed at another branch, `{base}`"
            );
            Report::refused(NOT_WANTED, summary)
                .hinted(format!("see who changed its base, and why: {}", pull.url))
        }
        PullRequestState::Open | PullRequestState::Merged(_) => {
            let summary = format!("pull request #{number} for {what} is still open");
            Report::not_yet(NOT_MERGED, summary)
                .hinted(format!("merge {}, and run it again", pull.url))
        }
    }
}
