//! Generated histories of one file: bumps, rollbacks, edits by people, merges, squashes, removals,
//! moves.

use std::collections::BTreeSet;

use contract::Commit;

use crate::{NamedImage, Trailers};

/// The number of images that a history knows.
pub(crate) const IMAGES: u64 = 5;

/// How a history names its images and their sources.
#[derive(Clone, Debug)]
pub(crate) struct HistoryNames {
    /// `registry.example/acme/app`
    pub(crate) repository: String,
    /// The source of each image.
    pub(crate) sources: Vec<Commit>,
}

impl HistoryNames {
    /// Returns the image of a number.
    pub(crate) fn image(&self, number: u64) -> String {
        format!("{}:v{number}", self.repository)
    }

    fn trailers(&self, block: &MadeBlock) -> Trailers {
        let source = |number: u64| self.sources[usize::try_from(number).unwrap()].clone();
        Trailers {
            source: block.source.map(source),
            images: vec![self.image(block.image).parse().unwrap()],
            forced: block.forced,
            rollback_of: block
                .undone
                .and_then(|undone| NamedImage::of(&self.image(undone)))
                .into_iter()
                .collect(),
            ..Trailers::default()
        }
    }
}

/// A message's trailers of one commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MadeBlock {
    pub(crate) image: u64,
    pub(crate) source: Option<u64>,
    pub(crate) forced: bool,
    pub(crate) undone: Option<u64>,
}

/// A commit as it was made.
#[derive(Clone, Debug)]
pub(crate) struct MadeCommit {
    pub(crate) parents: Vec<usize>,
    /// The value, and the rest of the file; `None` without a file.
    pub(crate) file: Option<(u64, u64)>,
    /// Which of two paths the file has; without a file, the one that it had.
    pub(crate) path: usize,
    pub(crate) blocks: Vec<MadeBlock>,
    /// Whether a title says that the commit is a rollback, without its trailers.
    pub(crate) is_titled: bool,
    pub(crate) message: String,
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

/// A finished history; its tip is the last commit.
pub(crate) struct MadeHistory {
    pub(crate) commits: Vec<MadeCommit>,
}

impl MadeHistory {
    /// Makes the history of a number.
    pub(crate) fn of(seed: u64, names: &HistoryNames) -> Self {
        let (commits, tip) = Maker::make(seed, names);
        // Only the commits behind the tip stay.
        let kept: Vec<usize> = ancestors(&commits, tip).into_iter().collect();
        let place = |at: &usize| kept.binary_search(at).unwrap();
        let commits = kept.iter().map(|at| MadeCommit {
            parents: commits[*at].parents.iter().map(place).collect(),
            ..commits[*at].clone()
        });
        Self {
            commits: commits.collect(),
        }
    }

    /// Returns the newest commit.
    pub(crate) fn tip(&self) -> usize {
        self.commits.len() - 1
    }
}

/// A history while it is made.
struct Maker<'n> {
    names: &'n HistoryNames,
    dice: Dice,
    commits: Vec<MadeCommit>,
    main: usize,
    side: Option<usize>,
}

impl<'n> Maker<'n> {
    fn make(seed: u64, names: &'n HistoryNames) -> (Vec<MadeCommit>, usize) {
        let first = MadeCommit {
            parents: Vec::new(),
            file: Some((0, 0)),
            path: 0,
            blocks: Vec::new(),
            is_titled: false,
            message: "start".to_owned(),
        };
        let mut maker = Self {
            names,
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
            (_, Some(side)) if self.dice.roll(2) == 0 => {
                let new = self.change(side, true);
                self.side = Some(self.moved(side, new));
            }
            _ => {
                let new = self.change(self.main, false);
                self.main = self.moved(self.main, new);
            }
        }
    }

    /// Lets a commit move the file, too; one that is not there cannot be moved.
    fn moved(&mut self, before: usize, new: usize) -> usize {
        let has_file = |at: usize| self.commits[at].file.is_some();
        if has_file(before) && has_file(new) && self.dice.roll(6) == 0 {
            self.commits[new].path ^= 1;
        }
        new
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
        self.side = None;
        let base_file = base.and_then(|base| self.commits[base].file);
        let (Some(ours), Some(theirs), Some(base_at), Some(base)) = (ours, theirs, base, base_file)
        else {
            return;
        };
        if all.contains(&side) {
            return;
        }
        let value = self.merged(base.0, ours.0, theirs.0);
        let rest = self.merged(base.1, ours.1, theirs.1);
        let file = Some((value, rest));
        let [base, ours, theirs] = [base_at, self.main, side].map(|at| self.commits[at].path);
        let path = if theirs == base { ours } else { theirs };
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
        self.commits[self.main].path = path;
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
        let path = parents.first().map_or(0, |first| self.commits[*first].path);
        self.commits.push(MadeCommit {
            parents,
            file,
            path,
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
            text += &format!(
                "\n* {}",
                self.names.trailers(block).below("deploy(prod): x")
            );
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

/// Returns a commit and everything behind it.
pub(crate) fn ancestors(commits: &[MadeCommit], tip: usize) -> BTreeSet<usize> {
    let (mut found, mut open) = (BTreeSet::new(), vec![tip]);
    while let Some(at) = open.pop() {
        if found.insert(at) {
            open.extend(&commits[at].parents);
        }
    }
    found
}
