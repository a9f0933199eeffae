//! What is said when a branch was not written, or not as it has to be.

use branch::{Name, Rejection};
use contract::{
    Commit, Failure,
    Fault::{Configuration, Nobody},
    Reason, Report,
};
use github::{PullRequest, PullRequestState, Signature, Unsupported};

use crate::{PullRequestMode, Where};

/// Not what `--require-verified` asks for.
pub const UNVERIFIED: Reason = Reason::new(
    "unverified",
    Configuration,
    "GitHub does not call the commit verified",
);
/// Still open at the deadline.
pub const NOT_MERGED: Reason = Reason::new("not-merged", Nobody, "the pull request is still open");
/// Closed by somebody.
pub const NOT_WANTED: Reason = Reason::new(
    "pull-request-closed",
    Nobody,
    "somebody closed the pull request without merging it",
);
/// Something newer.
pub const NEWER_IMAGE: Reason = Reason::new(
    "newer-image",
    Nobody,
    "something newer has taken over: another image, or a later run",
);

/// Why a branch was not written, or not as it has to be.
#[derive(Debug)]
pub enum Problem {
    /// There is no such branch.
    Missing {
        /// The repository as it may be shown.
        shown: String,
    },
    /// The remote does not want the commit.
    Declined(Rejection),
    /// The commit is on the branch, and GitHub does not call it verified.
    Unverified(Commit, Option<Signature>),
    /// The file can only be written through git, whose commits nobody signs.
    NeverVerified(Unsupported),
    /// The pull request is not merged: its outcome is another one.
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

    /// Returns the commit, if it is on the branch all the same.
    pub fn commit(&self) -> Option<&Commit> {
        match self {
            Self::Unverified(commit, _) => Some(commit),
            _ => None,
        }
    }

    /// Returns what is said about it, without facts; `what` is what was to be written, in few words.
    ///
    /// # Errors
    /// When who writes lacks the permission.
    pub fn report(&self, name: &Name, what: &str, to: &Where) -> Result<Report, Failure> {
        Ok(match self {
            Self::Missing { shown } => branch::missing(name, shown),
            Self::Declined(rejection) => {
                return branch::rejected(name, rejection)
                    .map_err(|failure| propose_it(to, failure));
            }
            Self::Unverified(commit, signature) => unverified(name, commit, signature.as_ref()),
            Self::NeverVerified(unsupported) => {
                let why = format!(
                    "nothing was written: {unsupported}, and git would not sign the commit"
                );
                Report::refused(UNVERIFIED, why).hinted(format!(
                    "take the run bit away: `git update-index --chmod=-x {}`, and commit",
                    unsupported.path
                ))
            }
            Self::NotMerged(pull, outcome) => not_merged(pull, outcome, what),
        })
    }
}

/// Who may not write the branch may perhaps propose.
fn propose_it(to: &Where, failure: Failure) -> Failure {
    match to.pull_request {
        PullRequestMode::Never => failure
            .hinted("or pass `--pull-request fallback`, which needs GitHub's API and `pull-requests: write`"),
        _ => failure,
    }
}

fn unverified(name: &Name, commit: &Commit, signature: Option<&Signature>) -> Report {
    let why = signature.map_or("it is not signed", |signature| &signature.state);
    let summary = format!(
        "committed {} to `{name}`, but GitHub does not call it verified: {why}",
        commit.short()
    );
    Report::refused(UNVERIFIED, summary)
        .hinted("use the token of an App or of a job, whose commits GitHub signs; on an Enterprise Server turn on the signing of web commits")
}

fn not_merged(pull: &PullRequest, outcome: &PullRequestState, what: &str) -> Report {
    let number = pull.number;
    match outcome {
        PullRequestState::Closed => {
            let summary =
                format!("pull request #{number} for {what} was closed without being merged");
            Report::refused(NOT_WANTED, summary).hinted(format!("ask who closed {}", pull.url))
        }
        PullRequestState::Superseded => {
            let summary =
                format!("a later run has taken pull request #{number} over, {what} is not in it");
            Report::superseded(NEWER_IMAGE, summary)
        }
        PullRequestState::Open | PullRequestState::Merged(_) => {
            let summary = format!("pull request #{number} for {what} is still open");
            Report::not_yet(NOT_MERGED, summary)
                .hinted(format!("merge {}, and run it again", pull.url))
        }
    }
}
