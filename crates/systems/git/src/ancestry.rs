//! Whether one commit contains another: asked of this checkout, else of a remote.

use std::{rc::Rc, time::Duration};

use branch::Relation;
use contract::{
    Commit, Failure, World,
    world::{Effects, Spawn},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    address::Address,
    folder::{Folder, TIP},
    program::{Call, Program},
    search,
    trouble::Trouble,
};

/// How far back it is looked: what was pushed moments ago is not further.
const DEPTH: &str = "--depth=500";

/// What git says of a revision and a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ancestry {
    /// How the revision stands to the commit.
    pub relation: Relation,
    /// Whether the branch contains the commit, if its remote could be asked.
    pub in_branch: Option<bool>,
    /// Why its remote could not be asked.
    pub trouble: Option<String>,
}

/// The history of a repository: as far as this checkout knows it, and its remote.
pub struct History<'w> {
    world: &'w World,
    address: Address,
    program: Program,
}

impl<'w> History<'w> {
    /// Describes the repository; nothing is asked yet.
    ///
    /// # Errors
    /// A `usage` [`Failure`] when `url` is not an address of a git repository.
    pub fn new(world: &'w World, url: &str) -> Result<Self, Failure> {
        let address = Address::new(world, url)?;
        let program = Program::new(world, &address);
        Ok(Self { world, address, program })
    }

    /// Asks how a revision stands to a commit, and whether the branch (else `HEAD`) contains that.
    ///
    /// # Errors
    /// Only when a recording has no answer: that nobody could be asked is an answer.
    pub async fn ancestry(
        &self,
        branch: Option<&str>,
        commit: &Commit,
        revision: &Commit,
    ) -> Result<Ancestry, Failure> {
        let limit = self.world.deadline().exchange();
        let request = json!({
            "operation": "ancestry", "remote": self.address.shown, "branch": branch,
            "commit": commit, "revision": revision,
        });
        let live = |effects: Rc<dyn Effects>| async move {
            let pair = Pair { commit: commit.as_str(), revision: revision.as_str() };
            // A descendant is one for good, so that a checkout which knows it is enough; whether the
            // branch has lost the commit only its remote knows.
            let here = pair.relation(&Place::Here(Rc::clone(&effects), limit)).await;
            if here == Relation::After {
                return Ancestry { relation: here, in_branch: None, trouble: None };
            }
            self.at_the_remote(effects, limit, branch, &pair).await.unwrap_or_else(|trouble| Ancestry {
                relation: here,
                in_branch: None,
                trouble: Some(trouble.failure(&self.address).summary()),
            })
        };
        self.world.exchange("git", &request, live).await
    }

    /// Fetches the commits of the branch into a folder of its own.
    async fn at_the_remote(
        &self,
        effects: Rc<dyn Effects>,
        limit: Duration,
        branch: Option<&str>,
        pair: &Pair<'_>,
    ) -> Result<Ancestry, Trouble> {
        let folder = Folder::new()?;
        let call = Call { program: &self.program, effects, folder: &folder, limit };
        let branch = branch.map_or("HEAD".to_owned(), |name| format!("refs/heads/{name}"));
        search::fetch_commits(&call, DEPTH, &branch).await?;
        let place = Place::Fetched(&call);
        let in_branch = place.contains(pair.commit, TIP).await;
        let relation = match (in_branch, place.contains(pair.revision, TIP).await) {
            (Some(_), Some(_)) => pair.relation(&place).await,
            (None, None) => Relation::Unknown,
            // One of the two is not even behind the branch.
            _ => Relation::Apart,
        };
        Ok(Ancestry { relation, in_branch: Some(in_branch == Some(true)), trouble: None })
    }
}

struct Pair<'a> {
    commit: &'a str,
    revision: &'a str,
}

impl Pair<'_> {
    async fn relation(&self, place: &Place<'_>) -> Relation {
        match place.contains(self.commit, self.revision).await {
            None => Relation::Unknown,
            Some(true) => Relation::After,
            Some(false) if place.contains(self.revision, self.commit).await == Some(true) => Relation::Before,
            Some(false) => Relation::Apart,
        }
    }
}

/// Where git is asked.
enum Place<'a> {
    /// In the folder that we were started in, with the user's own settings.
    Here(Rc<dyn Effects>, Duration),
    /// In what was fetched.
    Fetched(&'a Call<'a>),
}

impl Place<'_> {
    /// Returns whether `descendant` contains `ancestor`; `None` when one of them is not there.
    async fn contains(&self, ancestor: &str, descendant: &str) -> Option<bool> {
        let arguments = ["merge-base", "--is-ancestor", ancestor, descendant];
        let output = match self {
            Self::Here(effects, limit) => {
                let mut spawn = Spawn::new("git").args(arguments).env("LC_ALL", "C");
                spawn.limit = *limit;
                Rc::clone(effects).spawn(spawn).await.ok()
            }
            Self::Fetched(call) => call.run(&arguments, &[]).await.ok(),
        };
        match output?.code? {
            0 => Some(true),
            1 => Some(false),
            _ => None,
        }
    }
}
