//! The branch: each operation is one recorded exchange with git.

use std::{cell::OnceCell, collections::BTreeMap, rc::Rc};

use branch::{
    Branch, BranchError, BranchName, ChangedPaths, CommitAncestry, CommitName, CommitRequest,
    FileHistory, History, PushResult, Snapshot,
};
use contract::{Commit, Failure, World, world::Effects};
use serde_json::json;

use crate::{
    address::Address,
    ancestry,
    answers::{self, FileHistoryAnswer, PushAnswer, ReadAnswer},
    bare_repository::BareRepository,
    differences,
    error::{GitAnswer, GitError},
    file_history,
    identity::Identities,
    program::{GitCall, GitProgram},
    push, read, search,
};

/// A branch of a git remote.
pub struct Git<'w> {
    world: &'w World,
    name: BranchName,
    address: Address,
    identities: Identities,
    program: GitProgram,
    repository: OnceCell<BareRepository>,
    /// A separate repository for commits without their trees: git does not fetch the trees of
    /// commits that a repository already has.
    commits: OnceCell<BareRepository>,
}

impl<'w> Git<'w> {
    /// Describes the branch, without any request.
    ///
    /// `RUNBOOK_GITHUB_TOKEN`, else `GITHUB_TOKEN`, goes only to the host of `GITHUB_SERVER_URL`;
    /// for every other host git's own credential helpers and ssh's agent provide the credentials.
    ///
    /// # Errors
    /// A `usage` [`Failure`] when `url` is not the address of a git repository.
    pub fn new(world: &'w World, url: &str, name: BranchName) -> Result<Self, Failure> {
        let address = Address::new(world, url)?;
        let program = GitProgram::new(world, &address);
        let identities = Identities::from_variables(world);
        Ok(Self {
            world,
            name,
            address,
            identities,
            program,
            repository: OnceCell::new(),
            commits: OnceCell::new(),
        })
    }

    /// Declares that another server named the address: a program in `GIT_ASKPASS` that answers with
    /// one password, whatever the host, is not asked about another host than GitHub's.
    #[must_use]
    pub fn named_by_a_server(self) -> Self {
        if self.address.is_github {
            return self;
        }
        Self {
            program: self.program.without_askpass(),
            ..self
        }
    }

    /// Returns the address without its credentials.
    pub fn shown(&self) -> &str {
        &self.address.shown
    }

    /// Asks only for the branch's tip; returns `None` when the branch does not exist.
    ///
    /// The name `HEAD`, which git forbids for branches, stands for the remote's default branch.
    ///
    /// # Errors
    /// The [`Failure`] of git: `unavailable` or `denied`.
    pub async fn tip(&self) -> Result<Option<Commit>, Failure> {
        let request = json!({
            "operation": "tip", "remote": self.address.shown, "branch": self.name.as_str(),
        });
        let live = |effects: Rc<dyn Effects>| async move {
            read::tip(
                &self.call(&effects, get_or_make(&self.commits)?),
                &self.name,
            )
            .await
        };
        let answer: GitAnswer<Option<Commit>> = self.world.exchange("git", &request, live).await?;
        answer.map_err(|error| error.failure(&self.address))
    }

    /// Reads the entries at these paths of the remote's default branch.
    ///
    /// # Errors
    /// When the remote has no default branch, or does not answer.
    pub async fn read_default(&self, paths: &[String]) -> Result<Snapshot, BranchError> {
        let request = json!({
            "operation": "read", "remote": self.address.shown, "branch": "HEAD", "paths": paths,
        });
        let live = |effects: Rc<dyn Effects>| async move {
            // A repository of its own: that of `read` keeps the tip of the branch.
            let repository = BareRepository::new()?;
            read::read_default(&self.call(&effects, &repository), paths).await
        };
        let answer: GitAnswer<ReadAnswer> = self.world.exchange("git", &request, live).await?;
        answer
            .map(Snapshot::from)
            .map_err(|error| self.branch_error(&error))
    }

    fn repository(&self) -> Result<&BareRepository, GitError> {
        get_or_make(&self.repository)
    }

    fn call<'a>(
        &'a self,
        effects: &Rc<dyn Effects>,
        repository: &'a BareRepository,
    ) -> GitCall<'a> {
        GitCall {
            program: &self.program,
            effects: Rc::clone(effects),
            repository,
            redactor: self.world.redactor(),
            limit: self.world.deadline().exchange(),
        }
    }

    fn branch_error(&self, error: &GitError) -> BranchError {
        if error.is_missing_branch() {
            return BranchError::Missing;
        }
        BranchError::Failed(error.failure(&self.address))
    }
}

impl Branch for Git<'_> {
    fn name(&self) -> &BranchName {
        &self.name
    }

    async fn read(&self, paths: &[String]) -> Result<Snapshot, BranchError> {
        let request = json!({
            "operation": "read", "remote": self.address.shown, "branch": self.name.as_str(),
            "paths": paths,
        });
        let live = |effects: Rc<dyn Effects>| async move {
            let repository = self.repository()?;
            read::read(&self.call(&effects, repository), &self.name, paths).await
        };
        let answer: GitAnswer<ReadAnswer> = self.world.exchange("git", &request, live).await?;
        answer
            .map(Snapshot::from)
            .map_err(|error| self.branch_error(&error))
    }

    async fn commit(
        &self,
        onto: &Snapshot,
        request: &CommitRequest,
    ) -> Result<PushResult, BranchError> {
        let question = json!({
            "operation": "push", "remote": self.address.shown, "branch": self.name.as_str(),
            "onto": onto.tip, "files": answers::recorded_files(&request.files),
            "message": request.message, "identities": self.identities,
        });
        let live = |effects: Rc<dyn Effects>| async move {
            let repository = self.repository()?;
            let call = self.call(&effects, repository);
            push::push(&call, &self.name, &onto.tip, request, &self.identities).await
        };
        let answer: GitAnswer<PushAnswer> = self.world.exchange("git", &question, live).await?;
        match answer {
            Ok(answer) => Ok(answer.result(&self.address)),
            Err(error) => Err(self.branch_error(&error)),
        }
    }

    async fn contains(&self, commit: &Commit) -> Result<bool, BranchError> {
        let request = json!({
            "operation": "contains", "remote": self.address.shown, "branch": self.name.as_str(),
            "commit": commit,
        });
        let live = |effects: Rc<dyn Effects>| async move {
            // A new repository: this fetch brings commits without their trees, and the next push
            // from the repository of `read` needs the trees.
            let repository = BareRepository::new()?;
            search::contains(&self.call(&effects, &repository), &self.name, commit).await
        };
        let answer: GitAnswer<bool> = self.world.exchange("git", &request, live).await?;
        answer.map_err(|error| self.branch_error(&error))
    }
}

impl History for Git<'_> {
    async fn file_histories(
        &self,
        tip: &Commit,
        paths: &[String],
        most: usize,
    ) -> Result<BTreeMap<String, FileHistory>, Failure> {
        let request = json!({
            "operation": "changes", "remote": self.address.shown, "tip": tip, "paths": paths,
            "most": most,
        });
        let live = |effects: Rc<dyn Effects>| async move {
            let call = self.call(&effects, self.repository()?);
            file_history::file_histories(&call, tip, paths, most).await
        };
        let answer: GitAnswer<BTreeMap<String, FileHistoryAnswer>> =
            self.world.exchange("git", &request, live).await?;
        let answer = answer.map_err(|error| error.failure(&self.address))?;
        Ok(answer
            .into_iter()
            .map(|(path, history)| (path, history.into()))
            .collect())
    }

    async fn ancestry(
        &self,
        commit: &CommitName,
        others: &[CommitName],
    ) -> Result<CommitAncestry, Failure> {
        let request = json!({
            "operation": "relations", "remote": self.address.shown, "commit": commit,
            "others": others,
        });
        let live = |effects: Rc<dyn Effects>| async move {
            let call = self.call(&effects, get_or_make(&self.commits)?);
            ancestry::ancestry(&call, commit, others).await
        };
        let answer: GitAnswer<CommitAncestry> = self.world.exchange("git", &request, live).await?;
        answer.map_err(|error| error.failure(&self.address))
    }

    async fn differences(
        &self,
        one: &Commit,
        other: &Commit,
        most: usize,
    ) -> Result<Vec<String>, Failure> {
        let request = json!({
            "operation": "differences", "remote": self.address.shown, "one": one, "other": other,
            "most": most,
        });
        let live = |effects: Rc<dyn Effects>| async move {
            let call = self.call(&effects, self.repository()?);
            differences::differences(&call, one, other, most).await
        };
        let answer: GitAnswer<Vec<String>> = self.world.exchange("git", &request, live).await?;
        answer.map_err(|error| error.failure(&self.address))
    }

    async fn changed_paths(&self, commit: &Commit) -> Result<Option<ChangedPaths>, Failure> {
        let request = json!({
            "operation": "changed-paths", "remote": self.address.shown, "commit": commit,
        });
        let live = |effects: Rc<dyn Effects>| async move {
            let call = self.call(&effects, self.repository()?);
            differences::changed_paths(&call, commit).await
        };
        let answer: GitAnswer<Option<ChangedPaths>> =
            self.world.exchange("git", &request, live).await?;
        answer.map_err(|error| error.failure(&self.address))
    }
}

/// Returns the repository, which is made at its first use.
fn get_or_make(cell: &OnceCell<BareRepository>) -> Result<&BareRepository, GitError> {
    if let Some(repository) = cell.get() {
        return Ok(repository);
    }
    let repository = BareRepository::new()?;
    Ok(cell.get_or_init(|| repository))
}
