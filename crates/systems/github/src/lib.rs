//! A branch of a repository on GitHub, through its API: its tip, a few of its files, one commit, the
//! history, pull requests, without git and without a checkout; and what was deployed to an environment.
//!
//! A bump is two requests: one question to GraphQL (the tip, and what is at each path of that commit)
//! and `createCommitOnBranch`, which is a compare-and-swap on the tip and makes a commit that GitHub
//! signs. It cannot write a file with the run bit: that is [`Unsupported`], and git's to do.

mod api;
mod commit;
mod deployments;
mod history;
mod name;
mod pulls;
mod read;

use std::cell::RefCell;

use branch::{Branch, BranchError, BranchName as Name, CommitRequest, PushResult, Snapshot};
use contract::{Commit, Failure, World};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

pub use api::is_at_hand;
use api::{Api, Needs};
pub use commit::{Signature, Unsupported};
pub use deployments::{Deployment, Deployments, deployments};
pub use name::{InvalidRepositoryName, RepositoryName};
pub use pulls::{Committer, Proposal, PullRequest, PullRequestState};

/// A branch of a repository on GitHub.
pub struct GitHub<'w> {
    api: Api<'w>,
    repository: RepositoryName,
    name: Name,
    /// What was said about the last commit when it was made.
    signature: RefCell<Option<(Commit, Signature)>>,
}

impl<'w> GitHub<'w> {
    /// Describes the branch; nothing is asked yet.
    ///
    /// The API is that of `GITHUB_API_URL`, else of github.com. `RUNBOOK_GITHUB_TOKEN`, else
    /// `GITHUB_TOKEN`, goes there and nowhere else.
    ///
    /// # Errors
    /// A [`Failure`] when there is no token, or the address is none.
    pub fn new(world: &'w World, repository: RepositoryName, name: Name) -> Result<Self, Failure> {
        Ok(Self {
            api: Api::new(world)?,
            repository,
            name,
            signature: RefCell::default(),
        })
    }

    /// Returns the repository.
    pub fn repository(&self) -> &RepositoryName {
        &self.repository
    }

    /// Returns whether an edit can be written through the API.
    ///
    /// # Errors
    /// The file that has to be written through git.
    pub fn supports(&self, onto: &Snapshot, request: &CommitRequest) -> Result<(), Unsupported> {
        commit::supports(onto, request)
    }

    /// Asks what GitHub says about the signature of a commit; `None` when it has none.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn signature(&self, commit: &Commit) -> Result<Option<Signature>, Failure> {
        commit::signature(self, commit).await
    }

    /// Asks about the repository; `None` when what is asked about is not there.
    async fn ask<T: DeserializeOwned>(
        &self,
        document: &str,
        variables: impl IntoIterator<Item = (String, Value)>,
        needs: Needs,
    ) -> Result<Option<T>, Failure> {
        #[derive(Deserialize)]
        struct Data<T> {
            repository: Option<T>,
        }
        let data: Data<T> = self
            .api
            .ask(document, &self.variables(variables), needs)
            .await?;
        Ok(data.repository)
    }

    /// Adds what every question needs.
    fn variables(&self, more: impl IntoIterator<Item = (String, Value)>) -> Value {
        let (owner, name) = (self.repository.owner(), self.repository.name());
        let own = [
            ("owner".to_owned(), owner.into()),
            ("name".to_owned(), name.into()),
        ];
        Value::Object(own.into_iter().chain(more).collect())
    }

    /// Asks about one of its branches, as `$branch`; `None` when it is not there.
    async fn ask_branch<T: DeserializeOwned>(
        &self,
        branch: &Name,
        document: &str,
        variables: impl IntoIterator<Item = (String, Value)>,
    ) -> Result<Option<T>, Failure> {
        #[derive(Deserialize)]
        struct Repository<T> {
            #[serde(rename = "ref")]
            branch: Option<T>,
        }
        let variables = variables
            .into_iter()
            .chain([("branch".to_owned(), branch.full().into())]);
        let repository: Option<Repository<T>> =
            self.ask(document, variables, Needs::Contents).await?;
        Ok(repository.and_then(|repository| repository.branch))
    }
}

impl Branch for GitHub<'_> {
    fn name(&self) -> &Name {
        &self.name
    }

    async fn read(&self, paths: &[String]) -> Result<Snapshot, BranchError> {
        read::read(self, &self.name, paths).await
    }

    async fn commit(
        &self,
        onto: &Snapshot,
        request: &CommitRequest,
    ) -> Result<PushResult, BranchError> {
        commit::commit(self, &self.name, onto, request).await
    }

    async fn contains(&self, commit: &Commit) -> Result<bool, BranchError> {
        history::contains(self, commit).await
    }
}
