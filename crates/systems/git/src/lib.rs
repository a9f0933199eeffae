//! A branch of any git remote: its tip, a few of its files, one commit, one push, without a checkout.
//!
//! The git program fetches and pushes, since it knows every transport and every credential helper;
//! objects are read and written by gix. All of it happens in a temporary bare repository: the user's
//! work tree, index, hooks and settings of a checkout are never touched.
//!
//! Every operation is one `World::exchange`, so a recorded run replays without git.

mod address;
mod ancestry;
mod answers;
mod differences;
mod error;
mod file_history;
mod folder;
mod identity;
mod objects;
mod origin;
mod program;
mod push;
mod read;
mod search;

use std::{cell::OnceCell, collections::BTreeMap, rc::Rc};

use branch::{
    Branch, BranchError, BranchName as Name, CommitAncestry, CommitName, CommitRequest,
    FileHistory, PushResult, Snapshot,
};
use contract::{Commit, Failure, Fault, Reason, World, world::Effects};
use serde_json::json;

use address::Address;
use answers::{Answer, FileHistoryAnswer, PushAnswer, ReadAnswer};
use error::GitError;
use folder::Folder;
use identity::Identities;
pub use origin::{origin, server};
use program::Program;

/// git is missing, or failed in a way that nobody foresaw.
pub const GIT_FAILED: Reason = Reason::new(
    "git-failed",
    Fault::Environment,
    "git is not there, or failed in a way that is not known",
);

/// A branch of a git remote.
pub struct Git<'w> {
    world: &'w World,
    name: Name,
    address: Address,
    identities: Identities,
    program: Program,
    folder: OnceCell<Folder>,
    /// A folder of its own for commits without their trees.
    commits: OnceCell<Folder>,
}

impl<'w> Git<'w> {
    /// Describes the branch; nothing is asked yet.
    ///
    /// `RUNBOOK_GITHUB_TOKEN`, else `GITHUB_TOKEN`, goes to the host of `GITHUB_SERVER_URL` and to no
    /// other; everywhere else git's own credential helpers and ssh's agent serve.
    ///
    /// # Errors
    /// A `usage` [`Failure`] when `url` is not an address of a git repository.
    pub fn new(world: &'w World, url: &str, name: Name) -> Result<Self, Failure> {
        let address = Address::new(world, url)?;
        let program = Program::new(world, &address);
        let identities = Identities::from_variables(world);
        Ok(Self {
            world,
            name,
            address,
            identities,
            program,
            folder: OnceCell::new(),
            commits: OnceCell::new(),
        })
    }

    /// Returns the address as it may be shown.
    pub fn shown(&self) -> &str {
        &self.address.shown
    }

    /// Asks which commit the branch is at, and for nothing else; `None` when there is no such branch.
    ///
    /// A branch that is called `HEAD`, as git lets nobody call one, is the remote's default branch.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn tip(&self) -> Result<Option<Commit>, Failure> {
        let request = json!({ "operation": "tip", "remote": self.address.shown, "branch": self.name.as_str() });
        let live = |effects: Rc<dyn Effects>| async move {
            read::tip(&self.call(&effects, made(&self.commits)?), &self.name).await
        };
        let answer: Answer<Option<Commit>> = self.world.exchange("git", &request, live).await?;
        answer.map_err(|error| error.failure(&self.address))
    }

    /// Returns the folder of the temporary repository.
    fn folder(&self) -> Result<&Folder, GitError> {
        made(&self.folder)
    }

    fn failed(&self, error: &GitError) -> BranchError {
        if error.is_missing_branch() {
            return BranchError::Missing;
        }
        BranchError::Failed(error.failure(&self.address))
    }
}

impl Branch for Git<'_> {
    fn name(&self) -> &Name {
        &self.name
    }

    async fn read(&self, paths: &[String]) -> Result<Snapshot, BranchError> {
        let request = json!({
            "operation": "read", "remote": self.address.shown, "branch": self.name.as_str(), "paths": paths,
        });
        let live = |effects: Rc<dyn Effects>| async move {
            let folder = self.folder()?;
            read::read(&self.call(&effects, folder), &self.name, paths).await
        };
        let answer: Answer<ReadAnswer> = self.world.exchange("git", &request, live).await?;
        answer
            .map(Snapshot::from)
            .map_err(|error| self.failed(&error))
    }

    async fn commit(
        &self,
        onto: &Snapshot,
        request: &CommitRequest,
    ) -> Result<PushResult, BranchError> {
        let files: Vec<_> = request
            .files
            .iter()
            .map(|file| json!({ "path": file.path, "content": answers::text(&file.content) }))
            .collect();
        let question = json!({
            "operation": "push", "remote": self.address.shown, "branch": self.name.as_str(),
            "onto": onto.tip, "files": files, "message": request.message, "identities": self.identities,
        });
        let live = |effects: Rc<dyn Effects>| async move {
            let folder = self.folder()?;
            let call = self.call(&effects, folder);
            push::push(&call, &self.name, &onto.tip, request, &self.identities).await
        };
        let answer: Answer<PushAnswer> = self.world.exchange("git", &question, live).await?;
        match answer {
            Ok(answer) => Ok(answer.pushed(&self.address)),
            Err(error) => Err(self.failed(&error)),
        }
    }

    async fn contains(&self, commit: &Commit) -> Result<bool, BranchError> {
        let request = json!({
            "operation": "contains", "remote": self.address.shown, "branch": self.name.as_str(), "commit": commit,
        });
        let live = |effects: Rc<dyn Effects>| async move {
            // A folder of its own: this one gets commits without their trees.
            let folder = Folder::new()?;
            search::contains(&self.call(&effects, &folder), &self.name, commit).await
        };
        let answer: Answer<bool> = self.world.exchange("git", &request, live).await?;
        answer.map_err(|error| self.failed(&error))
    }
}

impl branch::History for Git<'_> {
    async fn file_histories(
        &self,
        tip: &Commit,
        paths: &[String],
        most: usize,
    ) -> Result<BTreeMap<String, FileHistory>, Failure> {
        let request = json!({
            "operation": "changes", "remote": self.address.shown, "tip": tip, "paths": paths, "most": most,
        });
        let live = |effects: Rc<dyn Effects>| async move {
            file_history::file_histories(&self.call(&effects, self.folder()?), tip, paths, most)
                .await
        };
        let answer: Answer<BTreeMap<String, FileHistoryAnswer>> =
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
            "operation": "relations", "remote": self.address.shown, "commit": commit, "others": others,
        });
        let live = |effects: Rc<dyn Effects>| async move {
            ancestry::ancestry(&self.call(&effects, made(&self.commits)?), commit, others).await
        };
        let answer: Answer<CommitAncestry> = self.world.exchange("git", &request, live).await?;
        answer.map_err(|error| error.failure(&self.address))
    }

    async fn differences(
        &self,
        one: &Commit,
        other: &Commit,
        most: usize,
    ) -> Result<Vec<String>, Failure> {
        let request = json!({
            "operation": "differences", "remote": self.address.shown, "one": one, "other": other, "most": most,
        });
        let live = |effects: Rc<dyn Effects>| async move {
            differences::differences(&self.call(&effects, self.folder()?), one, other, most).await
        };
        let answer: Answer<Vec<String>> = self.world.exchange("git", &request, live).await?;
        answer.map_err(|error| error.failure(&self.address))
    }
}

/// Returns the folder, which is made at its first use.
fn made(cell: &OnceCell<Folder>) -> Result<&Folder, GitError> {
    if let Some(folder) = cell.get() {
        return Ok(folder);
    }
    let folder = Folder::new()?;
    Ok(cell.get_or_init(|| folder))
}

impl Git<'_> {
    fn call<'a>(&'a self, effects: &Rc<dyn Effects>, folder: &'a Folder) -> program::Call<'a> {
        let limit = self.world.deadline().exchange();
        program::Call {
            program: &self.program,
            effects: Rc::clone(effects),
            folder,
            limit,
        }
    }
}
