//! Where two commits differ.

use branch::Ancestry;
use contract::{Commit, Failure, asking};
use fetch::FetchError;
use serde::Deserialize;

use super::ComparisonStatus;
use crate::{GitHub, api::Needs};

#[derive(Deserialize)]
struct ComparedFiles {
    status: ComparisonStatus,
    #[serde(default)]
    files: Vec<ChangedFile>,
}

#[derive(Deserialize)]
struct ChangedFile {
    filename: String,
    previous_filename: Option<String>,
}

/// Returns the paths at which two commits differ, as many as are asked for; GitHub tells 300 at most.
pub(super) async fn differences(
    github: &GitHub<'_>,
    one: &Commit,
    other: &Commit,
    most: usize,
) -> Result<Vec<String>, Failure> {
    let ComparedFiles { status, mut files } = compare(github, one, other).await?;
    if !Ancestry::from(status).contains_other() {
        // What is told is only what came after the last commit that both contain.
        files.extend(compare(github, other, one).await?.files);
    }
    let mut paths: Vec<String> = files
        .into_iter()
        .flat_map(|file| [Some(file.filename), file.previous_filename])
        .flatten()
        .collect();
    paths.sort();
    paths.dedup();
    paths.truncate(most);
    Ok(paths)
}

async fn compare(
    github: &GitHub<'_>,
    base: &Commit,
    head: &Commit,
) -> Result<ComparedFiles, Failure> {
    let path = format!("repos/{}/compare/{base}...{head}", github.repository);
    // The files are all on the first page, whatever it may hold of commits.
    let answer = github
        .api
        .get(&path, &[("per_page", "1")], None, Needs::Contents)
        .await?;
    if answer.status() == 404 {
        let what =
            format!("GitHub cannot compare {base} with {head}: they have no commit in common");
        return Err(FetchError::new(asking::NOT_THE_API, what).into());
    }
    Ok(answer.json()?)
}
