//! One commit onto the tip, and GitHub's answer.

use base64::Engine as _;
use branch::{
    BranchError, BranchName, CommitRequest, PushResult, Rejection, RejectionKind, Snapshot,
    TreeEntry,
};
use contract::{Commit, Failure, Verdict, asking};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    api::{ChangeError, GraphqlError, Nodes, TokenPermission},
    github::GitHub,
    signature::Signature,
};

/// The API cannot write this file: its commits have no modes, so every file loses its run bit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` has the run bit, which GitHub's API would take away")]
pub struct Unsupported {
    /// The path of the file.
    pub path: String,
}

const COMMIT: &str = "mutation Commit($input: CreateCommitOnBranchInput!) { \
     createCommitOnBranch(input: $input) { \
     commit { oid signature { isValid state } } } }";

const SIGNATURE: &str = "query Signature($owner: String!, $name: String!, $commit: GitObjectID!) { \
     repository(owner: $owner, name: $name) { object(oid: $commit) { \
     ... on Commit { signature { isValid state } } } } }";

const LATEST: &str = "query Latest($owner: String!, $name: String!, $branch: String!) { \
     repository(owner: $owner, name: $name) { ref(qualifiedName: $branch) { target { oid \
     ... on Commit { history(first: 50) { nodes { oid message \
     parents(first: 2) { nodes { oid } } } } } } } } }";

#[derive(Deserialize)]
struct CommitData {
    #[serde(rename = "createCommitOnBranch")]
    payload: Option<CommitPayload>,
}

#[derive(Deserialize)]
struct CommitPayload {
    commit: Option<CreatedCommit>,
}

#[derive(Deserialize)]
struct CreatedCommit {
    oid: Commit,
    signature: Option<Signature>,
}

impl GitHub<'_> {
    /// Returns whether the API can write these files.
    ///
    /// # Errors
    /// [`Unsupported`] with the first file that only git can write.
    pub fn supports(&self, onto: &Snapshot, request: &CommitRequest) -> Result<(), Unsupported> {
        let unsupported = request
            .files
            .iter()
            .find(|file| is_executable(onto, &file.path));
        match unsupported {
            Some(file) => Err(Unsupported {
                path: file.path.clone(),
            }),
            None => Ok(()),
        }
    }

    /// Asks what GitHub says about the signature of a commit; `None` when it has none.
    ///
    /// # Errors
    /// The [`Failure`] of the request: `unavailable` or `denied`.
    pub async fn signature(&self, commit: &Commit) -> Result<Option<Signature>, Failure> {
        if let Some((of, signature)) = &*self.signature.borrow()
            && of == commit
            && signature.is_valid
        {
            return Ok(Some(signature.clone()));
        }
        let variables = [("commit".to_owned(), commit.as_str().into())];
        let repository: Option<SignedRepository> = self
            .ask(SIGNATURE, variables, TokenPermission::Contents)
            .await?;
        Ok(repository.and_then(|repository| repository.object?.signature))
    }
}

fn is_executable(onto: &Snapshot, path: &str) -> bool {
    matches!(
        onto.entries.get(path),
        Some(TreeEntry::File {
            executable: true,
            ..
        })
    )
}

#[derive(Deserialize)]
struct SignedRepository {
    object: Option<SignedObject>,
}

#[derive(Deserialize)]
struct SignedObject {
    signature: Option<Signature>,
}

/// Commits onto the branch `name`, if its tip is still the tip of the snapshot.
pub(crate) async fn commit(
    github: &GitHub<'_>,
    name: &BranchName,
    onto: &Snapshot,
    request: &CommitRequest,
) -> Result<PushResult, BranchError> {
    github.supports(onto, request).map_err(Failure::internal)?;
    let input = input(github, name, onto, request);
    let data: Result<CommitData, ChangeError> = github
        .api
        .change(COMMIT, input, TokenPermission::ContentsWrite)
        .await;
    let failure = match data {
        Ok(data) => match data.payload.and_then(|payload| payload.commit) {
            Some(created) => return Ok(landed(github, created)),
            None => no_commit(),
        },
        Err(ChangeError::Refused(error)) => match refused(github, &error) {
            RefusedCommit::Decided(result) => return result,
            RefusedCommit::Vanished => return vanished(github, name).await,
            RefusedCommit::Unclear(failure) => failure,
        },
        Err(ChangeError::Failed(failure)) if may_have_been_sent(&failure) => failure,
        Err(ChangeError::Failed(failure)) => return Err(failure.into()),
    };
    settle(github, name, onto, request, failure).await
}

/// Returns whether a branch that GitHub did not find is there, as other writers may delete and make
/// it at any time.
async fn vanished(github: &GitHub<'_>, name: &BranchName) -> Result<PushResult, BranchError> {
    match latest(github, name).await? {
        Some(_) => Ok(PushResult::Moved),
        None => Err(BranchError::Missing),
    }
}

fn landed(github: &GitHub<'_>, created: CreatedCommit) -> PushResult {
    let commit = created.oid;
    let signature = created.signature;
    github
        .signature
        .replace(signature.map(|signature| (commit.clone(), signature)));
    PushResult::Landed {
        commit,
        said: Vec::new(),
    }
}

fn no_commit() -> Failure {
    let error = anyhow::anyhow!("GitHub's answer has neither the commit nor an error");
    Failure::unavailable(asking::NOT_THE_API, error)
}

fn input(
    github: &GitHub<'_>,
    name: &BranchName,
    onto: &Snapshot,
    request: &CommitRequest,
) -> Value {
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
        "branch": {
            "repositoryNameWithOwner": github.repository.to_string(),
            "branchName": name.as_str(),
        },
        "expectedHeadOid": onto.tip,
        "message": { "headline": headline, "body": body.trim_matches('\n') },
        "fileChanges": { "additions": files.collect::<Vec<_>>() },
    })
}

/// The meaning of an error that came instead of the commit.
enum RefusedCommit {
    Decided(Result<PushResult, BranchError>),
    /// The branch may have been deleted, and made again: the repository itself was read before.
    Vanished,
    /// The commit may have landed.
    Unclear(Failure),
}

fn refused(github: &GitHub<'_>, error: &GraphqlError) -> RefusedCommit {
    if error.kind == "STALE_DATA" || is_of_another_tip(&error.message) {
        return RefusedCommit::Decided(Ok(PushResult::Moved));
    }
    if let Some(rejection) = ruled_out(error) {
        return RefusedCommit::Decided(Ok(PushResult::Rejected(rejection)));
    }
    let failure = github.api.failure(error, TokenPermission::ContentsWrite);
    match error.kind.as_str() {
        "NOT_FOUND" => RefusedCommit::Vanished,
        "UNPROCESSABLE" => {
            let rejection = rejection(RejectionKind::Declined, &error.message);
            RefusedCommit::Decided(Ok(PushResult::Rejected(rejection)))
        }
        _ if failure.verdict == Verdict::Denied || failure.reason == asking::RATE_LIMITED => {
            RefusedCommit::Decided(Err(failure.into()))
        }
        _ => RefusedCommit::Unclear(failure),
    }
}

/// Returns whether the branch has another tip than the one of the request, or the server that was
/// asked does not know that tip yet.
fn is_of_another_tip(message: &str) -> bool {
    message.contains("Expected branch to point to")
        || message.contains("No commit exists with specified expectedHeadOid")
}

/// Returns the rejection, if the error is about a rule: on who may change a branch, or on what a
/// commit may contain.
///
/// GraphQL has an error type for classic branch protection, but none for rulesets, whose violations
/// come as `FORBIDDEN`.
pub(crate) fn ruled_out(error: &GraphqlError) -> Option<Rejection> {
    let kind = RejectionKind::of(&error.message);
    if error.kind == "BRANCH_PROTECTION_RULE_VIOLATION" {
        let message = format!("protected branch\n{}", error.message);
        return Some(rejection(
            kind.unwrap_or(RejectionKind::Protected),
            &message,
        ));
    }
    match kind? {
        // A missing permission has its own reason.
        RejectionKind::Forbidden => None,
        kind => Some(rejection(kind, &error.message)),
    }
}

/// Returns the failure when GitHub names a branch without its commit, which passes.
pub(crate) fn no_target(name: &str) -> Failure {
    let error = anyhow::anyhow!("GitHub does not say at which commit `{name}` is");
    Failure::unavailable(asking::SERVER_ERROR, error)
}

/// Splits a message: its first line says what happened, the lines below say why.
pub(crate) fn rejection(kind: RejectionKind, message: &str) -> Rejection {
    let mut lines = message
        .lines()
        .map(|line| line.trim().to_owned())
        .filter(|line| !line.is_empty());
    let word = lines.next().unwrap_or_default();
    Rejection {
        kind,
        word,
        lines: lines.collect(),
    }
}

/// Returns whether the request may have had an effect: not if GitHub refused it, or no connection
/// to GitHub was trusted.
fn may_have_been_sent(failure: &Failure) -> bool {
    failure.verdict == Verdict::Unavailable
        && ![asking::RATE_LIMITED, asking::UNTRUSTED_CERTIFICATE].contains(&failure.reason)
}

/// Finds out whether a commit without an answer has landed.
///
/// Only one commit can have come onto that tip, and it is this one if it has the same message. When
/// none has come, another attempt does no harm: if the first request arrives late, it finds another
/// tip.
async fn settle(
    github: &GitHub<'_>,
    name: &BranchName,
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
    let mut commits = latest.history.nodes.iter();
    match commits.find(|commit| commit.is_request(onto, request)) {
        Some(commit) => Ok(PushResult::Landed {
            commit: commit.oid.clone(),
            said: Vec::new(),
        }),
        None if latest.oid == onto.tip => Err(failure.into()),
        None => Ok(PushResult::Moved),
    }
}

#[derive(Deserialize)]
struct LatestRef {
    target: Option<LatestCommits>,
}

#[derive(Deserialize)]
struct LatestCommits {
    oid: Commit,
    history: Nodes<LatestCommit>,
}

#[derive(Deserialize)]
struct LatestCommit {
    oid: Commit,
    message: String,
    parents: Nodes<LatestParent>,
}

#[derive(Deserialize)]
struct LatestParent {
    oid: Commit,
}

impl LatestCommit {
    fn is_request(&self, onto: &Snapshot, request: &CommitRequest) -> bool {
        let parents = self.parents.nodes.iter().map(|parent| &parent.oid);
        // GitHub may add a line, such as a sign-off.
        parents.eq([&onto.tip]) && self.message.starts_with(request.message.trim_end())
    }
}

/// Returns the latest commits of a branch, if the branch exists.
async fn latest(github: &GitHub<'_>, name: &BranchName) -> Result<Option<LatestCommits>, Failure> {
    let found: Option<LatestRef> = github.ask_branch(name, LATEST, []).await?;
    found
        .map(|reference| reference.target.ok_or_else(|| no_target(name.as_str())))
        .transpose()
}
