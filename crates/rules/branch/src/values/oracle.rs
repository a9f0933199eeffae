//! Generated histories, judged by a model that is written from the rules and shares no code with
//! the walk: it knows the commits as they were made, not their messages.
//!
//! `RUNBOOK_TEST_HISTORIES` sets the number of histories.

use std::collections::BTreeSet;

use super::*;
use crate::{FileGraph, GraphCommit, Revision, Trailers};

/// The histories that are tried without the variable.
const HISTORIES: u64 = 500;

/// A message's trailers of one commit.
#[derive(Clone, Debug, PartialEq, Eq)]
struct MadeBlock {
    image: u64,
    source: Option<u64>,
    forced: bool,
    undone: Option<u64>,
}

/// A commit as it was made.
#[derive(Clone, Debug)]
struct MadeCommit {
    parents: Vec<usize>,
    /// The value, and the rest of the file; `None` without a file.
    file: Option<(u64, u64)>,
    blocks: Vec<MadeBlock>,
    /// Whether a title says that the commit is a rollback, without its trailers.
    is_titled: bool,
    message: String,
}

/// Random numbers: an xorshift generator.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 8) % sides
    }
}

/// A history while it is made.
struct Maker {
    dice: Dice,
    commits: Vec<MadeCommit>,
    main: usize,
    side: Option<usize>,
}

impl Maker {
    fn make(seed: u64) -> (Vec<MadeCommit>, usize) {
        let first = MadeCommit {
            parents: Vec::new(),
            file: Some((0, 0)),
            blocks: Vec::new(),
            is_titled: false,
            message: "start".to_owned(),
        };
        let mut maker = Self {
            dice: Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
            commits: vec![first],
            main: 0,
            side: None,
        };
        for _ in 0..maker.dice.roll(14) + 3 {
            maker.step();
        }
        (maker.commits, maker.main)
    }

    fn step(&mut self) {
        match (self.dice.roll(10), self.side) {
            (0 | 1, None) => self.side = Some(self.main),
            (0 | 1, Some(side)) => self.join(side),
            (2, Some(_)) => self.side = None,
            (_, Some(side)) if self.dice.roll(2) == 0 => self.side = Some(self.change(side, true)),
            _ => self.main = self.change(self.main, false),
        }
    }

    /// Adds a commit to a branch.
    fn change(&mut self, on: usize, is_side: bool) -> usize {
        let file = self.commits[on].file;
        let Some((value, rest)) = file else {
            let before = self.last_file(on);
            let file = if self.dice.roll(2) == 0 {
                before
            } else {
                Some((self.dice.roll(5), 0))
            };
            return self.add(vec![on], file, Vec::new(), false);
        };
        let other = (value + 1 + self.dice.roll(4)) % 5;
        let block = MadeBlock {
            image: other,
            source: Some(other),
            forced: self.dice.roll(4) == 0,
            undone: None,
        };
        let undone = MadeBlock {
            source: None,
            forced: false,
            undone: Some(value),
            ..block.clone()
        };
        match self.dice.roll(12) {
            0..=2 => self.add(vec![on], Some((other, rest)), vec![block], false),
            3..=5 => self.add(vec![on], Some((other, rest)), vec![undone], false),
            6 => self.add(vec![on], Some((other, rest)), Vec::new(), true),
            7 => self.add(vec![on], Some((other, rest)), Vec::new(), false),
            // A message that says what the commit does not do.
            8 => self.add(vec![on], Some((value, rest + 1)), vec![undone], false),
            9 => {
                let lie = MadeBlock {
                    undone: Some((value + 1) % 5),
                    ..undone
                };
                self.add(vec![on], Some((other, rest)), vec![lie], false)
            }
            10 if !is_side => self.add(vec![on], None, Vec::new(), false),
            _ => self.add(vec![on], file, Vec::new(), false),
        }
    }

    /// Returns the last file before it was removed.
    fn last_file(&self, from: usize) -> Option<(u64, u64)> {
        let mut at = from;
        loop {
            if self.commits[at].file.is_some() {
                return self.commits[at].file;
            }
            at = *self.commits[at].parents.first()?;
        }
    }

    /// Merges or squashes the side into the branch; of two changes either wins.
    fn join(&mut self, side: usize) {
        let (ours, theirs) = (self.commits[self.main].file, self.commits[side].file);
        let all = ancestors(&self.commits, self.main);
        let base = ancestors(&self.commits, side);
        let base = base.intersection(&all).max().copied();
        let base = base.and_then(|base| self.commits[base].file);
        self.side = None;
        let (Some(ours), Some(theirs), Some(base)) = (ours, theirs, base) else {
            return;
        };
        if all.contains(&side) {
            return;
        }
        let value = self.merged(base.0, ours.0, theirs.0);
        let rest = self.merged(base.1, ours.1, theirs.1);
        let file = Some((value, rest));
        let parents = vec![self.main, side];
        self.main = if self.dice.roll(2) == 0 {
            self.add(parents, file, Vec::new(), false)
        } else {
            let new: Vec<usize> = ancestors(&self.commits, side)
                .difference(&ancestors(&self.commits, self.main))
                .copied()
                .collect();
            let blocks = new.iter().flat_map(|at| self.commits[*at].blocks.clone());
            let blocks = blocks.collect();
            let is_titled = new.iter().any(|at| self.commits[*at].is_titled);
            self.add(vec![self.main], file, blocks, is_titled)
        };
    }

    fn merged(&mut self, base: u64, ours: u64, theirs: u64) -> u64 {
        if theirs == base || (ours != base && self.dice.roll(2) == 0) {
            ours
        } else {
            theirs
        }
    }

    fn add(
        &mut self,
        parents: Vec<usize>,
        file: Option<(u64, u64)>,
        blocks: Vec<MadeBlock>,
        is_titled: bool,
    ) -> usize {
        let message = self.message(&blocks, is_titled);
        self.commits.push(MadeCommit {
            parents,
            file,
            blocks,
            is_titled,
            message,
        });
        self.commits.len() - 1
    }

    /// Writes the message as this program or a forge writes it.
    fn message(&mut self, blocks: &[MadeBlock], is_titled: bool) -> String {
        let mut text = "title (#7)\n".to_owned();
        if is_titled {
            text += "\n* rollback(prod): a v1 -> v2\n";
        }
        for block in blocks {
            text += &format!("\n* {}", trailers(block).below("deploy(prod): x"));
        }
        match self.dice.roll(5) {
            0 => text.replace('\n', "\r\n"),
            1 => format!("{text}\n---------\n\nCo-authored-by: A <a@example.com>\n"),
            2 => text.replace('\n', "\n    "),
            3 => text.replace("Runbook-Image: ", "Runbook-Image:\n"),
            _ => text,
        }
    }
}

fn image(number: u64) -> String {
    format!("a:v{number}")
}

fn trailers(block: &MadeBlock) -> Trailers {
    Trailers {
        source: block.source.map(source),
        images: vec![image(block.image).parse().unwrap()],
        forced: block.forced,
        rollback_of: block
            .undone
            .and_then(|undone| NamedImage::of(&image(undone)))
            .into_iter()
            .collect(),
        ..Trailers::default()
    }
}

fn source(number: u64) -> Commit {
    format!("{:040x}", 0xabc0 + number).parse().unwrap()
}

fn id(at: usize) -> Commit {
    format!("{:040x}", at + 1).parse().unwrap()
}

/// Returns a commit and everything behind it.
fn ancestors(commits: &[MadeCommit], tip: usize) -> BTreeSet<usize> {
    let (mut found, mut open) = (BTreeSet::new(), vec![tip]);
    while let Some(at) = open.pop() {
        if found.insert(at) {
            open.extend(&commits[at].parents);
        }
    }
    found
}

/// How the rules see a commit that set a value.
#[derive(Debug, PartialEq, Eq)]
struct ModelChange {
    value: u64,
    marks: BTreeSet<u64>,
    is_rollback: bool,
    lifts: bool,
    forced: bool,
    source: Option<u64>,
}

/// The rules.
struct Model<'c> {
    commits: &'c [MadeCommit],
    tip: usize,
}

impl Model<'_> {
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
    fn is_held(&self, image: u64) -> bool {
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

    /// The sources that count.
    fn sources(&self) -> BTreeSet<Commit> {
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
            .map(source)
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

    /// The values of the branch, newest first.
    fn list(&self) -> Vec<String> {
        let mut list: Vec<u64> = Vec::new();
        let mut at = Some(self.tip);
        while let Some(commit) = at.map(|at| &self.commits[at]) {
            let value = commit.file.map(|(value, _)| value);
            list.extend(value.filter(|value| list.last() != Some(value)));
            at = commit.parents.first().copied();
        }
        list.into_iter().map(image).collect()
    }
}

/// Reads the history as a remote does.
fn read(commits: &[MadeCommit], tip: usize) -> ImageValues {
    let graph = commits[..=tip].iter().map(|commit| GraphCommit {
        file: commit.file,
        parents: commit.parents.clone(),
        is_cut: false,
    });
    let found = FileGraph::new(graph.collect()).revisions(1000);
    let revisions = found.list.into_iter().map(|revision| {
        let commit = &commits[revision.commit];
        Revision {
            commit: id(revision.commit),
            parent: commit.parents.first().map(|parent| id(*parent)),
            is_merge: commit.parents.len() > 1,
            is_merged: revision.is_merged,
            follows: revision.follows.into_iter().map(id).collect(),
            message: commit.message.clone(),
            date: 0,
            content: commit.file.map(|(value, _)| image(value).into_bytes()),
        }
    });
    let history = FileHistory {
        revisions: revisions.collect(),
        is_complete: true,
    };
    ImageValues::read(&history, |content| {
        Some(String::from_utf8_lossy(content).into_owned())
    })
}

/// Keeps the commits behind the tip, so that the tip is the last one.
fn behind(commits: &[MadeCommit], tip: usize) -> Vec<MadeCommit> {
    let kept: Vec<usize> = ancestors(commits, tip).into_iter().collect();
    let place = |at: &usize| kept.binary_search(at).unwrap();
    let commits = kept.iter().map(|at| MadeCommit {
        parents: commits[*at].parents.iter().map(place).collect(),
        ..commits[*at].clone()
    });
    commits.collect()
}

#[test]
fn the_model_agrees_about_every_history() {
    let count = std::env::var("RUNBOOK_TEST_HISTORIES");
    let count = count.map_or(HISTORIES, |text| text.parse().unwrap());
    for seed in 1..=count {
        let (commits, tip) = Maker::make(seed);
        let commits = behind(&commits, tip);
        let tip = commits.len() - 1;
        let values = read(&commits, tip);
        let model = Model {
            commits: &commits,
            tip,
        };
        let context = || format!("history {seed}: {commits:?}");
        let list: Vec<&String> = values.list.iter().map(|value| &value.image).collect();
        assert_eq!(
            list,
            model.list().iter().collect::<Vec<_>>(),
            "{}",
            context()
        );
        for number in 0..5 {
            let is_held = values.bad(&image(number).parse().unwrap()).is_some();
            assert_eq!(is_held, model.is_held(number), "v{number}, {}", context());
        }
        let sources = values.sources().into_iter();
        let sources: BTreeSet<Commit> = sources.filter_map(|(name, _)| name.whole()).collect();
        assert_eq!(sources, model.sources(), "{}", context());
    }
}
