//! The commits behind a tip, each with one file as it was there.

use std::{collections::HashMap, rc::Rc};

use gix_hash::ObjectId;

use super::{
    paths::PathLookup,
    renames::{self, EarlierName},
};
use crate::{
    error::GitAnswer,
    objects::{self, ObjectStore},
};

/// The commits behind a tip, as far as they were fetched.
pub(super) struct FileGraph {
    /// Each commit comes after its parents; the tip is the last one.
    pub(super) commits: Vec<GraphCommit>,
}

/// A commit, and the file in it.
pub(super) struct GraphCommit {
    pub(super) id: ObjectId,
    pub(super) file: Option<ObjectId>,
    /// The places of its parents, in their order.
    pub(super) parents: Vec<usize>,
    /// Whether one of its parents was not fetched.
    pub(super) is_cut: bool,
    /// Whether it is on first parents from the tip.
    pub(super) is_on_branch: bool,
}

/// The result of a walk.
pub(super) enum GraphWalk {
    Whole(FileGraph),
    /// The walk needs the contents of these files first.
    Blobs(Vec<ObjectId>),
}

/// A commit, and the name that the file had in it.
type NamedCommit = (ObjectId, Rc<str>);

/// A commit whose parents are being visited.
struct OpenCommit {
    named: NamedCommit,
    file: Option<ObjectId>,
    is_cut: bool,
    parents: Vec<NamedCommit>,
    next: usize,
}

struct GraphBuilder<'s> {
    store: &'s ObjectStore,
    paths: PathLookup<'s>,
    done: HashMap<NamedCommit, usize>,
    commits: Vec<GraphCommit>,
    /// The contents that are needed first.
    blobs: Vec<ObjectId>,
}

impl FileGraph {
    /// Walks back from a commit through all parents, through gaps and renames.
    ///
    /// The objects say whether a parent was fetched, not the list of shallow commits: that list
    /// shrinks when a newer tip is fetched, while the objects stay.
    pub(super) fn walk(store: &ObjectStore, tip: ObjectId, path: &str) -> GitAnswer<GraphWalk> {
        let mut builder = GraphBuilder {
            store,
            paths: PathLookup::new(store),
            done: HashMap::new(),
            commits: Vec::new(),
            blobs: Vec::new(),
        };
        builder.walk((tip, Rc::from(path)))?;
        if !builder.blobs.is_empty() {
            return Ok(GraphWalk::Blobs(builder.blobs));
        }
        let mut graph = Self {
            commits: builder.commits,
        };
        graph.follow_first_parents();
        Ok(GraphWalk::Whole(graph))
    }

    fn follow_first_parents(&mut self) {
        let mut at = self.commits.len().checked_sub(1);
        while let Some(commit) = at.and_then(|at| self.commits.get_mut(at)) {
            commit.is_on_branch = true;
            // A commit without its first parent ends here, whichever other parents it has.
            at = commit.parents.first().copied().filter(|_| !commit.is_cut);
        }
    }
}

impl GraphBuilder<'_> {
    /// Visits the commits depth first, so that each is added after its parents.
    fn walk(&mut self, tip: NamedCommit) -> GitAnswer<()> {
        let mut open = vec![self.open(tip)?];
        while let Some(last) = open.last_mut() {
            if let Some(parent) = last.parents.get(last.next).cloned() {
                last.next += 1;
                if !self.done.contains_key(&parent) {
                    open.push(self.open(parent)?);
                }
            } else if let Some(last) = open.pop() {
                self.close(last);
            }
        }
        Ok(())
    }

    /// Finds the parents of a commit, and the name that the file had in each.
    fn open(&mut self, named: NamedCommit) -> GitAnswer<OpenCommit> {
        let (commit, path) = &named;
        let file = self.paths.file(*commit, path)?;
        let (mut parents, mut is_cut) = (Vec::new(), false);
        for parent in objects::parents(self.store, *commit)?.unwrap_or_default() {
            if objects::exists(self.store, parent) {
                parents.push((parent, self.name_before(parent, &named, file)?));
            } else {
                is_cut = true;
            }
        }
        Ok(OpenCommit {
            named,
            file,
            is_cut,
            parents,
            next: 0,
        })
    }

    /// Returns the name that a file had in a parent: another one if the commit moved it.
    fn name_before(
        &mut self,
        parent: ObjectId,
        (commit, path): &NamedCommit,
        file: Option<ObjectId>,
    ) -> GitAnswer<Rc<str>> {
        let Some(file) = file else {
            return Ok(Rc::clone(path));
        };
        if self.paths.file(parent, path)?.is_some() {
            return Ok(Rc::clone(path));
        }
        Ok(
            match renames::earlier_name(self.store, parent, *commit, path, file)? {
                EarlierName::Same => Rc::clone(path),
                EarlierName::Other(name) => Rc::from(name),
                EarlierName::Unknown(blobs) => {
                    self.blobs.extend(blobs);
                    Rc::clone(path)
                }
            },
        )
    }

    fn close(&mut self, open: OpenCommit) {
        let parents = open
            .parents
            .iter()
            .filter_map(|parent| self.done.get(parent));
        let commit = GraphCommit {
            id: open.named.0,
            file: open.file,
            parents: parents.copied().collect(),
            is_cut: open.is_cut,
            is_on_branch: false,
        };
        self.done.insert(open.named, self.commits.len());
        self.commits.push(commit);
    }
}
