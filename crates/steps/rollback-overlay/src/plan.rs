//! What becomes of each overlay: which value is bad, which one is to be there again.

use std::collections::BTreeMap;

use branch::{
    Ancestry, BranchName as Name, CommitName, FileHistory, History, ImageValue as Value,
    ImageValues as Values, Snapshot, TreeEntries,
};
use check_image::{Platform, reasons::PLATFORM_MISSING};
use contract::{Commit, Failure, Reference, World};
use overlay::{Diff, EditOptions, EditResult, ImageUpdate, Overlay, OverlayRefusal, Pin, reasons};

use crate::{
    Facts,
    forge::Known,
    image,
    request::{Bad, Request},
    say::{self, NO_EARLIER_IMAGE, NOT_IN_HISTORY},
};

/// How many changes of a file are looked at.
const LOOKED_AT: usize = 100;

/// Who decides, and from what.
pub(crate) struct Planner<'a, H> {
    pub(crate) request: &'a Request,
    pub(crate) history: &'a H,
    pub(crate) name: &'a Name,
    pub(crate) world: &'a World,
    /// What the forge knows, by the overlays' directories.
    pub(crate) known: BTreeMap<String, Known>,
    /// What was bad at the first tip, by file: the next tip may have another value, which is not.
    pub(crate) bad: BTreeMap<String, String>,
    /// What is known before anything is written.
    pub(crate) facts: Facts,
}

/// What becomes of the overlays, in the order given.
pub(crate) struct Plan(pub(crate) Vec<Part>);

/// What becomes of one overlay.
pub(crate) struct Part {
    /// The overlay as it was named.
    pub(crate) overlay: String,
    /// Its file, once it was found.
    pub(crate) path: String,
    /// What it had; empty until its history was read.
    pub(crate) values: Values,
    /// What the forge knows of it.
    pub(crate) known: Option<Known>,
    pub(crate) then: Then,
}

/// What becomes of a file.
pub(crate) enum Then {
    Restored(Box<Restored>),
    /// It is as this call would leave it.
    Already(String),
    /// It has another value than the bad one.
    Superseded(String),
    Refused(OverlayRefusal),
}

/// A value that is there again.
pub(crate) struct Restored {
    pub(crate) bad: Target,
    pub(crate) good: Target,
    pub(crate) edited: EditResult,
    pub(crate) diff: Diff,
    /// Which images were passed over, and why.
    pub(crate) passed_over: Vec<String>,
    /// What is doubtful about the good one.
    pub(crate) doubt: Option<String>,
}

/// An image, as a file says it and as the history and the registry know it.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) text: String,
    /// With the digest where that is known; `None` for a text that is no reference.
    pub(crate) image: Option<Reference>,
    /// The value of the history that it is.
    pub(crate) value: Option<Value>,
    /// Whether the forge calls it good.
    pub(crate) is_verified: bool,
}

/// A file as it is at the tip.
struct File<'a> {
    path: String,
    content: &'a [u8],
    known: Option<Known>,
    /// The name of the entry.
    entry: String,
    values: Values,
}

impl<H: History> Planner<'_, H> {
    /// Decides what becomes of the overlays as they are now.
    pub(crate) async fn plan(&mut self, snapshot: &Snapshot) -> Result<Plan, Failure> {
        let mut found = self.find(&snapshot.entries);
        let paths: Vec<String> = found
            .iter()
            .filter_map(|(_, found)| Some(found.as_ref().ok()?.path.clone()))
            .collect();
        let histories = self.ask(async || {
            self.history
                .file_histories(&snapshot.tip, &paths, LOOKED_AT)
                .await
        });
        let histories = histories.await?;
        let history = |file: &File<'_>| histories.get(&file.path).cloned().unwrap_or_default();
        for file in found
            .iter_mut()
            .filter_map(|(_, found)| found.as_mut().ok())
        {
            file.values = Values::read(&history(file), |text| self.image(file, text));
        }
        let files = found.iter().filter_map(|(_, found)| found.as_ref().ok());
        self.facts = say::known(
            self.request,
            files.map(|file| (file.path.as_str(), &file.values)),
        );
        self.world.learn(&self.facts);
        let mut parts = Vec::new();
        for (overlay, found) in found {
            parts.push(match found {
                Ok(file) => {
                    let then = self.decide(&file, &history(&file)).await?;
                    Part {
                        overlay,
                        path: file.path,
                        values: file.values,
                        known: file.known,
                        then,
                    }
                }
                Err(refused) => {
                    let (path, values) = (String::new(), Values::default());
                    Part {
                        overlay,
                        path,
                        values,
                        known: None,
                        then: Then::Refused(refused),
                    }
                }
            });
        }
        Ok(Plan(parts))
    }

    /// Finds the file and the entry of each overlay; a directory and its file are the same overlay.
    fn find<'e>(
        &self,
        entries: &'e TreeEntries,
    ) -> Vec<(String, Result<File<'e>, OverlayRefusal>)> {
        let mut found: Vec<(String, Result<File<'e>, OverlayRefusal>)> = Vec::new();
        for overlay in &self.request.overlays {
            let file = self.file(overlay, entries);
            let known = |other: &Result<File<'_>, OverlayRefusal>| match (other, &file) {
                (Ok(other), Ok(file)) => other.path == file.path,
                _ => false,
            };
            if !found.iter().any(|(_, other)| known(other)) {
                found.push((overlay.name.clone(), file));
            }
        }
        found
    }

    fn file<'e>(
        &self,
        overlay: &Overlay,
        entries: &'e TreeEntries,
    ) -> Result<File<'e>, OverlayRefusal> {
        let (path, content) = overlay.file(entries)?;
        let entry = entry(&path, content, &self.request.entry)?;
        let known = overlay
            .directory()
            .and_then(|directory| self.known.get(directory))
            .cloned();
        Ok(File {
            path,
            content,
            known,
            entry,
            values: Values::default(),
        })
    }

    async fn decide(&mut self, file: &File<'_>, history: &FileHistory) -> Result<Then, Failure> {
        let values = &file.values;
        let Some(deployed) = values.list.first() else {
            let message = format!("`{}`: its history does not say what it deploys", file.path);
            return Ok(Then::Refused(OverlayRefusal::new(
                NO_EARLIER_IMAGE,
                message,
            )));
        };
        let bad = match self.bad(file, deployed, history).await? {
            Ok(bad) => bad,
            Err(then) => return Ok(then),
        };
        let Some(bad) = bad else {
            return Ok(Then::Superseded(format!(
                "deploys {}, and never had what is called bad",
                deployed.image
            )));
        };
        match values.list[bad].image == deployed.image {
            true => self.restore(file, 0).await,
            false => Ok(self.moved_on(file, bad)),
        }
    }

    /// Returns which of the values is bad; `None` when the file never had it.
    async fn bad(
        &mut self,
        file: &File<'_>,
        deployed: &Value,
        history: &FileHistory,
    ) -> Result<Result<Option<usize>, Then>, Failure> {
        let values = &file.values;
        let position = |is_it: &dyn Fn(&Value) -> bool| values.list.iter().position(is_it);
        match &self.request.bad {
            Bad::Image(bad) => Ok(Ok(position(&|value| {
                values
                    .reference(value)
                    .is_some_and(|image| branch::is_same_version(&image, bad))
            }))),
            Bad::SetBy(commit) => self
                .set_by(file, commit, history)
                .await
                .map(|found| found.map(Some)),
            Bad::Deployed => {
                let first = self
                    .bad
                    .entry(file.path.clone())
                    .or_insert_with(|| deployed.image.clone());
                if *first == deployed.image && deployed.trailers.is_rollback() {
                    let text = format!(
                        "{} was restored by {} already; pass `--bad` to go back further",
                        deployed.image, deployed.commit
                    );
                    return Ok(Err(Then::Already(text)));
                }
                Ok(Ok(position(&|value| value.image == *first)))
            }
        }
    }

    /// Returns the value that a commit set: itself, or the merge that brought it.
    async fn set_by(
        &self,
        file: &File<'_>,
        commit: &CommitName,
        history: &FileHistory,
    ) -> Result<Result<usize, Then>, Failure> {
        let mut fitting = history
            .revisions
            .iter()
            .map(|revision| &revision.commit)
            .filter(|id| commit.matches(id.as_str()));
        let setting = match (fitting.next(), fitting.next()) {
            (Some(one), None) => Some(one.clone()),
            (None, _) => self.brought(file, commit, history).await?,
            _ => None,
        };
        let set = setting.and_then(|setting| {
            file.values
                .list
                .iter()
                .position(|value| value.commit == setting)
        });
        Ok(set.ok_or_else(|| {
            let message = format!("`{}`: {commit} did not set the image here", file.path);
            let hint =
                "pass a commit of `git log --first-parent -- FILE`, or the bad image with `--bad`";
            Then::Refused(OverlayRefusal::new(NOT_IN_HISTORY, message).hint(hint))
        }))
    }

    /// Returns the change that brought a commit, and the image that this commit set: the oldest one that
    /// contains it, unless it was there before.
    async fn brought(
        &self,
        file: &File<'_>,
        commit: &CommitName,
        history: &FileHistory,
    ) -> Result<Option<Commit>, Failure> {
        let containing = |names: Vec<CommitName>| async move {
            let ancestry = self
                .ask(async || self.history.ancestry(commit, &names).await)
                .await?;
            let found = ancestry
                .others
                .iter()
                .rposition(|(ancestry, _)| *ancestry == Ancestry::Ancestor);
            Ok::<_, Failure>((found, ancestry.commit))
        };
        let names = history
            .revisions
            .iter()
            .map(|revision| (&revision.commit).into())
            .collect();
        let (Some(at), Some(whole)) = containing(names).await? else {
            return Ok(None);
        };
        let revision = &history.revisions[at];
        let Some(parent) = &revision.parent else {
            return Ok(None);
        };
        let (before, _) = containing(vec![parent.into()]).await?;
        let is_new = before.is_none() && whole != *parent;
        Ok(
            (is_new && self.has_set(file, &whole, revision).await?)
                .then(|| revision.commit.clone()),
        )
    }

    /// Returns whether a commit is the one that set the image which a merge brought: much can come along.
    async fn has_set(
        &self,
        file: &File<'_>,
        commit: &Commit,
        merge: &branch::Revision,
    ) -> Result<bool, Failure> {
        let paths = [file.path.clone()];
        let found = self
            .ask(async || self.history.file_histories(commit, &paths, 2).await)
            .await?;
        let list = found
            .get(&file.path)
            .map(|history| &history.revisions[..])
            .unwrap_or_default();
        let image = |revision: &branch::Revision| self.image(file, revision.content.as_deref()?);
        let (set, before) = (
            list.first().filter(|revision| revision.commit == *commit),
            list.get(1),
        );
        let wanted = image(merge);
        Ok(set.is_some_and(|set| image(set) == wanted) && before.and_then(image) != wanted)
    }

    /// Returns the image that a text of the file names.
    fn image(&self, file: &File<'_>, text: &[u8]) -> Option<String> {
        overlay::image_in(text, &file.entry, &self.request.entry)
    }

    /// The bad value is gone already: by this very rollback, or by something newer.
    fn moved_on(&self, file: &File<'_>, bad: usize) -> Then {
        let values = &file.values;
        let deployed = &values.list[0];
        let was_bad = values.reference(&values.list[bad]);
        let of_this = |image: &Reference| {
            was_bad
                .as_ref()
                .is_some_and(|bad| branch::is_same(image, bad))
        };
        let is_it = match &self.request.to {
            Some(to) => values
                .reference(deployed)
                .is_some_and(|image| branch::is_same_version(&image, to)),
            None => {
                let mut wanted = self.wanted(file, bad).into_iter().flatten();
                deployed.trailers.rollback_of.iter().any(of_this)
                    || wanted
                        .next()
                        .is_some_and(|good| good.text == deployed.image)
            }
        };
        let text = format!("deploys {} since {}", deployed.image, deployed.commit);
        match is_it {
            true => Then::Already(text),
            false => Then::Superseded(format!("{text}, no longer {}", values.list[bad].image)),
        }
    }

    async fn restore(&self, file: &File<'_>, bad: usize) -> Result<Then, Failure> {
        let values = &file.values;
        let bad_target = Target::of(values, &values.list[bad]);
        let (wanted, mut passed_over) = (self.wanted(file, bad), Vec::new());
        let platforms = self.platforms(&bad_target, &wanted).await?;
        for candidate in wanted {
            let candidate = match candidate {
                Ok(candidate) => candidate,
                Err(failed) => {
                    passed_over.push(failed);
                    continue;
                }
            };
            let good = match self.checked(candidate, &platforms).await? {
                Ok(good) => good,
                Err(refused) if self.request.allow_older => {
                    passed_over.push(refused.message);
                    continue;
                }
                Err(refused) => return Ok(Then::Refused(with_hint(refused))),
            };
            return Ok(match edited(file, &good) {
                Ok(edited) if !edited.changed => Then::Already(format!("{} already", good.text)),
                Ok(edited) => {
                    let diff = Diff::between(&file.path, file.content, &edited.text);
                    let doubt = file.known.as_ref().filter(|_| !good.is_verified);
                    let doubt = doubt.map(|known| known.silence(&good.text));
                    let bad = bad_target;
                    Then::Restored(Box::new(Restored {
                        bad,
                        good,
                        edited,
                        diff,
                        passed_over,
                        doubt,
                    }))
                }
                Err(refused) => Then::Refused(refused),
            });
        }
        Ok(Then::Refused(nothing_earlier(file, bad, &passed_over)))
    }

    /// Returns what may be restored, the best first: what the forge calls good, then what was before, or
    /// why not.
    fn wanted(&self, file: &File<'_>, bad: usize) -> Vec<Result<Target, String>> {
        let values = &file.values;
        if let Some(to) = &self.request.to {
            return vec![Ok(Target::named(values, to))];
        }
        let verified = self.verified(file, bad);
        let is_new = |value: &&Value| !verified.iter().any(|known| known.text == value.image);
        let before: Vec<_> = candidates(values, bad).into_iter().filter(is_new).collect();
        let judged = before.into_iter().map(|value| {
            let image = values.reference(value);
            let known = file
                .known
                .as_ref()
                .zip(image)
                .filter(|(known, image)| known.is_bad(image));
            known.map_or_else(
                || Ok(Target::of(values, value)),
                |(known, _)| Err(known.failed(&value.image)),
            )
        });
        let judged: Vec<_> = judged.collect();
        verified.into_iter().map(Ok).chain(judged).collect()
    }

    /// Returns what the forge calls good, without what is known bad or came after the bad one.
    fn verified(&self, file: &File<'_>, bad: usize) -> Vec<Target> {
        let values = &file.values;
        let (since, before) = values.list.split_at(bad + 1);
        let had = |values_of: &[Value], image: &Reference| {
            let is_it = |value: &&Value| {
                values
                    .reference(value)
                    .is_some_and(|had| branch::is_same(&had, image))
            };
            values_of.iter().find(is_it).cloned()
        };
        let of_the_entry = |image: &Reference| {
            let names = values
                .list
                .iter()
                .filter_map(|value| values.reference(value));
            names
                .chain([self.request.image.clone()])
                .any(|known| known.name() == image.name())
        };
        let good = file
            .known
            .iter()
            .flat_map(|known| &known.good)
            .filter(|image| !is_bad(values, bad, image));
        let targets = good.filter_map(|image| match (had(before, image), had(since, image)) {
            (Some(value), _) => Some(Target::of(values, &value).recorded(image)),
            // Its history may begin later than its deployments: the file was moved.
            (None, None) if of_the_entry(image) => Some(Target::new(image)),
            (None, _) => None,
        });
        targets
            .map(|target| Target {
                is_verified: true,
                ..target
            })
            .collect()
    }

    /// Returns the platforms that the good image must be for; whoever names it with `--to` knows better.
    async fn platforms(
        &self,
        bad: &Target,
        wanted: &[Result<Target, String>],
    ) -> Result<Vec<Platform>, Failure> {
        let mut wanted = wanted.iter().flatten().peekable();
        if self.request.to.is_some() || wanted.peek().is_none() {
            return Ok(Vec::new());
        }
        let name = |target: &Target| target.image.as_ref().map(Reference::name);
        let is_elsewhere = wanted.all(|good| name(good) != name(bad));
        image::platforms_of_bad(
            self.request,
            &bad.text,
            bad.image.as_ref(),
            is_elsewhere,
            self.world,
        )
        .await
    }

    /// Returns the target with what the registry knows of it.
    async fn checked(
        &self,
        target: Target,
        platforms: &[Platform],
    ) -> Result<Result<Target, OverlayRefusal>, Failure> {
        let Some(image) = &target.image else {
            let message = format!("`{}` has neither tag nor digest", target.text);
            return Ok(Err(OverlayRefusal::new(reasons::INCOMPLETE_IMAGE, message)));
        };
        let is_pinned = target.text.contains('@');
        let checked =
            image::still_there(self.request, image, is_pinned, platforms, self.world).await;
        // What the check has learned is not what this step is about.
        self.world.learn(&self.facts);
        Ok(checked?.map(|image| Target {
            image: Some(image),
            ..target.clone()
        }))
    }

    async fn ask<T>(&self, question: impl AsyncFn() -> Result<T, Failure>) -> Result<T, Failure> {
        remote::ask(self.world, self.name, question).await
    }
}

impl Target {
    pub(crate) fn of(values: &Values, value: &Value) -> Self {
        let (text, image) = (value.image.clone(), values.reference(value));
        Self {
            text,
            image,
            value: Some(value.clone()),
            is_verified: false,
        }
    }

    /// Describes an image that the file never had.
    fn new(image: &Reference) -> Self {
        Self {
            text: image.to_string(),
            image: Some(image.clone()),
            value: None,
            is_verified: false,
        }
    }

    /// Adds the digest that was written down elsewhere.
    fn recorded(self, recorded: &Reference) -> Self {
        let pinned = self
            .image
            .as_ref()
            .zip(recorded.digest())
            .map(|(image, digest)| image.pinned(digest.clone()));
        Self {
            image: pinned.or(self.image),
            ..self
        }
    }

    /// Returns an image that somebody names, as the file said it if it ever did.
    fn named(values: &Values, image: &Reference) -> Self {
        let had = values.list.iter().find(|value| {
            values
                .reference(value)
                .is_some_and(|had| branch::is_same(&had, image))
        });
        match had {
            Some(value) => Self::of(values, value),
            None => Self::new(image),
        }
    }

    /// Returns the version, for one line.
    pub(crate) fn version(&self) -> String {
        match self
            .image
            .as_ref()
            .map(|image| (image.tag(), image.digest()))
        {
            Some((Some(tag), _)) => tag.to_string(),
            Some((None, Some(digest))) => digest.short().to_owned(),
            _ => self.text.clone(),
        }
    }

    /// Returns the reference with all that is known.
    pub(crate) fn full(&self) -> String {
        self.image
            .as_ref()
            .map_or_else(|| self.text.clone(), Reference::to_string)
    }
}

impl Plan {
    /// Returns the overlays that change.
    pub(crate) fn restored(&self) -> impl Iterator<Item = (&Part, &Restored)> {
        self.0.iter().filter_map(|part| match &part.then {
            Then::Restored(restored) => Some((part, restored.as_ref())),
            _ => None,
        })
    }

    /// Returns whether nothing may be written, since one of the overlays may not.
    pub(crate) fn stops(&self) -> bool {
        self.0
            .iter()
            .any(|part| matches!(part.then, Then::Refused(_) | Then::Superseded(_)))
    }
}

/// Returns the distinct values before the bad one that nobody called bad, newest first.
fn candidates(values: &Values, bad: usize) -> Vec<&Value> {
    let is_good = |value: &&Value| {
        let image = values.reference(value);
        value.image != values.list[bad].image
            && !image.is_some_and(|image| is_bad(values, bad, &image))
    };
    let mut candidates: Vec<&Value> = Vec::new();
    for value in values.list[bad + 1..].iter().filter(is_good) {
        if !candidates.iter().any(|known| known.image == value.image) {
            candidates.push(value);
        }
    }
    candidates
}

/// Returns whether an image is the bad one, or a rollback called it bad.
fn is_bad(values: &Values, bad: usize, image: &Reference) -> bool {
    let was_bad = values.reference(&values.list[bad]);
    values.bad(image).is_some() || was_bad.is_some_and(|bad| branch::is_same(image, &bad))
}

/// Returns the name of the only entry that is meant.
fn entry(path: &str, content: &[u8], wanted: &ImageUpdate) -> Result<String, OverlayRefusal> {
    let unreadable = |refusal: overlay::EditRefusal| OverlayRefusal {
        reason: refusal.kind.reason(),
        message: format!("`{path}`: {refusal}"),
        hint: refusal.hint,
    };
    let found = overlay::find(content, wanted).map_err(unreadable)?;
    let name = &wanted.names[0];
    match &found[..] {
        [entry] => Ok(entry.name.clone()),
        [] => Err(OverlayRefusal::new(
            reasons::IMAGE_MISSING,
            format!("`{path}`: there is no entry for `{name}`"),
        )
        .hint("check the repository of `--image`")),
        several => {
            let lines: Vec<_> = several.iter().map(|entry| entry.line.to_string()).collect();
            let message = format!(
                "`{path}`: {} entries for `{name}`, on lines {}",
                several.len(),
                lines.join(", ")
            );
            Err(OverlayRefusal::new(reasons::AMBIGUOUS, message).hint("remove all but one"))
        }
    }
}

/// Puts the value into the file as it is now: tag, digest and name as one.
fn edited(file: &File<'_>, good: &Target) -> Result<EditResult, OverlayRefusal> {
    let (rest, digest) = match good.text.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest.to_owned())),
        None => (good.text.as_str(), None),
    };
    let name_end = rest.rfind('/').map_or(0, |slash| slash + 1);
    let (name, tag) = match rest[name_end..].find(':') {
        Some(colon) => (
            &rest[..name_end + colon],
            Some(rest[name_end + colon + 1..].to_owned()),
        ),
        None => (rest, None),
    };
    let pin = if digest.is_some() {
        Pin::Digest
    } else {
        Pin::Tag
    };
    let update = ImageUpdate {
        names: vec![name.to_owned()],
        tag,
        digest,
        entry: Some(file.entry.clone()),
    };
    let options = EditOptions {
        pin,
        rename: true,
        ..EditOptions::default()
    };
    overlay::edit(file.content, &[update], &options).map_err(|refusal| OverlayRefusal {
        reason: refusal.kind.reason(),
        message: format!("`{}`: {refusal}", file.path),
        hint: Some("edit the file by hand, and commit".to_owned()),
    })
}

fn with_hint(refused: OverlayRefusal) -> OverlayRefusal {
    let hint = match refused.reason {
        PLATFORM_MISSING => {
            "pass `--allow-older` for the image before that one, or name this one with `--to` if no node needs the platform"
        }
        _ => "pass `--allow-older` for the image before that one, or name one with `--to`",
    };
    refused.hint(hint)
}

fn nothing_earlier(file: &File<'_>, bad: usize, passed_over: &[String]) -> OverlayRefusal {
    let values = &file.values;
    let bad = &values.list[bad].image;
    let reach = match values.list.last().filter(|_| values.is_whole) {
        Some(first) => format!(
            "the first one of this file came with {}",
            first.commit.short()
        ),
        None => format!("in the last {LOOKED_AT} changes of the file"),
    };
    let message = match passed_over {
        [] => format!(
            "`{}`: there is no image before {bad} that nobody called bad, {reach}",
            file.path
        ),
        all => format!(
            "`{}`: no image before {bad} is left, {reach}: {}",
            file.path,
            all.join("; ")
        ),
    };
    OverlayRefusal::new(NO_EARLIER_IMAGE, message).hint(
        "name an image with `--to`; a file that was moved and changed in one commit begins there",
    )
}
