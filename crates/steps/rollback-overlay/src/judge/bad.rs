//! Decides which value of a file is the bad one.

use branch::{Ancestry, CommitAncestry, CommitName, ImageValue, Revision, ValueOrigin};
use contract::Commit;
use overlay::OverlayRefusal;

use crate::{
    observe::{FileObservation, question::RollbackQuestion},
    reasons::{IN_DOUBT, NOT_IN_HISTORY},
    request::{BadImage, Request},
};

/// The bad value of a file.
pub(crate) enum BadValue {
    /// The place in the list of values.
    At(usize),
    /// The file never had the bad image.
    Never,
    /// A rollback has already restored the deployed image.
    RolledBack(String),
    /// The commit of `--undo` did not set the image, or a rollback is in doubt.
    NotSet(OverlayRefusal),
}

/// Finds the bad value.
///
/// # Errors
/// The next question, if the observation does not answer everything yet.
pub(crate) fn find(
    request: &Request,
    file: &FileObservation,
    deployed: &ImageValue,
) -> Result<BadValue, RollbackQuestion> {
    let values = &file.values;
    Ok(match &request.bad {
        BadImage::Named(bad) => position(file, |value| {
            values
                .reference(value)
                .is_some_and(|image| branch::is_same(&image, bad))
        }),
        BadImage::SetBy(commit) => return set_by(request, file, commit),
        BadImage::Deployed => {
            let first = file.first_deployed.as_ref().unwrap_or(&deployed.image);
            let restored = restored(file, deployed).filter(|_| *first == deployed.image);
            restored.unwrap_or_else(|| position(file, |value| value.image == *first))
        }
    })
}

/// Returns how the deployed image was restored, if it was: it is not the bad one then.
fn restored(file: &FileObservation, deployed: &ImageValue) -> Option<BadValue> {
    const FURTHER: &str = "pass `--bad` to go back further";
    let ImageValue { image, commit, .. } = deployed;
    if file.values.is_reverted_to(0) {
        return Some(BadValue::RolledBack(format!(
            "{image} was put back by {commit} already; {FURTHER}"
        )));
    }
    match deployed.origin {
        ValueOrigin::Rollback => Some(BadValue::RolledBack(format!(
            "{image} was restored by {commit} already; {FURTHER}"
        ))),
        ValueOrigin::MaybeRollback => {
            let path = &file.file.path;
            let message = format!(
                "`{path}`: {image} came with {commit}, which has the title of a rollback, but no \
                 longer its trailers"
            );
            let refusal = OverlayRefusal::new(IN_DOUBT, message);
            Some(BadValue::NotSet(refusal.hint(
                "pass `--bad` with the image that is bad, also to go back further",
            )))
        }
        ValueOrigin::Bump | ValueOrigin::Person => None,
    }
}

fn position(file: &FileObservation, is_bad: impl Fn(&ImageValue) -> bool) -> BadValue {
    match file.values.list.iter().position(is_bad) {
        Some(at) => BadValue::At(at),
        None => BadValue::Never,
    }
}

/// Finds the value that a commit set: itself, or the merge that brought it.
fn set_by(
    request: &Request,
    file: &FileObservation,
    commit: &CommitName,
) -> Result<BadValue, RollbackQuestion> {
    let revisions = file.history.revisions.iter();
    let mut matching = revisions.filter(|revision| commit.matches(revision.commit.as_str()));
    let setting = match (matching.next(), matching.next()) {
        (Some(one), None) => brings(file, &one.commit),
        (None, _) => brought(request, file, commit)?,
        // An abbreviation that fits two commits names neither.
        (Some(_), Some(_)) => None,
    };
    if let Some(setting) = setting
        && let BadValue::At(at) = position(file, |value| value.commit == *setting)
    {
        return Ok(BadValue::At(at));
    }
    let path = &file.file.path;
    let refusal = OverlayRefusal::new(
        NOT_IN_HISTORY,
        format!("`{path}`: {commit} did not set the image here"),
    );
    Ok(BadValue::NotSet(refusal.hint(
        "pass a commit of `git log --first-parent -- FILE`, or the bad image with `--bad`",
    )))
}

/// Returns the commit of the branch that brought the value that a commit set.
fn brings<'f>(file: &'f FileObservation, commit: &'f Commit) -> Option<&'f Commit> {
    let mut list = file.values.list.iter();
    let value = list.find(|value| value.commit == *commit || value.set_by == *commit);
    value.map(|value| &value.commit)
}

/// Returns the revision that brought a commit, if this commit set its image: the oldest revision
/// that contains the commit while its parent does not.
fn brought<'f>(
    request: &Request,
    file: &'f FileObservation,
    commit: &CommitName,
) -> Result<Option<&'f Commit>, RollbackQuestion> {
    let revisions: Vec<&Revision> = file.history.on_branch().collect();
    let names: Vec<CommitName> = revisions
        .iter()
        .map(|revision| (&revision.commit).into())
        .collect();
    let ancestry = ancestry(file, commit, names)?;
    let (Some(at), Some(whole)) = (last_descendant(ancestry), &ancestry.commit) else {
        return Ok(None);
    };
    let Some(parent) = &revisions[at].parent else {
        return Ok(None);
    };
    let before = self::ancestry(file, commit, vec![parent.into()])?;
    let is_new = last_descendant(before).is_none() && whole != parent;
    let has_set = is_new && has_set(request, file, whole, revisions[at])?;
    Ok(has_set.then_some(&revisions[at].commit))
}

fn ancestry<'f>(
    file: &'f FileObservation,
    commit: &CommitName,
    others: Vec<CommitName>,
) -> Result<&'f CommitAncestry, RollbackQuestion> {
    let known = file.ancestry.iter().find(|(known, _)| *known == others);
    match known {
        Some((_, ancestry)) => Ok(ancestry),
        None => Err(RollbackQuestion::Ancestry {
            commit: commit.clone(),
            others,
        }),
    }
}

/// Returns the last of the others that contains the commit.
fn last_descendant(ancestry: &CommitAncestry) -> Option<usize> {
    ancestry
        .others
        .iter()
        .rposition(|(ancestry, _)| *ancestry == Ancestry::Ancestor)
}

/// Returns whether a commit set the image that a merge brought: a merge can bring many commits.
fn has_set(
    request: &Request,
    file: &FileObservation,
    commit: &Commit,
    merge: &Revision,
) -> Result<bool, RollbackQuestion> {
    let Some(revisions) = &file.undo_revisions else {
        return Err(RollbackQuestion::Revisions(commit.clone()));
    };
    let image = |revision: &Revision| {
        let text = revision.content.as_deref()?;
        file.file.image_in(text, &request.entry)
    };
    let wanted = image(merge);
    let set = revisions
        .first()
        .filter(|revision| revision.commit == *commit);
    let before = revisions.get(1);
    Ok(set.is_some_and(|set| image(set) == wanted) && before.and_then(image) != wanted)
}
