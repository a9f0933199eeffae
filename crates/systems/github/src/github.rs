//! The repository and its branch, and the two ways to ask about them.

use std::cell::RefCell;

use branch::BranchName;
use contract::{Commit, Failure, World};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    api::{GitHubApi, TokenPermission},
    name::RepositoryName,
    signature::Signature,
};

/// A branch of a repository on GitHub.
pub struct GitHub<'w> {
    pub(crate) api: GitHubApi<'w>,
    pub(crate) repository: RepositoryName,
    pub(crate) name: BranchName,
    /// The last commit that was made, with the signature from GitHub's answer to it.
    pub(crate) signature: RefCell<Option<(Commit, Signature)>>,
}

#[derive(Deserialize)]
struct RepositoryData<T> {
    repository: Option<T>,
}

#[derive(Deserialize)]
struct BranchData<T> {
    #[serde(rename = "ref")]
    branch: Option<T>,
}

impl<'w> GitHub<'w> {
    /// Describes the branch, without any request.
    ///
    /// The API is that of `GITHUB_API_URL`, else of github.com. `RUNBOOK_GITHUB_TOKEN`, else
    /// `GITHUB_TOKEN`, goes there and nowhere else.
    ///
    /// # Errors
    /// A `denied` [`Failure`] when there is no token, a `usage` one when `GITHUB_API_URL` is
    /// invalid.
    pub fn new(
        world: &'w World,
        repository: RepositoryName,
        name: BranchName,
    ) -> Result<Self, Failure> {
        Ok(Self {
            api: GitHubApi::new(world)?,
            repository,
            name,
            signature: RefCell::default(),
        })
    }

    /// Returns the repository.
    pub fn repository(&self) -> &RepositoryName {
        &self.repository
    }

    /// Asks about the repository; returns `None` when GitHub does not find it.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        document: &str,
        variables: impl IntoIterator<Item = (String, Value)>,
        permission: TokenPermission,
    ) -> Result<Option<T>, Failure> {
        let variables = self.variables(variables);
        let data: RepositoryData<T> = self.api.ask(document, &variables, permission).await?;
        Ok(data.repository)
    }

    /// Adds the variables `$owner` and `$name`, which every query has.
    pub(crate) fn variables(&self, more: impl IntoIterator<Item = (String, Value)>) -> Value {
        let own = [
            ("owner".to_owned(), self.repository.owner().into()),
            ("name".to_owned(), self.repository.name().into()),
        ];
        Value::Object(own.into_iter().chain(more).collect())
    }

    /// Asks about the repository's default branch, which a document calls `ref`; returns `None` for
    /// an empty repository.
    pub(crate) async fn ask_default_branch<T: DeserializeOwned>(
        &self,
        document: &str,
        variables: impl IntoIterator<Item = (String, Value)>,
    ) -> Result<Option<T>, Failure> {
        let data: Option<BranchData<T>> = self
            .ask(document, variables, TokenPermission::Contents)
            .await?;
        Ok(data.and_then(|data| data.branch))
    }

    /// Asks about one of the repository's branches, as `$branch`; returns `None` when it is
    /// missing.
    pub(crate) async fn ask_branch<T: DeserializeOwned>(
        &self,
        branch: &BranchName,
        document: &str,
        variables: impl IntoIterator<Item = (String, Value)>,
    ) -> Result<Option<T>, Failure> {
        let variables = variables
            .into_iter()
            .chain([("branch".to_owned(), branch.full().into())]);
        let data: Option<BranchData<T>> = self
            .ask(document, variables, TokenPermission::Contents)
            .await?;
        Ok(data.and_then(|data| data.branch))
    }
}
