//! Reads the overlays' files, their history, and how commits of the source relate.
//!
//! The loop that writes a branch reads the files at each tip. The judge asks for everything else as
//! a [`GuardQuestion`], one at a time and only if it needs the answer, since each costs a request.

pub(crate) mod checkout;

use std::{collections::BTreeMap, time::SystemTime};

use branch::{
    CommitAncestry, CommitName, FileHistory, HISTORY_CUT, History as _, ImageValues, Snapshot,
};
use contract::{Commit, Failure, World};
use environments::FreezeFiles;
use remote::RemoteBranch;

use crate::request::Request;

/// The maximum number of revisions of a file to read, unless they do not decide.
const MAX_REVISIONS: usize = 100;

/// The maximum number of commits to relate another one to at once.
const MAX_ANCESTORS: usize = 100;

/// The maximum number of paths to compare between two commits of the source.
pub(crate) const MAX_DIFFERENCES: usize = 200;

/// The tip of the branch, and the answers to the questions of the judge.
#[derive(Debug)]
pub(crate) struct Observation {
    pub(crate) tip: Commit,
    pub(crate) freeze: FreezeObservation,
    /// The images that the entries named over time, once they were asked for.
    pub(crate) values: Option<BTreeMap<EntryKey, ImageValues>>,
    pub(crate) ancestry: Vec<(CommitName, Vec<CommitName>, CommitAncestry)>,
    pub(crate) differences: Vec<(EntryKey, [Commit; 2], Vec<String>)>,
}

/// The files at the tip that may freeze an environment, the time, and the account that asks.
#[derive(Debug, Clone)]
pub(crate) struct FreezeObservation {
    pub(crate) files: FreezeFiles,
    pub(crate) now: SystemTime,
    /// The account that runs the workflow.
    pub(crate) account: Option<String>,
}

impl FreezeObservation {
    pub(crate) fn of(snapshot: &Snapshot, world: &World) -> Self {
        Self {
            files: FreezeFiles::of(&snapshot.entries),
            now: world.now(),
            account: world.var("GITHUB_ACTOR"),
        }
    }
}

/// An entry of a file, for one of the requested images.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct EntryKey {
    pub(crate) path: String,
    /// The entry's `name`.
    pub(crate) name: String,
    /// The place of its image in the request.
    pub(crate) update: usize,
}

/// A question that the judge has before it can decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum GuardQuestion {
    /// Which images did these entries of the files name over time?
    Values {
        paths: Vec<String>,
        entries: Vec<EntryKey>,
    },
    /// Which images did the entries name before the newest changes, too?
    AllValues,
    /// How does the source relate to other commits of its repository?
    Ancestry {
        source: CommitName,
        others: Vec<CommitName>,
    },
    /// At which paths do two commits of the source differ?
    Differences {
        entry: EntryKey,
        one: Commit,
        other: Commit,
    },
}

impl Observation {
    /// Describes a tip of which nothing was asked yet.
    pub(crate) fn of(tip: Commit, freeze: FreezeObservation) -> Self {
        Self {
            tip,
            freeze,
            values: None,
            ancestry: Vec::new(),
            differences: Vec::new(),
        }
    }

    /// Returns how a source relates to others.
    ///
    /// # Errors
    /// The question, if it has no answer yet.
    pub(crate) fn ancestry(
        &self,
        source: &CommitName,
        others: &[CommitName],
    ) -> Result<&CommitAncestry, GuardQuestion> {
        self.ancestry
            .iter()
            .find(|(one, known, _)| one == source && known == others)
            .map(|(_, _, ancestry)| ancestry)
            .ok_or_else(|| GuardQuestion::Ancestry {
                source: source.clone(),
                others: others.to_vec(),
            })
    }

    /// Returns the paths at which two commits differ; each entry asks for itself.
    ///
    /// # Errors
    /// The question, if it has no answer yet.
    pub(crate) fn differences(
        &self,
        entry: &EntryKey,
        one: &Commit,
        other: &Commit,
    ) -> Result<&[String], GuardQuestion> {
        self.differences
            .iter()
            .find(|(known, commits, _)| {
                known == entry && commits[0] == *one && commits[1] == *other
            })
            .map(|(_, _, paths)| paths.as_slice())
            .ok_or_else(|| GuardQuestion::Differences {
                entry: entry.clone(),
                one: one.clone(),
                other: other.clone(),
            })
    }
}

/// The repositories that answer the questions of the judge.
pub(crate) struct Repositories<'a, 'w> {
    pub(crate) world: &'w World,
    pub(crate) overlays: &'a RemoteBranch<'w>,
    pub(crate) sources: &'a RemoteBranch<'w>,
}

impl Repositories<'_, '_> {
    /// Puts a question, and adds the answer to the observation.
    ///
    /// # Errors
    /// When there is no answer.
    pub(crate) async fn answer(
        &self,
        request: &Request,
        question: GuardQuestion,
        observation: &mut Observation,
    ) -> Result<(), Failure> {
        match question {
            GuardQuestion::Values { paths, entries } => {
                let newest = self.newest(&observation.tip, &paths).await?;
                observation.values = Some(values(request, &newest, entries));
            }
            GuardQuestion::AllValues => {
                let entries = observation.values.take().unwrap_or_default();
                let entries: Vec<EntryKey> = entries.into_keys().collect();
                let all = self.all(&observation.tip, &entries).await?;
                observation.values = Some(values(request, &all, entries));
            }
            GuardQuestion::Ancestry { source, others } => {
                let ancestry = self.ancestry(&source, &others).await.map_err(age_unknown)?;
                observation.ancestry.push((source, others, ancestry));
            }
            GuardQuestion::Differences { entry, one, other } => {
                let paths = self
                    .ask(async || {
                        self.sources
                            .differences(&one, &other, MAX_DIFFERENCES)
                            .await
                    })
                    .await
                    .map_err(age_unknown)?;
                observation.differences.push((entry, [one, other], paths));
            }
        }
        Ok(())
    }

    /// Reads the newest changes of files.
    async fn newest(
        &self,
        tip: &Commit,
        paths: &[String],
    ) -> Result<BTreeMap<String, FileHistory>, Failure> {
        let read = async || {
            self.overlays
                .file_histories(tip, paths, MAX_REVISIONS)
                .await
        };
        self.ask(read).await.map_err(history_unknown)
    }

    /// Reads all changes of the files of these entries.
    async fn all(
        &self,
        tip: &Commit,
        entries: &[EntryKey],
    ) -> Result<BTreeMap<String, FileHistory>, Failure> {
        let paths = overlay::unique(entries.iter().map(|entry| entry.path.clone()));
        let read = async || self.overlays.whole_histories(self.world, tip, &paths).await;
        let all = self.ask(read).await;
        let all = all.map_err(|failure| older_changes_unknown(failure, &paths))?;
        let is_whole = |path: &String| all.get(path).is_some_and(|history| history.is_complete);
        if paths.iter().all(is_whole) {
            Ok(all)
        } else {
            let error = anyhow::anyhow!("the remote returned only a part of the history");
            let failure = Failure::unavailable(HISTORY_CUT, error);
            Err(older_changes_unknown(failure, &paths))
        }
    }

    /// Asks how a commit relates to others, to so many at a time that the forge answers.
    async fn ancestry(
        &self,
        commit: &CommitName,
        others: &[CommitName],
    ) -> Result<CommitAncestry, Failure> {
        let mut all = CommitAncestry {
            commit: None,
            others: Vec::new(),
        };
        for others in others.chunks(MAX_ANCESTORS) {
            let part = self
                .ask(async || self.sources.ancestry(commit, others).await)
                .await?;
            all.commit = part.commit;
            all.others.extend(part.others);
        }
        Ok(all)
    }

    async fn ask<T>(&self, question: impl AsyncFn() -> Result<T, Failure>) -> Result<T, Failure> {
        remote::ask(self.world, self.overlays.name(), question).await
    }
}

/// Reads from the files' history which images the entries named.
fn values(
    request: &Request,
    histories: &BTreeMap<String, FileHistory>,
    entries: Vec<EntryKey>,
) -> BTreeMap<EntryKey, ImageValues> {
    let empty = FileHistory::default();
    let of_entry = |entry: EntryKey| {
        let history = histories.get(&entry.path).unwrap_or(&empty);
        let update = &request.updates[entry.update];
        let values =
            ImageValues::read(history, |text| overlay::image_in(text, &entry.name, update));
        (entry, values)
    };
    entries.into_iter().map(of_entry).collect()
}

/// The step never guesses whether an image was called bad.
fn history_unknown(failure: Failure) -> Failure {
    if failure.reason != HISTORY_CUT {
        return failure;
    }
    failure
        .context("could not find out whether the overlay had a newer image, or a bad one")
        .hinted("or pass `--force` to skip these checks")
}

/// The newest changes did not decide, and the older ones cannot be read.
fn older_changes_unknown(failure: Failure, paths: &[String]) -> Failure {
    let paths: Vec<String> = paths.iter().map(|path| format!("`{path}`")).collect();
    let paths = paths.join(", ");
    let failure = failure.context(format!(
        "the newest changes of {paths} do not show whether the image is older or was called bad, \
         and the older ones could not be read"
    ));
    failure.hinted(
        "pass `--source-commit`, with which the newest changes usually suffice, or `--force` to \
         skip these checks",
    )
}

/// The step never guesses whether an image is older.
fn age_unknown(failure: Failure) -> Failure {
    failure
        .context("could not find out whether the image is older than the deployed one")
        .hinted("check `--source-repository`, or pass `--force` to skip this check")
}
