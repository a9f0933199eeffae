//! What GraphQL can be asked about: each object answers for its own fields.

use apollo_compiler::resolvers::{FieldError, ObjectValue, ResolveInfo, ResolvedValue};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use super::deployments::{Deployment, Status};
use super::graphql::error;
use super::hub::{Hub, Protection, Token};
use super::pulls::{Pull, State};
use crate::repo::Change;

/// An object, and who looks at it.
pub(super) struct Object<'h> {
    hub: &'h Hub,
    token: &'h Token,
    node: Node,
}

/// What there is.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Query,
    Mutation,
    Viewer,
    Repository,
    Ref(String),
    Commit(String),
    TreeEntry {
        mode: u32,
        kind: String,
        id: String,
    },
    Tree,
    Blob(String),
    Signature {
        valid: bool,
    },
    Comparison(&'static str),
    UpdateRule(Protection),
    Rule(&'static str),
    PullRequest(Pull),
    Deployment(Deployment),
    DeploymentStatus(Status),
    /// A list that is one page.
    Page(&'static str, Vec<Self>),
    /// A page of a list that may have more.
    Part(&'static str, Part),
    /// Where the next page begins.
    PageInfo(Option<usize>),
    /// What a mutation returns: one field.
    Payload(&'static str, Box<Self>),
    /// What a mutation returns that nobody reads.
    Done(&'static str),
}

/// What is on a page.
#[derive(Clone, Debug)]
pub(super) struct Part {
    nodes: Vec<Node>,
    total: usize,
    /// Where the next page begins.
    next: Option<usize>,
}

impl Part {
    /// Cuts out of a list what is asked for.
    fn of(nodes: Vec<Node>, info: &ResolveInfo<'_>) -> Self {
        let total = nodes.len();
        let start = text(info, "after").parse().unwrap_or(0);
        let first = argument(info, "first")
            .as_u64()
            .and_then(|first| first.try_into().ok());
        let end = total.min(start + first.unwrap_or(total));
        let nodes = nodes.into_iter().take(end).skip(start).collect();
        Self {
            nodes,
            total,
            next: (end < total).then_some(end),
        }
    }
}

type Resolved<'a> = Result<ResolvedValue<'a>, FieldError>;

impl<'h> Object<'h> {
    pub(super) fn root(hub: &'h Hub, token: &'h Token, changes: bool) -> Self {
        Self {
            hub,
            token,
            node: if changes { Node::Mutation } else { Node::Query },
        }
    }

    fn object(&self, node: Node) -> ResolvedValue<'h> {
        ResolvedValue::object(Self {
            hub: self.hub,
            token: self.token,
            node,
        })
    }

    fn maybe(&self, node: Option<Node>) -> Resolved<'h> {
        Ok(node.map_or_else(ResolvedValue::null, |node| self.object(node)))
    }

    fn require(&self, permission: &str) -> Result<(), FieldError> {
        match self.token.may(permission) {
            true => Ok(()),
            false => Err(error("FORBIDDEN", "Resource not accessible by integration")),
        }
    }

    fn query(&self, info: &ResolveInfo<'_>) -> Resolved<'h> {
        if info.field_name() == "viewer" {
            return Ok(self.object(Node::Viewer));
        }
        let name = format!("{}/{}", text(info, "owner"), text(info, "name"));
        match name == self.hub.repository {
            true => Ok(self.object(Node::Repository)),
            false => {
                let message = format!("Could not resolve to a Repository with the name '{name}'.");
                Err(error("NOT_FOUND", message))
            }
        }
    }

    fn repository(&self, info: &ResolveInfo<'_>) -> Resolved<'h> {
        match info.field_name() {
            "id" => Ok(ResolvedValue::leaf("R_1")),
            "ref" => {
                self.require("contents: read")?;
                let name = text(info, "qualifiedName");
                let name = name.strip_prefix("refs/heads/").unwrap_or(&name);
                self.maybe(self.hub.tip(name).map(|_| Node::Ref(name.to_owned())))
            }
            "object" => {
                self.require("contents: read")?;
                let named = argument(info, "expression");
                let name = named
                    .as_str()
                    .map_or_else(|| text(info, "oid"), str::to_owned);
                self.maybe(self.hub.object(&name))
            }
            "pullRequests" => {
                self.require("pull-requests: read")?;
                let (base, head) = (argument(info, "baseRefName"), argument(info, "headRefName"));
                let is = |wanted: &Value, name: &str| wanted.is_null() || wanted == name;
                let fits = |pull: &&Pull| {
                    pull.state == State::Open && is(&base, &pull.base) && is(&head, &pull.head)
                };
                let pulls = self.hub.pulls.borrow();
                let nodes = pulls
                    .iter()
                    .filter(fits)
                    .cloned()
                    .map(Node::PullRequest)
                    .collect();
                Ok(self.object(Node::Page("PullRequestConnection", nodes)))
            }
            "deployments" => {
                self.require("deployments: read")?;
                let found = self.hub.deployments_to(&argument(info, "environments"));
                let nodes = found.into_iter().map(Node::Deployment).collect();
                Ok(self.object(Node::Part("DeploymentConnection", Part::of(nodes, info))))
            }
            _ => Err(self.unknown_field_error(info)),
        }
    }

    fn deployment(&self, deployment: &Deployment, info: &ResolveInfo<'_>) -> Resolved<'h> {
        Ok(match info.field_name() {
            "payload" => ResolvedValue::leaf(deployment.payload.as_str()),
            "createdAt" => ResolvedValue::leaf(deployment.created.as_str()),
            "statuses" => {
                let nodes = deployment
                    .statuses
                    .iter()
                    .cloned()
                    .map(Node::DeploymentStatus)
                    .collect();
                self.object(Node::Part(
                    "DeploymentStatusConnection",
                    Part::of(nodes, info),
                ))
            }
            _ => return Err(self.unknown_field_error(info)),
        })
    }

    fn reference(&self, name: &str, info: &ResolveInfo<'_>) -> Resolved<'h> {
        let tip = || self.hub.remote.tip(name);
        let protection = self.hub.protections.get(name);
        match info.field_name() {
            "id" => Ok(ResolvedValue::leaf(format!("REF_{name}"))),
            "name" => Ok(ResolvedValue::leaf(name)),
            "target" => Ok(self.object(Node::Commit(tip()))),
            "compare" => self.maybe(
                self.hub
                    .compare(&tip(), &text(info, "headRef"))
                    .map(Node::Comparison),
            ),
            "refUpdateRule" => self.maybe(
                protection
                    .filter(|rules| rules.classic)
                    .cloned()
                    .map(Node::UpdateRule),
            ),
            "rules" => {
                let rules = protection.filter(|rules| !rules.classic);
                let nodes = rules
                    .into_iter()
                    .flat_map(Protection::kinds)
                    .map(Node::Rule)
                    .collect();
                Ok(self.object(Node::Page("RepositoryRuleConnection", nodes)))
            }
            _ => Err(self.unknown_field_error(info)),
        }
    }

    fn commit(&self, id: &str, info: &ResolveInfo<'_>) -> Resolved<'h> {
        let commit = self.hub.commit(id);
        match info.field_name() {
            "oid" => Ok(ResolvedValue::leaf(id)),
            "message" => Ok(ResolvedValue::leaf(commit.message)),
            "authoredDate" => Ok(ResolvedValue::leaf(
                humantime::format_rfc3339_seconds(commit.date).to_string(),
            )),
            "file" => self.maybe(self.hub.entry(id, &text(info, "path"))),
            "parents" => {
                let count = argument(info, "first").as_u64().unwrap_or(u64::MAX) as usize;
                let nodes = commit
                    .parents
                    .into_iter()
                    .take(count)
                    .map(Node::Commit)
                    .collect();
                Ok(self.object(Node::Page("CommitConnection", nodes)))
            }
            "history" => {
                if argument(info, "first").as_u64() > Some(100) {
                    return Err(error(
                        "EXCESSIVE_PAGINATION",
                        "Requesting more than 100 records",
                    ));
                }
                let path = argument(info, "path").as_str().map(str::to_owned);
                let mut git = vec!["log", "--format=%H", id, "--"];
                git.extend(path.as_deref());
                let log = self.hub.remote.git(&git);
                let nodes = log.lines().map(|id| Node::Commit(id.to_owned())).collect();
                Ok(self.object(Node::Part("CommitHistoryConnection", Part::of(nodes, info))))
            }
            "signature" => {
                let merged = State::Merged(id.to_owned());
                let by_github = commit.author.ends_with("[bot]")
                    || self
                        .hub
                        .pulls
                        .borrow()
                        .iter()
                        .any(|pull| pull.state == merged);
                self.maybe((by_github && self.hub.signs).then_some(Node::Signature { valid: true }))
            }
            _ => Err(self.unknown_field_error(info)),
        }
    }

    fn blob(&self, id: &str, info: &ResolveInfo<'_>) -> Resolved<'h> {
        let bytes = self.hub.read(id).map(|blob| blob.bytes).unwrap_or_default();
        match info.field_name() {
            "oid" => Ok(ResolvedValue::leaf(id)),
            "byteSize" => Ok(ResolvedValue::leaf(bytes.len())),
            "text" if bytes.contains(&0) => Ok(ResolvedValue::null()),
            "text" => {
                let shown = &bytes[..bytes.len().min(self.hub.text_limit)];
                Ok(ResolvedValue::leaf(
                    String::from_utf8_lossy(shown).into_owned(),
                ))
            }
            _ => Err(self.unknown_field_error(info)),
        }
    }

    fn pull(&self, pull: &Pull, info: &ResolveInfo<'_>) -> Resolved<'h> {
        Ok(match info.field_name() {
            "id" => ResolvedValue::leaf(pull.id()),
            "number" => ResolvedValue::leaf(pull.number),
            "url" => ResolvedValue::leaf(pull.url()),
            "title" => ResolvedValue::leaf(pull.title.as_str()),
            "body" => ResolvedValue::leaf(pull.body.as_str()),
            "headRefName" => ResolvedValue::leaf(pull.head.as_str()),
            "isCrossRepository" => ResolvedValue::leaf(pull.fork),
            _ => return Err(self.unknown_field_error(info)),
        })
    }

    fn mutation(&self, info: &ResolveInfo<'_>) -> Resolved<'h> {
        let input = argument(info, "input");
        let pulls = || self.require("pull-requests: write");
        let node = match info.field_name() {
            "createCommitOnBranch" => {
                self.require("contents: write")?;
                Node::Payload(
                    "CreateCommitOnBranchPayload",
                    Box::new(self.create_commit(&input)?),
                )
            }
            "createRef" => {
                self.require("contents: write")?;
                self.hub.create_ref(&input)?;
                Node::Done("CreateRefPayload")
            }
            "updateRefs" => {
                self.require("contents: write")?;
                self.hub.update_refs(&input)?;
                Node::Done("UpdateRefsPayload")
            }
            "createPullRequest" => {
                pulls()?;
                let pull = self.hub.open(self.token, &input)?;
                Node::Payload(
                    "CreatePullRequestPayload",
                    Box::new(Node::PullRequest(pull)),
                )
            }
            "updatePullRequest" => {
                pulls()?;
                self.hub.change(&input, |pull| {
                    pull.title = input["title"]
                        .as_str()
                        .map_or(pull.title.clone(), str::to_owned);
                    pull.body = input["body"]
                        .as_str()
                        .map_or(pull.body.clone(), str::to_owned);
                    if input["state"] == "CLOSED" {
                        pull.state = State::Closed;
                    }
                })?;
                Node::Done("UpdatePullRequestPayload")
            }
            _ => return Err(self.unknown_field_error(info)),
        };
        Ok(self.object(node))
    }

    fn create_commit(&self, input: &Value) -> Result<Node, FieldError> {
        let hub = self.hub;
        if let Some(race) = hub.race.take() {
            race(&hub.remote);
        }
        let branch = field(&input["branch"], "branchName");
        let missing = || {
            error(
                "NOT_FOUND",
                format!("Could not resolve to a Ref with the name '{branch}'."),
            )
        };
        let tip = hub.tip(&branch).ok_or_else(missing)?;
        let expected = field(input, "expectedHeadOid");
        if tip != expected {
            let message = format!(
                "Expected branch to point to \"{expected}\" but it did not.  Pull and try again."
            );
            return Err(error("STALE_DATA", message));
        }
        if let Some(rules) = hub
            .protections
            .get(&branch)
            .filter(|_| !self.token.bypasses)
        {
            return Err(rules.violated());
        }
        if let Some(lines) = &hub.declined {
            return Err(error("UNPROCESSABLE", lines));
        }
        let (headline, body) = (
            field(&input["message"], "headline"),
            field(&input["message"], "body"),
        );
        let message = format!("{headline}\n\n{body}").trim_end().to_owned();
        let additions = input["fileChanges"]["additions"].as_array();
        let additions = additions
            .into_iter()
            .flatten()
            .map(addition)
            .collect::<Result<Vec<_>, _>>()?;
        let author = format!("{0} <{0}@users.noreply.github.com>", self.token.login);
        Ok(Node::Commit(
            hub.remote.change_as(&author, &branch, &additions, &message),
        ))
    }
}

fn addition(addition: &Value) -> Result<Change, FieldError> {
    let content = BASE64_STANDARD.decode(field(addition, "contents"));
    let content = content.map_err(|_| error("UNPROCESSABLE", "invalid base64"))?;
    Ok(Change::file(&field(addition, "path"), content))
}

impl ObjectValue for Object<'_> {
    fn type_name(&self) -> &str {
        match &self.node {
            Node::Query => "Query",
            Node::Mutation => "Mutation",
            Node::Viewer => "User",
            Node::Repository => "Repository",
            Node::Ref(_) => "Ref",
            Node::Commit(_) => "Commit",
            Node::TreeEntry { .. } => "TreeEntry",
            Node::Tree => "Tree",
            Node::Blob(_) => "Blob",
            Node::Signature { .. } => "GpgSignature",
            Node::Comparison(_) => "Comparison",
            Node::UpdateRule(_) => "RefUpdateRule",
            Node::Rule(_) => "RepositoryRule",
            Node::PullRequest(_) => "PullRequest",
            Node::Deployment(_) => "Deployment",
            Node::DeploymentStatus(_) => "DeploymentStatus",
            Node::PageInfo(_) => "PageInfo",
            Node::Part(name, _)
            | Node::Page(name, _)
            | Node::Payload(name, _)
            | Node::Done(name) => name,
        }
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
        match (&self.node, info.field_name()) {
            (Node::Query, _) => self.query(info),
            (Node::Mutation, _) => self.mutation(info),
            (Node::Viewer, "login") => Ok(ResolvedValue::leaf(self.token.login)),
            (Node::Repository, _) => self.repository(info),
            (Node::Ref(name), _) => self.reference(name, info),
            (Node::Commit(id), _) => self.commit(id, info),
            (Node::TreeEntry { mode, .. }, "mode") => Ok(ResolvedValue::leaf(*mode)),
            (Node::TreeEntry { id, .. }, "oid") => Ok(ResolvedValue::leaf(id.as_str())),
            (Node::TreeEntry { kind, id, .. }, "object") => self.maybe(match kind.as_str() {
                "blob" => Some(Node::Blob(id.clone())),
                "tree" => Some(Node::Tree),
                _ => None,
            }),
            (Node::Blob(id), _) => self.blob(id, info),
            (Node::Signature { valid }, "isValid") => Ok(ResolvedValue::leaf(*valid)),
            (Node::Signature { .. }, "state") => Ok(ResolvedValue::leaf("VALID")),
            (Node::Comparison(status), "status") => Ok(ResolvedValue::leaf(*status)),
            (Node::UpdateRule(rules), "requiredStatusCheckContexts") => Ok(ResolvedValue::list(
                rules.checks.iter().map(|check| ResolvedValue::leaf(*check)),
            )),
            (Node::Rule(kind), "type") => Ok(ResolvedValue::leaf(*kind)),
            (Node::PullRequest(pull), _) => self.pull(pull, info),
            (Node::Page(_, nodes), "nodes") => Ok(ResolvedValue::list(
                nodes.iter().map(|node| self.object(node.clone())),
            )),
            (Node::Part(_, part), "nodes") => Ok(ResolvedValue::list(
                part.nodes.iter().map(|node| self.object(node.clone())),
            )),
            (Node::Part(_, part), "totalCount") => Ok(ResolvedValue::leaf(part.total)),
            (Node::Part(_, part), "pageInfo") => Ok(self.object(Node::PageInfo(part.next))),
            (Node::PageInfo(next), "hasNextPage") => Ok(ResolvedValue::leaf(next.is_some())),
            (Node::PageInfo(next), "endCursor") => Ok(next
                .map_or_else(ResolvedValue::null, |next| {
                    ResolvedValue::leaf(next.to_string())
                })),
            (Node::Deployment(deployment), _) => self.deployment(deployment, info),
            (Node::DeploymentStatus(status), "state") => {
                Ok(ResolvedValue::leaf(status.state.as_str()))
            }
            (Node::DeploymentStatus(status), "createdAt") => {
                Ok(ResolvedValue::leaf(status.created.as_str()))
            }
            (Node::Payload(_, node), _) => Ok(self.object(Node::clone(node))),
            (Node::Done(_), _) => Ok(ResolvedValue::null()),
            _ => Err(self.unknown_field_error(info)),
        }
    }
}

impl Protection {
    /// Returns the kinds of its rules, as rulesets call them.
    fn kinds(&self) -> Vec<&'static str> {
        let checks = (!self.checks.is_empty()).then_some("REQUIRED_STATUS_CHECKS");
        ["PULL_REQUEST"].into_iter().chain(checks).collect()
    }

    /// Returns what is said to whoever commits onto the branch directly.
    fn violated(&self) -> FieldError {
        let checks = self
            .checks
            .iter()
            .map(|check| format!("Required status check \"{check}\" is expected."));
        let checks: Vec<String> = checks.collect();
        if self.classic {
            let review = format!(
                "At least {} approving review is required.",
                self.reviews.max(1)
            );
            return error(
                "BRANCH_PROTECTION_RULE_VIOLATION",
                [vec![review], checks].concat().join("\n"),
            );
        }
        let lines = [
            vec!["Changes must be made through a pull request.".to_owned()],
            checks,
        ]
        .concat();
        error(
            "UNPROCESSABLE",
            format!(
                "Repository rule violations found\n\n{}\n\n",
                lines.join("\n\n")
            ),
        )
    }
}

fn argument(info: &ResolveInfo<'_>, name: &str) -> Value {
    info.arguments()
        .get(name)
        .and_then(|value| serde_json::to_value(value).ok())
        .unwrap_or_default()
}

fn text(info: &ResolveInfo<'_>, name: &str) -> String {
    argument(info, name).as_str().unwrap_or_default().to_owned()
}

/// Returns a text of an input.
pub(super) fn field(input: &Value, name: &str) -> String {
    input[name].as_str().unwrap_or_default().to_owned()
}
