//! The paths at which two commits differ.

use branch::{Ancestry, ChangedPaths, MAX_CHANGED_PATHS};
use contract::{Commit, Failure, asking};
use fetch::{FetchError, HttpAnswer};
use serde::Deserialize;

use super::comparison::{ComparisonStatus, has_no_common_ancestor};
use crate::{api::TokenPermission, github::GitHub};

/// The most files that GitHub lists.
const MAX_FILES: usize = 300;

#[derive(Deserialize)]
struct ComparedFiles {
    status: ComparisonStatus,
    #[serde(default)]
    files: Vec<ChangedFile>,
}

/// A commit, whose files are left out when there are none.
#[derive(Deserialize)]
struct CommitFiles {
    #[serde(default)]
    files: Vec<ChangedFile>,
}

#[derive(Deserialize)]
struct ChangedFile {
    filename: String,
    previous_filename: Option<String>,
}

impl ChangedFile {
    fn paths(self) -> impl Iterator<Item = String> {
        [Some(self.filename), self.previous_filename]
            .into_iter()
            .flatten()
    }
}

/// Returns the paths at which two commits differ, at most `most` of them; GitHub lists at most 300.
pub(super) async fn differences(
    github: &GitHub<'_>,
    one: &Commit,
    other: &Commit,
    most: usize,
) -> Result<Vec<String>, Failure> {
    let ComparedFiles { status, mut files } = compare(github, one, other).await?;
    if !Ancestry::from(status).contains_other() {
        // GitHub lists only the changes since the common ancestor, so the other side is asked for
        // too.
        files.extend(compare(github, other, one).await?.files);
    }
    let mut paths: Vec<String> = files.into_iter().flat_map(ChangedFile::paths).collect();
    paths.sort();
    paths.dedup();
    paths.truncate(most);
    Ok(paths)
}

/// Returns whether `head` changes only these paths against its common ancestor with `base`, as a pull
/// request shows it.
pub(crate) async fn changes_only(
    github: &GitHub<'_>,
    base: &Commit,
    head: &Commit,
    paths: &[String],
) -> Result<bool, Failure> {
    let files = compare(github, base, head).await?.files;
    let is_whole = files.len() < MAX_FILES;
    Ok(is_whole
        && files
            .into_iter()
            .flat_map(ChangedFile::paths)
            .all(|path| paths.contains(&path)))
}

/// Returns the paths that a commit changed against its first parent, as GitHub shows the commit;
/// `None` when the repository does not have it.
pub(super) async fn changed_paths(
    github: &GitHub<'_>,
    commit: &Commit,
) -> Result<Option<ChangedPaths>, Failure> {
    let path = format!("repos/{}/commits/{commit}", github.repository);
    let mut paths = Vec::new();
    // GitHub lists 300 files on a page, and 3,000 of a commit (REST API, "Get a commit").
    for page in 1..=MAX_CHANGED_PATHS / MAX_FILES {
        let page = page.to_string();
        let query = [("page", page.as_str())];
        let answer = github
            .api
            .get(&path, &query, None, TokenPermission::Contents)
            .await?;
        if [404, 422].contains(&answer.status()) {
            return Ok(None);
        }
        let files = answer.json::<CommitFiles>()?.files;
        paths.extend(files.into_iter().flat_map(ChangedFile::paths));
        if !has_next_page(&answer) {
            return Ok(Some(ChangedPaths {
                paths,
                is_complete: true,
            }));
        }
    }
    Ok(Some(ChangedPaths {
        paths,
        is_complete: false,
    }))
}

fn has_next_page(answer: &HttpAnswer) -> bool {
    let link = answer.header("link").unwrap_or_default();
    link.contains("rel=\"next\"")
}

/// The origin of a file that a commit brought.
pub(super) enum FileOrigin {
    Created,
    /// The commit moved it from this path.
    Moved(String),
    /// The commit changed more files than GitHub lists.
    Unknown,
}

/// Returns where a file was in the first parent of the commit that brought it.
pub(super) async fn origin(
    github: &GitHub<'_>,
    parent: &Commit,
    commit: &Commit,
    path: &str,
) -> Result<FileOrigin, Failure> {
    let files = compare(github, parent, commit).await?.files;
    let is_cut = files.len() >= MAX_FILES;
    let found = files.into_iter().find(|file| file.filename == path);
    Ok(match found {
        Some(ChangedFile {
            previous_filename: Some(earlier),
            ..
        }) => FileOrigin::Moved(earlier),
        // GitHub pairs only files that it lists.
        _ if is_cut => FileOrigin::Unknown,
        _ => FileOrigin::Created,
    })
}

async fn compare(
    github: &GitHub<'_>,
    base: &Commit,
    head: &Commit,
) -> Result<ComparedFiles, Failure> {
    let path = format!("repos/{}/compare/{base}...{head}", github.repository);
    // All files are on the first page, however few commits it has.
    let answer = github
        .api
        .get(&path, &[("per_page", "1")], None, TokenPermission::Contents)
        .await?;
    if answer.status() == 404 {
        let why = if has_no_common_ancestor(&answer) {
            "they have no common ancestor"
        } else {
            "it lacks one of them"
        };
        let error = format!("GitHub cannot compare {base} with {head}: {why}");
        return Err(FetchError::new(asking::NOT_THE_API, error).into());
    }
    Ok(answer.json()?)
}
