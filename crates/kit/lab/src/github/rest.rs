//! The REST API: the few resources that GraphQL lacks, or has in a lesser form.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::hub::Hub;
use super::openapi::{self, RestOperation};
use super::pull::GitHubPullState;
use super::token::GitHubToken;
use crate::faulty::{ScriptedReply, SeenRequest};
use crate::image::sha256;

pub(super) fn answer(
    hub: &Hub,
    token: &GitHubToken,
    seen: &SeenRequest,
    path: &str,
) -> ScriptedReply {
    let operation = match openapi::operation(&seen.method, path) {
        Ok(operation) => operation,
        Err(complaint) => {
            hub.complain(complaint);
            return not_found();
        }
    };
    match find(hub, token, seen, &operation) {
        Some(Ok(values)) => {
            let body = operation.example(&values);
            if let Some(complaint) = operation.wrong(&body) {
                hub.complain(complaint);
            }
            match &*seen.method {
                "POST" => ScriptedReply::json(201, &body),
                _ => tagged(seen, &body),
            }
        }
        Some(Err(reply)) => reply,
        None => not_found(),
    }
}

/// Returns the values of the answer; `None` when the resource does not exist.
fn find(
    hub: &Hub,
    token: &GitHubToken,
    seen: &SeenRequest,
    operation: &RestOperation,
) -> Option<Result<Value, ScriptedReply>> {
    if format!("{}/{}", operation.part("owner"), operation.part("repo")) != hub.repository {
        return None;
    }
    let (permission, values) = match operation.template {
        "/repos/{owner}/{repo}/git/blobs/{file_sha}" => {
            ("contents: read", blob(hub, operation.part("file_sha")))
        }
        "/repos/{owner}/{repo}/git/commits/{commit_sha}" => (
            "contents: read",
            hub.git_commit(operation.part("commit_sha")),
        ),
        "/repos/{owner}/{repo}/commits/{ref}" => match hub.commit_with_files(operation.part("ref"))
        {
            Some(commit) => ("contents: read", Some(commit)),
            None => {
                let message = format!("No commit found for SHA: {}", operation.part("ref"));
                let body = json!({
                    "message": message, "status": "422",
                    "documentation_url": "https://docs.github.com/rest/commits/commits#get-a-commit"
                });
                return Some(Err(ScriptedReply::json(422, &body)));
            }
        },
        "/repos/{owner}/{repo}/git/trees" => ("contents: write", hub.create_tree(&sent(seen))),
        "/repos/{owner}/{repo}/git/commits" => {
            ("contents: write", hub.create_git_commit(&sent(seen)))
        }
        "/repos/{owner}/{repo}/compare/{basehead}" if is_unrelated(hub, operation) => {
            let (base, head) = operation.part("basehead").split_once("...")?;
            let message = format!("No common ancestor between {base} and {head}.");
            return Some(Err(missing(&message)));
        }
        "/repos/{owner}/{repo}/compare/{basehead}" => (
            "contents: read",
            compare(
                hub,
                operation.part("basehead"),
                seen.path.contains("page=2"),
            ),
        ),
        "/repos/{owner}/{repo}/pulls/{pull_number}" => (
            "pull-requests: read",
            pull(hub, operation.part("pull_number")),
        ),
        template => {
            hub.complain(format!("the lab has no {template}"));
            return None;
        }
    };
    if !token.may(permission) {
        let body = json!({ "message": "Resource not accessible by integration", "status": "403" });
        return Some(Err(ScriptedReply::json(403, &body)));
    }
    values.map(Ok)
}

fn sent(seen: &SeenRequest) -> Value {
    serde_json::from_slice(&seen.body).unwrap_or_default()
}

fn blob(hub: &Hub, id: &str) -> Option<Value> {
    let bytes = hub.remote.try_git(&["cat-file", "blob", id])?;
    // Lines of 60 characters, as GitHub sends them.
    let text = BASE64_STANDARD.encode(&bytes);
    let lines = text
        .as_bytes()
        .chunks(60)
        .map(|line| String::from_utf8_lossy(line).into_owned() + "\n");
    let content: String = lines.collect();
    Some(json!({ "sha": id, "size": bytes.len(), "content": content, "encoding": "base64" }))
}

/// Returns whether both commits of a comparison exist, and have nothing in common.
fn is_unrelated(hub: &Hub, operation: &RestOperation) -> bool {
    let Some((base, head)) = operation.part("basehead").split_once("...") else {
        return false;
    };
    let exists = |id: &str| hub.remote.try_git(&["cat-file", "-e", id]).is_some();
    exists(base) && exists(head) && hub.compare(base, head).is_none()
}

/// The first page has all files.
fn compare(hub: &Hub, range: &str, is_second: bool) -> Option<Value> {
    let (base, head) = range.split_once("...")?;
    let status = hub.compare(base, head)?.to_ascii_lowercase();
    let files = if is_second {
        Vec::new()
    } else {
        hub.files(base, head)
    };
    Some(json!({ "status": status, "files": files }))
}

fn pull(hub: &Hub, number: &str) -> Option<Value> {
    let number = number.parse().ok()?;
    match hub.merge_in.get() {
        Some(0 | 1) => {
            hub.merge_in.set(None);
            hub.merge(number);
        }
        Some(polls) => hub.merge_in.set(Some(polls - 1)),
        None => {}
    }
    let pull = hub.pull(number)?;
    let (state, commit) = match &pull.state {
        GitHubPullState::Open => ("open", None),
        GitHubPullState::Closed => ("closed", None),
        GitHubPullState::Merged(commit) => ("closed", Some(commit)),
    };
    let head = hub.tip(&pull.head).unwrap_or_default();
    // An open pull request has the commit of a test merge.
    let commit_there = commit.unwrap_or(&head);
    let commit_there = (!hub.hides_merge_commits).then_some(commit_there);
    Some(json!({
        "number": number, "state": state, "merged": commit.is_some(),
        "merge_commit_sha": commit_there,
        "html_url": pull.url(), "body": pull.body, "head": { "ref": pull.head, "sha": head },
        "base": { "ref": pull.base },
        // The example lacks this field, which its schema requires.
        "requested_teams": [],
    }))
}

/// Answers with an entity tag, or with nothing if the client has that one.
fn tagged(seen: &SeenRequest, body: &Value) -> ScriptedReply {
    let tag = format!("\"{}\"", sha256(body.to_string().as_bytes()));
    let reply = if seen.header("if-none-match") == Some(&tag) {
        ScriptedReply::status(304)
    } else {
        ScriptedReply::json(200, body)
    };
    reply.header("ETag", &tag)
}

fn not_found() -> ScriptedReply {
    missing("Not Found")
}

fn missing(message: &str) -> ScriptedReply {
    let url = "https://docs.github.com/rest";
    ScriptedReply::json(
        404,
        &json!({ "message": message, "documentation_url": url, "status": "404" }),
    )
}
