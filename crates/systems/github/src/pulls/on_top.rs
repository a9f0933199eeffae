//! A commit on top of a proposal's branch, where rules forbid to replace the commit there.

use branch::{Ancestry, BranchError, CommitRequest, FileContent, Snapshot, TreeEntry};
use contract::{Commit, Failure, asking};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{api::TokenPermission, github::GitHub, history};

/// An object that git data of REST names.
#[derive(Deserialize)]
struct NamedObject {
    sha: Commit,
}

#[derive(Deserialize)]
struct CommitObject {
    tree: NamedObject,
}

/// Makes a commit with the content of the snapshot's tip and the request, to which the branch at
/// `head` can be moved without force; it is on no branch yet.
///
/// Where the branch lacks the tip, the commit is a merge of both: the pull request then shows only
/// the request, and has no conflict, whatever was proposed before.
pub(super) async fn make(
    github: &GitHub<'_>,
    head: &Commit,
    onto: &Snapshot,
    request: &CommitRequest,
) -> Result<Commit, BranchError> {
    let has_tip = match history::compare(github, &onto.tip, head).await? {
        Some(ancestry) => matches!(ancestry, Ancestry::Same | Ancestry::Descendant),
        None => return Err(gone(head).into()),
    };
    let parents = if has_tip {
        vec![head]
    } else {
        vec![head, &onto.tip]
    };
    let tree = tree(github, onto, request).await?;
    let body = json!({ "message": request.message, "tree": tree, "parents": parents });
    let commit: NamedObject = post(github, "commits", &body).await?;
    Ok(commit.sha)
}

/// Makes the tree: that of the snapshot's tip, with the files of the request.
async fn tree(
    github: &GitHub<'_>,
    onto: &Snapshot,
    request: &CommitRequest,
) -> Result<Commit, Failure> {
    let path = format!("repos/{}/git/commits/{}", github.repository, onto.tip);
    let permission = TokenPermission::ContentsWrite;
    let answer = github.api.get(&path, &[], None, permission).await?;
    if answer.status() != 200 {
        return Err(gone(&onto.tip));
    }
    let base: CommitObject = answer.json()?;
    let entries = request.files.iter().map(|file| entry(onto, file));
    let entries = entries.collect::<Result<Vec<Value>, Failure>>()?;
    let body = json!({ "base_tree": base.tree.sha, "tree": entries });
    let tree: NamedObject = post(github, "trees", &body).await?;
    Ok(tree.sha)
}

/// Describes a file, which keeps its mode.
fn entry(onto: &Snapshot, file: &FileContent) -> Result<Value, Failure> {
    let mode = match onto.entries.get(&file.path) {
        Some(TreeEntry::File {
            executable: true, ..
        }) => "100755",
        _ => "100644",
    };
    let content = std::str::from_utf8(&file.content).map_err(Failure::internal)?;
    Ok(json!({ "path": file.path, "mode": mode, "type": "blob", "content": content }))
}

async fn post(github: &GitHub<'_>, what: &str, body: &Value) -> Result<NamedObject, Failure> {
    let path = format!("repos/{}/git/{what}", github.repository);
    let permission = TokenPermission::ContentsWrite;
    let answer = github.api.post(&path, body, permission).await?;
    Ok(answer.json()?)
}

/// Another run may have moved a branch, and GitHub forgets commits without one.
fn gone(commit: &Commit) -> Failure {
    let error = anyhow::anyhow!("GitHub no longer has {commit}");
    Failure::unavailable(asking::SERVER_ERROR, error)
}
