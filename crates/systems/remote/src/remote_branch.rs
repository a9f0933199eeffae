//! A branch of a remote, through git or through GitHub's API.

use std::collections::BTreeMap;

use branch::{
    Ancestry, Branch as _, BranchError, BranchName, ChangedPaths, CommitAncestry, CommitName,
    FileHistory, History, Snapshot,
};
use contract::{Commit, Failure, World};
use git::Git;
use github::GitHub;

/// A branch and the history of its repository, through git or through GitHub's API.
pub enum RemoteBranch<'w> {
    /// Through git.
    Git(Git<'w>),
    /// Through GitHub's API.
    GitHub(GitHub<'w>),
}

impl RemoteBranch<'_> {
    /// Returns the name of the branch.
    pub fn name(&self) -> &BranchName {
        match self {
            Self::Git(git) => git.name(),
            Self::GitHub(github) => github.name(),
        }
    }

    /// Returns the repository's name for messages, without credentials.
    pub fn shown(&self) -> String {
        match self {
            Self::Git(git) => git.shown().to_owned(),
            Self::GitHub(github) => github.repository().to_string(),
        }
    }

    /// Reads the tip, and the entries at these paths.
    ///
    /// # Errors
    /// When the branch is missing, or the remote does not answer.
    pub async fn read(&self, paths: &[String]) -> Result<Snapshot, BranchError> {
        match self {
            Self::Git(git) => git.read(paths).await,
            Self::GitHub(github) => github.read(paths).await,
        }
    }

    /// Reads the entries at these paths of the repository's default branch.
    ///
    /// # Errors
    /// When the repository is empty, or the remote does not answer.
    pub async fn read_default(&self, paths: &[String]) -> Result<Snapshot, BranchError> {
        match self {
            Self::Git(git) => git.read_default(paths).await,
            Self::GitHub(github) => github.read_default(paths).await,
        }
    }

    /// Returns whether the branch's tip is this commit or a descendant of it.
    ///
    /// # Errors
    /// When the branch is missing, or the remote does not answer.
    pub async fn contains(&self, commit: &Commit) -> Result<bool, BranchError> {
        match self {
            Self::Git(git) => {
                // `Git::contains` looks for a commit of the last moments; this one may be of any age.
                let tip = CommitName::from(&git.read(&[]).await?.tip);
                let ancestry = git.ancestry(&CommitName::from(commit), &[tip]).await?;
                let relation = ancestry.others.first().map(|(relation, _)| *relation);
                Ok(matches!(
                    relation,
                    Some(Ancestry::Same | Ancestry::Ancestor)
                ))
            }
            Self::GitHub(github) => github.contains(commit).await,
        }
    }

    /// Returns all revisions of each file, through git: GitHub's API has only the newest ones.
    ///
    /// # Errors
    /// When there is no answer, or the remote's own history is cut off
    /// ([`HISTORY_CUT`](branch::HISTORY_CUT)).
    pub async fn whole_histories(
        &self,
        world: &World,
        tip: &Commit,
        paths: &[String],
    ) -> Result<BTreeMap<String, FileHistory>, Failure> {
        match self {
            Self::Git(git) => git.file_histories(tip, paths, usize::MAX).await,
            Self::GitHub(github) => {
                let git = Git::new(world, &git_url(world, github), github.name().clone())?;
                git.file_histories(tip, paths, usize::MAX).await
            }
        }
    }
}

/// Returns the URL of a repository for git.
pub(crate) fn git_url(world: &World, github: &GitHub<'_>) -> String {
    format!("{}/{}", git::server(world), github.repository())
}

impl History for RemoteBranch<'_> {
    async fn file_histories(
        &self,
        tip: &Commit,
        paths: &[String],
        limit: usize,
    ) -> Result<BTreeMap<String, FileHistory>, Failure> {
        match self {
            Self::Git(git) => git.file_histories(tip, paths, limit).await,
            Self::GitHub(github) => github.file_histories(tip, paths, limit).await,
        }
    }

    async fn ancestry(
        &self,
        commit: &CommitName,
        others: &[CommitName],
    ) -> Result<CommitAncestry, Failure> {
        match self {
            Self::Git(git) => git.ancestry(commit, others).await,
            Self::GitHub(github) => github.ancestry(commit, others).await,
        }
    }

    async fn differences(
        &self,
        one: &Commit,
        other: &Commit,
        limit: usize,
    ) -> Result<Vec<String>, Failure> {
        match self {
            Self::Git(git) => git.differences(one, other, limit).await,
            Self::GitHub(github) => github.differences(one, other, limit).await,
        }
    }

    async fn changed_paths(&self, commit: &Commit) -> Result<Option<ChangedPaths>, Failure> {
        match self {
            Self::Git(git) => git.changed_paths(commit).await,
            Self::GitHub(github) => github.changed_paths(commit).await,
        }
    }
}
