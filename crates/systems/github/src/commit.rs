//! One commit onto the tip, and what GitHub made of it.

use base64::Engine as _;
use branch::{
    BranchError, BranchName as Name, CommitRequest, PushResult, Rejection, RejectionKind, Snapshot,
    TreeEntry,
};
use contract::{Commit, Failure, Verdict, asking};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    GitHub,
    api::{Needs, Nodes, Refusal, Said},
};

/// The API's commits have no modes: every file that it writes is an ordinary one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` has the run bit, which GitHub's API would take away")]
pub struct Unsupported {
    /// Where the file is.
    pub path: String,
}

/// What GitHub says about the signature of a commit.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Signature {
    /// Whether GitHub calls the commit verified.
    #[serde(rename = "isValid")]
    pub is_valid: bool,
    /// Why, or why not (`VALID`, `UNSIGNED`, `UNKNOWN_KEY`).
    pub state: String,
}

const COMMIT: &str = "mutation Commit($input: CreateCommitOnBranchInput!) { createCommitOnBranch(input: $input) { \
     commit { oid signature { isValid state } } } }";

const SIGNATURE: &str = "query Signature($owner: String!, $name: String!, $commit: GitObjectID!) { \
     repository(owner: $owner, name: $name) { object(oid: $commit) { \
     ... on Commit { signature { isValid state } } } } }";

const LATEST: &str = "query Latest($owner: String!, $name: String!, $branch: String!) { \
     repository(owner: $owner, name: $name) { ref(qualifiedName: $branch) { target { oid ... on Commit { \
     history(first: 50) { nodes { oid message parents(first: 2) { nodes { oid } } } } } } } } }";

#[derive(Deserialize)]
struct Done {
    #[serde(rename = "createCommitOnBranch")]
    payload: Option<Payload>,
}

#[derive(Deserialize)]
struct Payload {
    commit: Option<Made>,
}

#[derive(Deserialize)]
struct Made {
    oid: Commit,
    signature: Option<Signature>,
}

/// Returns the first file that cannot be written this way.
pub(crate) fn supports(onto: &Snapshot, request: &CommitRequest) -> Result<(), Unsupported> {
    let executable = |path: &String| {
        matches!(
            onto.entries.get(path),
            Some(TreeEntry::File {
                executable: true,
                ..
            })
        )
    };
    match request.files.iter().find(|file| executable(&file.path)) {
        Some(file) => Err(Unsupported {
            path: file.path.clone(),
        }),
        None => Ok(()),
    }
}

/// Commits onto the branch `name`, if its tip still is that of the snapshot.
pub(crate) async fn commit(
    github: &GitHub<'_>,
    name: &Name,
    onto: &Snapshot,
    request: &CommitRequest,
) -> Result<PushResult, BranchError> {
    supports(onto, request).map_err(Failure::internal)?;
    match github
        .api
        .change::<Done>(
            COMMIT,
            input(github, name, onto, request),
            Needs::ContentsWrite,
        )
        .await
    {
        Ok(Done {
            payload: Some(Payload { commit: Some(made) }),
        }) => {
            github.signature.replace(
                made.signature
                    .map(|signature| (made.oid.clone(), signature)),
            );
            Ok(PushResult::Landed {
                commit: made.oid,
                said: Vec::new(),
            })
        }
        Ok(_) => {
            let failure =
                anyhow::anyhow!("GitHub said neither that it made the commit nor why not");
            settle(
                github,
                name,
                onto,
                request,
                Failure::unavailable(asking::NOT_THE_API, failure),
            )
            .await
        }
        Err(Refusal::Said(said)) => judge(github, name, onto, request, &said).await,
        Err(Refusal::Failed(failure)) if may_have_been_sent(&failure) => {
            settle(github, name, onto, request, failure).await
        }
        Err(Refusal::Failed(failure)) => Err(failure.into()),
    }
}

fn input(github: &GitHub<'_>, name: &Name, onto: &Snapshot, request: &CommitRequest) -> Value {
    let encode = |bytes: &[u8]| base64::prelude::BASE64_STANDARD.encode(bytes);
    let files = request
        .files
        .iter()
        .map(|file| json!({ "path": file.path, "contents": encode(&file.content) }));
    let (headline, body) = request
        .message
        .split_once('\n')
        .unwrap_or((&request.message, ""));
    json!({
        "branch": { "repositoryNameWithOwner": github.repository.to_string(), "branchName": name.as_str() },
        "expectedHeadOid": onto.tip,
        "message": { "headline": headline, "body": body.trim_matches('\n') },
        "fileChanges": { "additions": files.collect::<Vec<_>>() },
    })
}

/// Sorts out what GitHub said instead of making the commit.
async fn judge(
    github: &GitHub<'_>,
    name: &Name,
    onto: &Snapshot,
    request: &CommitRequest,
    said: &Said,
) -> Result<PushResult, BranchError> {
    if said.kind == "STALE_DATA" || said.message.contains("Expected branch to point to") {
        return Ok(PushResult::Moved);
    }
    if let Some(rejection) = protected(said) {
        return Ok(PushResult::Rejected(rejection));
    }
    match said.kind.as_str() {
        "UNPROCESSABLE" => Ok(PushResult::Rejected(rejection(
            RejectionKind::Declined,
            &said.message,
        ))),
        "FORBIDDEN" | "INSUFFICIENT_SCOPES" | "RATE_LIMITED" => {
            Err(github.api.failure(said, Needs::ContentsWrite).into())
        }
        // Not found: the branch may have been deleted meanwhile. Anything else: it may have landed.
        _ => {
            let failure = github.api.failure(said, Needs::ContentsWrite);
            settle(github, name, onto, request, failure).await
        }
    }
}

/// Rules about who may change a branch, and how, as protected branches and rulesets say them.
const PROTECTED: [&str; 4] = [
    "repository rule violations",
    "protected branch",
    "through a pull request",
    "approving review",
];

/// Returns the rejection by a rule about who may change a branch, if it is one.
///
/// GraphQL has a type for the classic protection of branches and none for rulesets.
pub(crate) fn protected(said: &Said) -> Option<Rejection> {
    let text = said.message.to_ascii_lowercase();
    if said.kind == "BRANCH_PROTECTION_RULE_VIOLATION" {
        let message = format!("protected branch\n{}", said.message);
        return Some(rejection(RejectionKind::Protected, &message));
    }
    let protected = PROTECTED.iter().any(|word| text.contains(word));
    protected.then(|| rejection(RejectionKind::Protected, &said.message))
}

/// Takes a message apart: what happened on the first line, below it why.
pub(crate) fn rejection(kind: RejectionKind, message: &str) -> Rejection {
    let mut lines = message
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(str::to_owned);
    let word = lines.next().unwrap_or_default();
    Rejection {
        kind,
        word,
        lines: lines.collect(),
    }
}

/// A refusal is an answer; what was not let out or not let in has changed nothing.
fn may_have_been_sent(failure: &Failure) -> bool {
    failure.verdict == Verdict::Unavailable
        && ![asking::RATE_LIMITED, asking::UNTRUSTED_CERTIFICATE].contains(&failure.reason)
}

/// Finds out what became of a commit without an answer. Only one commit can have come onto that tip,
/// and it is ours if it has our message; when there is none yet, trying again does no harm: if the
/// first one arrives after all, the second finds another tip.
async fn settle(
    github: &GitHub<'_>,
    name: &Name,
    onto: &Snapshot,
    request: &CommitRequest,
    failure: Failure,
) -> Result<PushResult, BranchError> {
    let latest = match latest(github, name).await {
        Ok(Some(latest)) => latest,
        Ok(None) => return Err(BranchError::Missing),
        Err(second) => {
            let doubt = format!("could not find out whether the commit has landed on `{name}`");
            return Err(second.context(doubt).into());
        }
    };
    let ours = |commit: &&LatestCommit| {
        commit
            .parents
            .nodes
            .iter()
            .map(|parent| &parent.oid)
            .eq([&onto.tip])
            && commit.message.trim_end() == request.message.trim_end()
    };
    match latest.history.nodes.iter().find(ours) {
        Some(commit) => Ok(PushResult::Landed {
            commit: commit.oid.clone(),
            said: Vec::new(),
        }),
        None if latest.oid == onto.tip => Err(failure.into()),
        None => Ok(PushResult::Moved),
    }
}

#[derive(Deserialize)]
struct Latest {
    oid: Commit,
    history: Nodes<LatestCommit>,
}

#[derive(Deserialize)]
struct LatestCommit {
    oid: Commit,
    message: String,
    parents: Nodes<Parent>,
}

#[derive(Deserialize)]
struct Parent {
    oid: Commit,
}

/// Returns the latest commits of a branch, if it is there.
async fn latest(github: &GitHub<'_>, name: &Name) -> Result<Option<Latest>, Failure> {
    #[derive(Deserialize)]
    struct Reference {
        target: Latest,
    }
    let found: Option<Reference> = github.ask_branch(name, LATEST, []).await?;
    Ok(found.map(|reference| reference.target))
}

/// Returns what GitHub says about a commit's signature; `None` when it has none.
pub(crate) async fn signature(
    github: &GitHub<'_>,
    commit: &Commit,
) -> Result<Option<Signature>, Failure> {
    #[derive(Deserialize)]
    struct Repository {
        object: Option<Object>,
    }
    #[derive(Deserialize)]
    struct Object {
        signature: Option<Signature>,
    }
    if let Some((of, signature)) = &*github.signature.borrow()
        && of == commit
        && signature.is_valid
    {
        return Ok(Some(signature.clone()));
    }
    let variables = [("commit".to_owned(), commit.as_str().into())];
    let repository: Option<Repository> = github.ask(SIGNATURE, variables, Needs::Contents).await?;
    Ok(repository.and_then(|repository| repository.object?.signature))
}
