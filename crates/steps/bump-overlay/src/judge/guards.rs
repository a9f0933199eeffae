//! Decides what the step must not write although it could: an older image, an image that a rollback
//! called bad, and an image of the same source.
//!
//! All of it follows from the history of the overlay's file, and is decided again for every tip.

use std::collections::BTreeMap;

use branch::{Ancestry, BadMark, CommitAncestry, CommitName, ImageValue, ImageValues};
use contract::{Commit, Reference};

use super::edits::{Edits, FileEdit};
use crate::{
    observe::{EntryKey, GuardQuestion, MAX_DIFFERENCES, Observation},
    request::Request,
};

/// The findings of the guards at one tip.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// Why a file must not be written, by its path.
    by_path: BTreeMap<String, GuardFinding>,
    /// Each check and its result, line by line.
    trace: Vec<String>,
    /// The checks that were not possible.
    pub(crate) notices: Vec<String>,
}

/// Why a file must not be written.
#[derive(Debug)]
pub(crate) enum GuardFinding {
    /// A rollback called the image bad.
    Held(String),
    /// The overlay already had a newer image.
    Stale {
        text: String,
        source: Commit,
        newer: Commit,
    },
    /// The source is the deployed one.
    SameSource(String),
}

/// A question that the observation does not answer yet, and the notices up to it.
#[derive(Debug)]
pub(crate) struct Unanswered {
    pub(crate) question: Box<GuardQuestion>,
    pub(crate) notices: Vec<String>,
}

/// Checks every file that would change.
///
/// # Errors
/// The next question, if the observation does not answer everything yet.
pub(crate) fn check(
    request: &Request,
    edits: &Edits,
    observation: &Observation,
) -> Result<Findings, Unanswered> {
    let mut guards = Guards {
        request,
        observation,
        findings: Findings::default(),
    };
    match guards.check(edits) {
        Ok(()) => Ok(guards.findings),
        Err(question) => Err(Unanswered {
            question: Box::new(question),
            notices: guards.findings.notices,
        }),
    }
}

impl Findings {
    /// Returns why a file must not be written.
    pub(crate) fn of(&self, path: &str) -> Option<&GuardFinding> {
        self.by_path.get(path)
    }

    /// Returns whether nothing at all may be written.
    pub(crate) fn stop(&self) -> bool {
        self.by_path
            .values()
            .any(|finding| !matches!(finding, GuardFinding::SameSource(_)))
    }

    /// Returns the files whose deployed image has the same source.
    pub(crate) fn same_source(&self) -> impl Iterator<Item = (&str, &str)> {
        self.by_path
            .iter()
            .filter_map(|(path, finding)| match finding {
                GuardFinding::SameSource(text) => Some((path.as_str(), text.as_str())),
                GuardFinding::Held(_) | GuardFinding::Stale { .. } => None,
            })
    }

    /// Returns each check and its result, line by line.
    pub(crate) fn trace(&self) -> String {
        self.trace.join("\n")
    }

    fn note(&mut self, path: &str, text: impl std::fmt::Display) {
        self.trace.push(format!("`{path}`: {text}"));
    }
}

/// The guards of one tip.
struct Guards<'a> {
    request: &'a Request,
    observation: &'a Observation,
    findings: Findings,
}

/// An entry that changes, and the images that it named over time.
struct GuardedEntry<'a> {
    key: &'a EntryKey,
    image: &'a Reference,
    values: &'a ImageValues,
}

impl Guards<'_> {
    fn check(&mut self, edits: &Edits) -> Result<(), GuardQuestion> {
        if self.request.force {
            let text = "`--force`: age, holds and source were not checked";
            self.findings.trace.push(text.to_owned());
            return Ok(());
        }
        let Some(values) = &self.observation.values else {
            return Err(GuardQuestion::Values {
                paths: edits.changed().map(|file| file.path.clone()).collect(),
                entries: edits.changed().flat_map(keys).collect(),
            });
        };
        for file in edits.changed() {
            for key in keys(file) {
                let entry = GuardedEntry {
                    image: &self.request.images[key.update],
                    values: &values[&key],
                    key: &key,
                };
                if let Some(finding) = self.judge(&entry)? {
                    self.findings.by_path.insert(file.path.clone(), finding);
                    break;
                }
            }
        }
        Ok(())
    }

    fn judge(&mut self, entry: &GuardedEntry<'_>) -> Result<Option<GuardFinding>, GuardQuestion> {
        let image = entry.image;
        if let Some(mark) = entry.values.bad(image) {
            let text = format!("{image} was called bad by the rollback {}", mark.by);
            self.note(entry, &text);
            return Ok(Some(GuardFinding::Held(text)));
        }
        let count = entry.values.list.len();
        self.note(
            entry,
            format!("no rollback among its {count} values called the image bad"),
        );
        let known = entry.values.sources();
        match self.source(image) {
            None => self.unknown(entry, "its source is not known", "--source-commit"),
            Some(_) if known.is_empty() => {
                let why = "no source of an earlier image is known";
                self.unknown(entry, why, "--source-commit");
            }
            Some(source) => return self.compare(entry, &source, &known),
        }
        Ok(None)
    }

    /// Compares the source with every source that the overlay ever had.
    fn compare(
        &mut self,
        entry: &GuardedEntry<'_>,
        source: &CommitName,
        known: &[(CommitName, &ImageValue)],
    ) -> Result<Option<GuardFinding>, GuardQuestion> {
        let names: Vec<CommitName> = known.iter().map(|(name, _)| name.clone()).collect();
        let ancestry = self.observation.ancestry(source, &names)?;
        let Some(commit) = &ancestry.commit else {
            let why = format!("the source repository does not have {source}");
            self.unknown(entry, &why, "--source-repository");
            return Ok(None);
        };
        if let Some((at, newer)) = newer(ancestry) {
            let by = &known[at].1.commit;
            let text = format!("source {commit} is older than {newer}, which was deployed by {by}");
            self.note(entry, &text);
            return Ok(Some(GuardFinding::Stale {
                text,
                source: commit.clone(),
                newer: newer.clone(),
            }));
        }
        if matches!(ancestry.others.first(), Some((Ancestry::Unknown, _))) {
            let why = format!(
                "the source repository does not have {}, the source of an earlier image",
                names[0]
            );
            self.unknown(entry, &why, "--source-repository");
        }
        let count = known.len();
        self.note(
            entry,
            format!("source {commit} is older than none of its {count} sources"),
        );
        self.same_source(entry, commit, ancestry, known)
    }

    /// Finds the source among the deployed one and the bad ones, overlays left out: a bump is a
    /// commit too, and an image that is built from it contains nothing new.
    fn same_source(
        &mut self,
        entry: &GuardedEntry<'_>,
        commit: &Commit,
        ancestry: &CommitAncestry,
        known: &[(CommitName, &ImageValue)],
    ) -> Result<Option<GuardFinding>, GuardQuestion> {
        for ((name, value), (_, whole)) in known.iter().zip(&ancestry.others) {
            let mark = entry.mark(value);
            let Some(whole) = whole.as_ref().filter(|whole| *whole != commit) else {
                continue;
            };
            if !(entry.deploys(name) || mark.is_some()) || !self.is_same(entry, whole, commit)? {
                continue;
            }
            let text = format!(
                "source {commit} is that of {}, {whole}, except for overlays",
                value.image
            );
            self.note(entry, &text);
            return Ok(Some(match mark {
                Some(mark) => GuardFinding::Held(format!(
                    "{text}, and the rollback {} called it bad",
                    mark.by
                )),
                None => GuardFinding::SameSource(format!("{text}, which is deployed already")),
            }));
        }
        self.note(
            entry,
            format!("source {commit} is another one than that of the deployed image"),
        );
        Ok(None)
    }

    /// Returns whether two commits of the source differ in nothing but overlays.
    fn is_same(
        &self,
        entry: &GuardedEntry<'_>,
        one: &Commit,
        other: &Commit,
    ) -> Result<bool, GuardQuestion> {
        let paths = self.observation.differences(entry.key, one, other)?;
        Ok(paths.len() < MAX_DIFFERENCES
            && paths.iter().all(|path| self.request.is_of_an_overlay(path)))
    }

    /// Returns the source of the requested image: the flag, or the commit in its tag.
    fn source(&self, image: &Reference) -> Option<CommitName> {
        match &self.request.source {
            Some(commit) => Some(CommitName::from(commit)),
            None => CommitName::of_tag(image.tag()?.as_str()),
        }
    }

    /// An unknown source does not stop the step, but the user has to know.
    fn unknown(&mut self, entry: &GuardedEntry<'_>, why: &str, flag: &str) {
        let text = format!(
            "not checked whether {} is older: {why} (`{flag}`)",
            entry.image
        );
        self.note(entry, &text);
        self.findings.notices.push(text);
    }

    fn note(&mut self, entry: &GuardedEntry<'_>, text: impl std::fmt::Display) {
        self.findings.note(&entry.key.path, text);
    }
}

impl GuardedEntry<'_> {
    /// Returns whether the deployed image was built from this source.
    fn deploys(&self, source: &CommitName) -> bool {
        self.values
            .list
            .first()
            .and_then(|value| self.values.source(value))
            .is_some_and(|deployed| deployed.matches(source.as_str()))
    }

    /// Returns the rollback that called a value bad.
    fn mark(&self, value: &ImageValue) -> Option<&BadMark> {
        self.values.bad(&self.values.reference(value)?)
    }
}

/// Returns the entries of a file that get another value.
fn keys(file: &FileEdit) -> impl Iterator<Item = EntryKey> {
    file.changed_entries().map(|entry| EntryKey {
        path: file.path.clone(),
        name: entry.name.clone(),
        update: entry.update,
    })
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
