//! The commits behind a tip, each with one file as it was there.

use std::{collections::HashMap, rc::Rc};

use branch::{FileGraph, GraphCommit};
use gix_hash::ObjectId;

use super::{
    paths::PathLookup,
    renames::{self, EarlierName},
};
use crate::{
    error::GitAnswer,
    objects::{self, ObjectStore},
};

/// The commits behind a tip, as far as they were fetched, and the file in each.
pub(super) struct WalkedGraph {
    pub(super) graph: FileGraph<ObjectId>,
    /// The commits, and the files in them, in the order of the graph.
    pub(super) commits: Vec<(ObjectId, Option<ObjectId>)>,
}

/// The result of a walk.
pub(super) enum GraphWalk {
    Whole(WalkedGraph),
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
    graph: Vec<GraphCommit<ObjectId>>,
    commits: Vec<(ObjectId, Option<ObjectId>)>,
    /// The contents that are needed first.
    blobs: Vec<ObjectId>,
}

impl WalkedGraph {
    /// Walks back from a commit through all parents, through gaps and renames.
    ///
    /// The objects say whether a parent was fetched, not the list of shallow commits: that list
    /// shrinks when a newer tip is fetched, while the objects stay.
    pub(super) fn walk(store: &ObjectStore, tip: ObjectId, path: &str) -> GitAnswer<GraphWalk> {
        let mut builder = GraphBuilder {
            store,
            paths: PathLookup::new(store),
            done: HashMap::new(),
            graph: Vec::new(),
            commits: Vec::new(),
            blobs: Vec::new(),
        };
        builder.walk((tip, Rc::from(path)))?;
        if !builder.blobs.is_empty() {
            return Ok(GraphWalk::Blobs(builder.blobs));
        }
        Ok(GraphWalk::Whole(Self {
            graph: FileGraph::new(builder.graph),
            commits: builder.commits,
        }))
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
        self.graph.push(GraphCommit {
            file: open.file,
            parents: parents.copied().collect(),
            is_cut: open.is_cut,
        });
        self.commits.push((open.named.0, open.file));
        self.done.insert(open.named, self.commits.len() - 1);
    }
}
