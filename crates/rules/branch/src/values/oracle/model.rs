//! The rules, written down once more: they know the commits as they were made, not their messages.

use std::collections::BTreeSet;

use super::made::{MadeCommit, MadeHistory, ancestors};

/// How the rules see a commit that set a value.
#[derive(Debug, PartialEq, Eq)]
struct ModelChange {
    value: u64,
    marks: BTreeSet<u64>,
    is_rollback: bool,
    is_person: bool,
    lifts: bool,
    forced: bool,
    source: Option<u64>,
}

/// The rules.
pub(crate) struct Model<'c> {
    commits: &'c [MadeCommit],
    tip: usize,
}

impl<'c> Model<'c> {
    pub(crate) fn of(history: &'c MadeHistory) -> Self {
        Self {
            commits: &history.commits,
            tip: history.tip(),
        }
    }

    /// The value of a commit, or the last one before the file was removed.
    fn last(&self, at: usize) -> Option<u64> {
        let commit = &self.commits[at];
        match commit.file {
            Some((value, _)) => Some(value),
            None => self.last(*commit.parents.first()?),
        }
    }

    fn change(&self, at: usize) -> Option<ModelChange> {
        let commit = &self.commits[at];
        let (value, _) = commit.file?;
        if commit
            .parents
            .iter()
            .any(|parent| self.last(*parent) == Some(value))
        {
            return None;
        }
        let replaced: BTreeSet<u64> = commit
            .parents
            .iter()
            .filter_map(|parent| Some(self.commits[*parent].file?.0))
            .collect();
        let about = commit.blocks.iter().rfind(|block| block.image == value);
        let undone = commit.blocks.iter().filter_map(|block| block.undone);
        let mut marks: BTreeSet<u64> = undone.filter(|undone| replaced.contains(undone)).collect();
        let no_rollback = commit.blocks.iter().all(|block| block.undone.is_none());
        let in_doubt = about.is_none() && no_rollback && commit.is_titled;
        if in_doubt {
            marks.clone_from(&replaced);
        }
        let undoes = about.and_then(|block| block.undone);
        let is_person = about.is_none() && !in_doubt;
        let forced = about.is_some_and(|block| block.forced);
        Some(ModelChange {
            value,
            marks,
            is_rollback: in_doubt || undoes.is_some_and(|undone| replaced.contains(&undone)),
            is_person,
            lifts: commit.parents.len() == 1 && !replaced.is_empty() && (is_person || forced),
            forced,
            source: about.and_then(|block| block.source),
        })
    }

    fn changes(&self) -> Vec<(usize, ModelChange)> {
        let behind = ancestors(self.commits, self.tip).into_iter();
        behind
            .filter_map(|at| Some((at, self.change(at)?)))
            .collect()
    }

    /// Whether an image is held: some rollback called it bad, and none after it set it on purpose.
    pub(crate) fn is_held(&self, image: u64) -> bool {
        let changes = self.changes();
        let lifts = |mark: usize| {
            changes.iter().any(|(at, change)| {
                let follows = *at != mark && ancestors(self.commits, *at).contains(&mark);
                follows && change.lifts && change.value == image
            })
        };
        let mut marks = changes
            .iter()
            .filter(|(_, change)| change.marks.contains(&image));
        marks.any(|(at, _)| !lifts(*at))
    }

    /// The numbers of the sources that count.
    pub(crate) fn sources(&self) -> BTreeSet<u64> {
        let changes = self.changes();
        let is_left = |value: usize| {
            changes.iter().any(|(at, change)| {
                let follows = *at != value && ancestors(self.commits, *at).contains(&value);
                follows && change.forced && change.source.is_some()
            })
        };
        let counting = changes
            .iter()
            .filter(|(at, change)| !change.is_rollback && !is_left(*at));
        counting
            .filter_map(|(_, change)| self.known_source(change))
            .collect()
    }

    /// The source of a value: that of its commit, else that of any commit that set it.
    fn known_source(&self, change: &ModelChange) -> Option<u64> {
        let all = self.changes();
        let mut same = all.iter().filter(|(_, other)| other.value == change.value);
        change
            .source
            .or_else(|| same.find_map(|(_, other)| other.source))
    }

    /// The values of the branch, newest first, each with whether a person set it.
    pub(crate) fn places(&self) -> Vec<(u64, bool)> {
        let mut places: Vec<(u64, bool)> = Vec::new();
        let mut at = Some(self.tip);
        while let Some(place) = at {
            if let Some((value, _)) = self.commits[place].file {
                let is_person = self
                    .change(self.set_by(place))
                    .is_some_and(|set| set.is_person);
                if places.last().is_some_and(|(last, _)| *last == value) {
                    // The commit that brought it decides: the oldest one.
                    places.pop();
                }
                places.push((value, is_person));
            }
            at = self.commits[place].parents.first().copied();
        }
        places
    }

    /// The commit that set the value of a commit.
    fn set_by(&self, at: usize) -> usize {
        let commit = &self.commits[at];
        let mut parents = commit.parents.iter();
        match commit.file {
            Some(_) if self.change(at).is_some() => at,
            Some((value, _)) => {
                let from = parents.find(|parent| self.last(**parent) == Some(value));
                from.map_or(at, |parent| self.set_by(*parent))
            }
            None => parents.next().map_or(at, |parent| self.set_by(*parent)),
        }
    }
}
