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
mod folder;
mod identity;
mod objects;
mod origin;
mod program;
mod push;
mod read;
mod search;
mod trouble;

use std::{cell::OnceCell, rc::Rc};

use branch::{Branch, BranchError, Edit, Name, Pushed, Snapshot};
use contract::{Commit, Failure, Fault, Reason, World, world::Effects};
use serde_json::json;

use address::Address;
pub use ancestry::{Ancestry, History, Relation};
use answers::{Answer, PushAnswer, ReadAnswer};
use folder::Folder;
use identity::Identities;
pub use origin::origin;
use program::Program;
use trouble::Trouble;

/// git is missing, or failed in a way that nobody foresaw.
pub const GIT_FAILED: Reason =
    Reason::new("git-failed", Fault::Environment, "git is not there, or failed in a way that is not known");

/// A branch of a git remote.
pub struct Git<'w> {
    world: &'w World,
    name: Name,
    address: Address,
    identities: Identities,
    program: Program,
    folder: OnceCell<Folder>,
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
        Ok(Self { world, name, address, identities, program, folder: OnceCell::new() })
    }

    /// Returns the address as it may be shown.
    pub fn shown(&self) -> &str {
        &self.address.shown
    }

    /// Returns the folder of the temporary repository, which is made at the first use.
    fn folder(&self) -> Result<&Folder, Trouble> {
        if let Some(folder) = self.folder.get() {
            return Ok(folder);
        }
        let folder = Folder::new()?;
        Ok(self.folder.get_or_init(|| folder))
    }

    fn failed(&self, trouble: &Trouble) -> BranchError {
        if trouble.is_missing_branch() {
            return BranchError::Missing;
        }
        BranchError::Failed(trouble.failure(&self.address))
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
        answer.map(Snapshot::from).map_err(|trouble| self.failed(&trouble))
    }

    async fn commit(&self, onto: &Snapshot, edit: &Edit) -> Result<Pushed, BranchError> {
        let files: Vec<_> = edit
            .files
            .iter()
            .map(|file| json!({ "path": file.path, "content": answers::text(&file.content) }))
            .collect();
        let request = json!({
            "operation": "push", "remote": self.address.shown, "branch": self.name.as_str(),
            "onto": onto.tip, "files": files, "message": edit.message, "identities": self.identities,
        });
        let live = |effects: Rc<dyn Effects>| async move {
            let folder = self.folder()?;
            let call = self.call(&effects, folder);
            push::push(&call, &self.name, &onto.tip, edit, &self.identities).await
        };
        let answer: Answer<PushAnswer> = self.world.exchange("git", &request, live).await?;
        match answer {
            Ok(answer) => Ok(answer.pushed(&self.address)),
            Err(trouble) => Err(self.failed(&trouble)),
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
        answer.map_err(|trouble| self.failed(&trouble))
    }
}

impl Git<'_> {
    fn call<'a>(&'a self, effects: &Rc<dyn Effects>, folder: &'a Folder) -> program::Call<'a> {
        let limit = self.world.deadline().exchange();
        program::Call { program: &self.program, effects: Rc::clone(effects), folder, limit }
    }
}
