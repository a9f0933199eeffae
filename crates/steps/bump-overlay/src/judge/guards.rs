//! What must not be written although it could be: what is older, what a rollback called bad, what is
//! no news.
//!
//! All of it is read from the history of the overlay's file, and decided anew for every tip.

use std::collections::BTreeMap;

use branch::{Ancestry, CommitAncestry, CommitName, History, Name, Value, Values};
use contract::{Commit, Failure, Reference, World};
use overlay::EntryResult;

use crate::{
    edits::{Edits, FileEdit},
    request::Request,
};

/// How many changes of a file are looked at.
const LOOKED_AT: usize = 100;

/// How many paths may differ between two sources that are one but for their overlays.
const DIFFERENCES: usize = 200;

/// The guards of one run.
pub(crate) struct Guards<'a, H, S> {
    pub(crate) request: &'a Request,
    /// The repository of the overlays.
    pub(crate) overlays: &'a H,
    /// The repository of the source.
    pub(crate) sources: &'a S,
    pub(crate) world: &'a World,
    pub(crate) name: &'a Name,
}

/// What was found at one tip.
#[derive(Default)]
pub(crate) struct Findings {
    /// Why not, by file.
    found: BTreeMap<String, Found>,
    /// What was looked at and what came of it.
    trace: Vec<String>,
    /// How sources stand to one another, each question once.
    ancestry: Vec<(CommitName, Vec<CommitName>, CommitAncestry)>,
}

/// Why a file is not to be written.
pub(crate) enum Found {
    /// A rollback called the image bad.
    Held(String),
    /// The overlay has had a newer one.
    Stale {
        text: String,
        source: Commit,
        newer: Commit,
    },
    /// The source is the one that is deployed.
    SameSource(String),
}

impl Findings {
    /// Returns why a file is not to be written.
    pub(crate) fn of(&self, path: &str) -> Option<&Found> {
        self.found.get(path)
    }

    /// Returns whether nothing at all may be written.
    pub(crate) fn stop(&self) -> bool {
        self.found
            .values()
            .any(|found| !matches!(found, Found::SameSource(_)))
    }

    /// Returns the files whose deployed image has the same source.
    pub(crate) fn same(&self) -> impl Iterator<Item = (&str, &str)> {
        self.found.iter().filter_map(|(path, found)| match found {
            Found::SameSource(text) => Some((path.as_str(), text.as_str())),
            _ => None,
        })
    }

    /// Returns what was looked at, line by line.
    pub(crate) fn trace(&self) -> String {
        self.trace.join("\n")
    }

    fn note(&mut self, path: &str, text: impl std::fmt::Display) {
        self.trace.push(format!("`{path}`: {text}"));
    }
}

impl<H: History, S: History> Guards<'_, H, S> {
    /// Looks at what would be written.
    pub(crate) async fn look(&self, edits: &Edits, tip: &Commit) -> Result<Findings, Failure> {
        let mut findings = Findings::default();
        if self.request.force {
            findings
                .trace
                .push("`--force`: age, holds and source were not looked at".to_owned());
            return Ok(findings);
        }
        let paths: Vec<String> = edits.changed().map(|file| file.path.clone()).collect();
        let mut histories = self
            .ask(async || self.overlays.file_histories(tip, &paths, LOOKED_AT).await)
            .await?;
        for file in edits.changed() {
            let history = histories.remove(&file.path).unwrap_or_default();
            for entry in changing(file) {
                let update = &self.request.updates[entry.update];
                let values = Values::read(&history, |text| {
                    overlay::image_in(text, &entry.name, update)
                });
                let about = About {
                    path: &file.path,
                    image: &self.request.images[entry.update],
                    values,
                };
                if let Some(found) = self.judge(&about, &mut findings).await? {
                    findings.found.insert(file.path.clone(), found);
                    break;
                }
            }
        }
        Ok(findings)
    }

    async fn judge(
        &self,
        about: &About<'_>,
        findings: &mut Findings,
    ) -> Result<Option<Found>, Failure> {
        if let Some(mark) = about.values.bad(about.image) {
            let text = format!("{} was called bad by the rollback {}", about.image, mark.by);
            findings.note(about.path, &text);
            return Ok(Some(Found::Held(text)));
        }
        let count = about.values.list.len();
        findings.note(
            about.path,
            format!("no rollback among its {count} values called the image bad"),
        );
        let known = about.values.sources();
        let why = match self.source(about) {
            None => "its source is not known",
            Some(_) if known.is_empty() => "no source is known of what was there",
            Some(source) => return self.compare(about, findings, &source, &known).await,
        };
        self.unknown(about, findings, why, "--source-commit");
        Ok(None)
    }

    /// Compares the source with those that the overlay ever had.
    async fn compare(
        &self,
        about: &About<'_>,
        findings: &mut Findings,
        source: &CommitName,
        known: &[(CommitName, &Value)],
    ) -> Result<Option<Found>, Failure> {
        let names: Vec<CommitName> = known.iter().map(|(name, _)| name.clone()).collect();
        let ancestry = self.ancestry(findings, source, &names).await?;
        let Some(commit) = &ancestry.commit else {
            let why = format!("the source repository does not have {source}");
            self.unknown(about, findings, &why, "--source-repository");
            return Ok(None);
        };
        if let Some((at, newer)) = newer(&ancestry) {
            let by = &known[at].1.commit;
            let text = format!("source {commit} is older than {newer}, which was deployed by {by}");
            findings.note(about.path, &text);
            return Ok(Some(Found::Stale {
                text,
                source: commit.clone(),
                newer: newer.clone(),
            }));
        }
        if ancestry
            .others
            .first()
            .is_some_and(|(ancestry, _)| *ancestry == Ancestry::Unknown)
        {
            let why = format!(
                "the source repository does not have {}, which was there",
                names[0]
            );
            self.unknown(about, findings, &why, "--source-repository");
        }
        let text = format!(
            "source {commit} is older than none of its {} sources",
            known.len()
        );
        findings.note(about.path, text);
        self.same_source(about, findings, commit, &ancestry, known)
            .await
    }

    /// Looks whether the source is one that is deployed, or was and is bad, but for overlays: a bump
    /// is a commit too, and what is built of it is no news.
    async fn same_source(
        &self,
        about: &About<'_>,
        findings: &mut Findings,
        commit: &Commit,
        ancestry: &CommitAncestry,
        known: &[(CommitName, &Value)],
    ) -> Result<Option<Found>, Failure> {
        let deployed = about
            .values
            .list
            .first()
            .and_then(|value| about.values.source(value));
        for ((name, value), (_, whole)) in known.iter().zip(&ancestry.others) {
            let image = about.values.reference(value);
            let mark = image.as_ref().and_then(|image| about.values.bad(image));
            let is_deployed = deployed
                .as_ref()
                .is_some_and(|deployed| deployed.matches(name.as_str()));
            let Some(whole) = whole.as_ref().filter(|whole| *whole != commit) else {
                continue;
            };
            if !(is_deployed || mark.is_some()) || !self.is_same(whole, commit).await? {
                continue;
            }
            let text = format!(
                "source {commit} is that of {}, {whole}, but for overlays",
                value.image
            );
            findings.note(about.path, &text);
            return Ok(Some(match mark {
                Some(mark) => Found::Held(format!(
                    "{text}, and the rollback {} called it bad",
                    mark.by
                )),
                None => Found::SameSource(format!("{text}, which is deployed already")),
            }));
        }
        findings.note(
            about.path,
            format!("source {commit} is another one than what is deployed"),
        );
        Ok(None)
    }

    async fn is_same(&self, one: &Commit, other: &Commit) -> Result<bool, Failure> {
        let paths = self
            .ask(async || self.sources.differences(one, other, DIFFERENCES).await)
            .await;
        let paths = paths.map_err(not_told)?;
        Ok(paths.len() < DIFFERENCES
            && paths.iter().all(|path| self.request.is_of_an_overlay(path)))
    }

    fn source(&self, about: &About<'_>) -> Option<CommitName> {
        let by_tag = || CommitName::of_tag(about.image.tag()?.as_str());
        self.request
            .source
            .as_ref()
            .map(CommitName::from)
            .or_else(by_tag)
    }

    async fn ancestry(
        &self,
        findings: &mut Findings,
        source: &CommitName,
        names: &[CommitName],
    ) -> Result<CommitAncestry, Failure> {
        let asked = findings
            .ancestry
            .iter()
            .find(|(one, others, _)| one == source && others == names);
        if let Some((_, _, ancestry)) = asked {
            return Ok(ancestry.clone());
        }
        let ancestry = self
            .ask(async || self.sources.ancestry(source, names).await)
            .await;
        let ancestry = ancestry.map_err(not_told)?;
        findings
            .ancestry
            .push((source.clone(), names.to_vec(), ancestry.clone()));
        Ok(ancestry)
    }

    async fn ask<T>(&self, question: impl AsyncFn() -> Result<T, Failure>) -> Result<T, Failure> {
        remote::ask(self.world, self.name, question).await
    }

    /// A source that nobody knows is no reason to stop, but one to say so.
    fn unknown(&self, about: &About<'_>, findings: &mut Findings, why: &str, flag: &str) {
        let text = format!(
            "not checked whether {} is older: {why} (`{flag}`)",
            about.image
        );
        self.world.notice(&text);
        findings.note(about.path, text);
    }
}

/// Whether an image is older is never guessed.
fn not_told(failure: Failure) -> Failure {
    failure
        .context("could not find out whether the image is older than what is deployed")
        .hinted("check `--source-repository`, or pass `--force` to write without knowing it")
}

/// An entry that changes, and its past.
struct About<'a> {
    path: &'a str,
    image: &'a Reference,
    values: Values,
}

/// Returns the entries that get another value; a new one has no past.
fn changing(file: &FileEdit) -> impl Iterator<Item = &EntryResult> {
    file.edited
        .entries
        .iter()
        .filter(|entry| entry.line.is_some() && entry.before != entry.after)
}

/// Returns the first source that contains the new one, with its place.
fn newer(ancestry: &CommitAncestry) -> Option<(usize, &Commit)> {
    ancestry
        .others
        .iter()
        .enumerate()
        .find_map(|(at, (ancestry, commit))| match ancestry {
            Ancestry::Ancestor => Some((at, commit.as_ref()?)),
            _ => None,
        })
}
