//! Decides which value of a file is the bad one.

use branch::{Ancestry, CommitAncestry, CommitName, ImageValue, Revision};
use contract::Commit;
use overlay::OverlayRefusal;

use crate::{
    observe::{FileObservation, question::RollbackQuestion},
    reasons::NOT_IN_HISTORY,
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
    /// The commit of `--undo` did not set the image.
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
                .is_some_and(|image| branch::is_same_version(&image, bad))
        }),
        BadImage::SetBy(commit) => return set_by(request, file, commit),
        BadImage::Deployed => {
            let first = file.first_deployed.as_ref().unwrap_or(&deployed.image);
            if *first == deployed.image && deployed.trailers.is_rollback() {
                return Ok(BadValue::RolledBack(format!(
                    "{} was restored by {} already; pass `--bad` to go back further",
                    deployed.image, deployed.commit
                )));
            }
            position(file, |value| value.image == *first)
        }
    })
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
    let mut matching = file
        .history
        .revisions
        .iter()
        .map(|revision| &revision.commit)
        .filter(|id| commit.matches(id.as_str()));
    let setting = match (matching.next(), matching.next()) {
        (Some(one), None) => Some(one),
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

/// Returns the revision that brought a commit, if this commit set its image: the oldest revision
/// that contains the commit while its parent does not.
fn brought<'f>(
    request: &Request,
    file: &'f FileObservation,
    commit: &CommitName,
) -> Result<Option<&'f Commit>, RollbackQuestion> {
    let revisions = &file.history.revisions;
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
    let has_set = is_new && has_set(request, file, whole, &revisions[at])?;
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
