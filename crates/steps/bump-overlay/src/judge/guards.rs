//! Decides what the step must not write although it could: an older image, an image that a rollback
//! called bad, and an image of the same source.
//!
//! All of it follows from the history of the overlay's file, and is decided again for every tip.

use std::collections::BTreeMap;

use branch::{Ancestry, BadMark, CommitAncestry, CommitName, ImageValue, ImageValues};
use contract::{Commit, Reference};

use environments::FreezeFinding;
use overlay::EntryResult;

use super::edits::{Edits, FileEdit};
use crate::{
    observe::{EntryKey, GuardQuestion, MAX_DIFFERENCES, Observation},
    request::Request,
};

/// The findings of the guards at one tip.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// Why an entry must not be written.
    by_entry: BTreeMap<EntryKey, GuardFinding>,
    /// Why a file must not be written at this time.
    frozen: BTreeMap<String, FreezeFinding>,
    /// Each check and its result, line by line.
    trace: Vec<String>,
    /// The checks that were not possible.
    pub(crate) notices: Vec<String>,
}

/// Why an entry must not be written.
#[derive(Debug)]
pub(crate) enum GuardFinding {
    /// A rollback called the image bad.
    Held { text: String, hint: &'static str },
    /// The overlay already had a newer image.
    Stale {
        text: String,
        source: Commit,
        newer: Commit,
    },
    /// The source is the deployed one.
    SameSource(String),
}

const HELD_HINT: &str =
    "deploy an image that fixes it, or pass `--force` to deploy this one after all";

const SAME_LINE_HINT: &str = "pass `--pin digest`, since the entry would not tell this image from \
     the bad one, or `--force`";

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
    /// The findings where a freeze forbids to write these files: no other guard needs to ask.
    pub(crate) fn frozen(frozen: BTreeMap<String, FreezeFinding>) -> Self {
        Self {
            frozen,
            ..Self::default()
        }
    }

    /// Returns why a file must not be written at this time.
    pub(crate) fn freeze(&self, path: &str) -> Option<&FreezeFinding> {
        self.frozen.get(path)
    }

    /// Returns why a file must not be written: the gravest finding about its entries, whatever
    /// their order.
    pub(crate) fn of(&self, path: &str) -> Option<&GuardFinding> {
        let entries = self.by_entry.iter().filter(|(key, _)| key.path == path);
        let stopping = entries.filter(|(_, finding)| finding.stops());
        stopping
            .map(|(_, finding)| finding)
            .min_by_key(|finding| matches!(finding, GuardFinding::Stale { .. }))
    }

    /// Returns whether nothing at all may be written.
    pub(crate) fn stop(&self) -> bool {
        !self.frozen.is_empty() || self.by_entry.values().any(GuardFinding::stops)
    }

    /// Returns the entries whose deployed image has the same source, each with the reason.
    pub(crate) fn same_source(&self) -> impl Iterator<Item = (&EntryKey, &str)> {
        self.by_entry
            .iter()
            .filter_map(|(key, finding)| match finding {
                GuardFinding::SameSource(text) => Some((key, text.as_str())),
                GuardFinding::Held { .. } | GuardFinding::Stale { .. } => None,
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

impl GuardFinding {
    fn stops(&self) -> bool {
        !matches!(self, Self::SameSource(_))
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
    key: EntryKey,
    image: &'a Reference,
    /// The image as the entry would name it.
    written: Option<Reference>,
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
            for result in file.changed_entries() {
                let key = key(file, result);
                let entry = GuardedEntry {
                    image: &self.request.images[key.update],
                    written: result.after.image(&result.name).parse().ok(),
                    values: &values[&key],
                    key,
                };
                if let Some(finding) = self.judge(&entry)? {
                    self.findings.by_entry.insert(entry.key, finding);
                }
            }
        }
        Ok(())
    }

    fn judge(&mut self, entry: &GuardedEntry<'_>) -> Result<Option<GuardFinding>, GuardQuestion> {
        if let Some((mark, hint)) = entry.held() {
            let text = called_bad(entry.image, mark);
            self.note(entry, &text);
            return Ok(Some(GuardFinding::Held { text, hint }));
        }
        let (image, known) = (entry.image, entry.values.sources());
        let source = self.source(image).filter(|_| !known.is_empty());
        if source.is_none() {
            entry.needs_all_values()?;
        }
        let count = entry.values.list.len();
        self.note(
            entry,
            format!("no rollback among its {count} values called the image bad"),
        );
        if let Some(source) = source {
            return self.compare(entry, &source, &known);
        }
        let why = match self.source(image) {
            None => "its source is not known",
            Some(_) => "no source of an earlier image is known",
        };
        self.unknown(entry, why, "--source-commit");
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
            entry.needs_all_values()?;
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
        if !entry.is_settled(ancestry, known) {
            entry.needs_all_values()?;
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

    /// Finds the source among the bad ones, and then as the deployed one, overlays left out: a bump
    /// is a commit too, and an image that is built from it contains nothing new.
    fn same_source(
        &mut self,
        entry: &GuardedEntry<'_>,
        commit: &Commit,
        ancestry: &CommitAncestry,
        known: &[(CommitName, &ImageValue)],
    ) -> Result<Option<GuardFinding>, GuardQuestion> {
        for wants_bad in [true, false] {
            for ((name, value), (_, whole)) in known.iter().zip(&ancestry.others) {
                let mark = entry.mark(value);
                let is_wanted = if wants_bad {
                    mark.is_some()
                } else {
                    mark.is_none() && entry.deploys(name)
                };
                let Some(whole) = whole.as_ref().filter(|whole| *whole != commit) else {
                    continue;
                };
                if is_wanted && self.is_same(entry, whole, commit)? {
                    let text = format!(
                        "source {commit} is that of {}, {whole}, except for overlays",
                        value.image
                    );
                    self.note(entry, &text);
                    return Ok(Some(found_source(text, mark)));
                }
            }
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
        let paths = self.observation.differences(&entry.key, one, other)?;
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
    /// Returns the rollback that called the image bad, and how to deploy it after all.
    ///
    /// The same tag with other bytes is another image only where the entry says which bytes.
    fn held(&self) -> Option<(&BadMark, &'static str)> {
        let written = self.written.as_ref();
        match self.values.bad(self.image) {
            Some(mark) => Some((mark, HELD_HINT)),
            None => Some((self.values.bad(written?)?, SAME_LINE_HINT)),
        }
    }

    /// # Errors
    /// The question for all values of the entry, if only the newest ones were read.
    fn needs_all_values(&self) -> Result<(), GuardQuestion> {
        if self.values.is_whole {
            Ok(())
        } else {
            Err(GuardQuestion::AllValues)
        }
    }

    /// Returns whether values older than the known ones cannot matter: a bump of the branch has
    /// passed these checks, and its source is an ancestor of the new one. If an image of the new
    /// source, or of a newer one, had been deployed before it, the bump would have been stale.
    fn is_settled(&self, ancestry: &CommitAncestry, known: &[(CommitName, &ImageValue)]) -> bool {
        let mut relations = known.iter().zip(&ancestry.others);
        relations.any(|((_, value), (ancestry, _))| {
            *ancestry == Ancestry::Descendant
                && value.is_checked_bump()
                && self.values.is_of_branch(value)
        })
    }

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

fn found_source(text: String, mark: Option<&BadMark>) -> GuardFinding {
    match mark {
        Some(mark) => GuardFinding::Held {
            text: format!("{text}, and the rollback {} called it bad", mark.by),
            hint: HELD_HINT,
        },
        None => GuardFinding::SameSource(format!("{text}, which is deployed already")),
    }
}

fn called_bad(image: &Reference, mark: &BadMark) -> String {
    if mark.in_doubt {
        return format!(
            "{image} was taken back by {}, which has the title of a rollback, but no longer its \
             trailers",
            mark.by
        );
    }
    format!("{image} was called bad by the rollback {}", mark.by)
}

/// Returns the entries of a file that get another value.
fn keys(file: &FileEdit) -> impl Iterator<Item = EntryKey> {
    file.changed_entries().map(|entry| key(file, entry))
}

fn key(file: &FileEdit, entry: &EntryResult) -> EntryKey {
    EntryKey {
        path: file.path.clone(),
        name: entry.name.clone(),
        update: entry.update,
    }
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
