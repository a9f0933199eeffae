//! The resolvers of GraphQL: each object returns its own fields.

use apollo_compiler::resolvers::{FieldError, ObjectValue, ResolveInfo, ResolvedValue};
use serde_json::Value;

use super::deployment::StoredDeployment;
use super::error::error;
use super::fields::{argument, text};
use super::hub::{ForcePushes, Hub};
use super::node::{GraphQlNode, ListPage};
use super::protection::Protection;
use super::pull::{GitHubPull, GitHubPullState};
use super::token::GitHubToken;

/// An object, and the token of the client that reads it.
pub(super) struct GraphQlObject<'h> {
    hub: &'h Hub,
    token: &'h GitHubToken,
    node: GraphQlNode,
}

type Resolved<'a> = Result<ResolvedValue<'a>, FieldError>;

impl<'h> GraphQlObject<'h> {
    pub(super) fn root(hub: &'h Hub, token: &'h GitHubToken, changes: bool) -> Self {
        Self {
            hub,
            token,
            node: if changes {
                GraphQlNode::Mutation
            } else {
                GraphQlNode::Query
            },
        }
    }

    fn object(&self, node: GraphQlNode) -> ResolvedValue<'h> {
        ResolvedValue::object(Self {
            hub: self.hub,
            token: self.token,
            node,
        })
    }

    fn maybe(&self, node: Option<GraphQlNode>) -> Resolved<'h> {
        Ok(node.map_or_else(ResolvedValue::null, |node| self.object(node)))
    }

    fn require(&self, permission: &str) -> Result<(), FieldError> {
        if self.token.may(permission) {
            return Ok(());
        }
        Err(error("FORBIDDEN", "Resource not accessible by integration"))
    }

    fn query(&self, info: &ResolveInfo<'_>) -> Resolved<'h> {
        if info.field_name() == "viewer" {
            return Ok(self.object(GraphQlNode::Viewer));
        }
        let name = format!("{}/{}", text(info, "owner"), text(info, "name"));
        if name == self.hub.repository {
            return Ok(self.object(GraphQlNode::Repository));
        }
        let message = format!("Could not resolve to a Repository with the name '{name}'.");
        Err(error("NOT_FOUND", message))
    }

    fn repository(&self, info: &ResolveInfo<'_>) -> Resolved<'h> {
        match info.field_name() {
            "id" => Ok(ResolvedValue::leaf("R_1")),
            "ref" => {
                self.require("contents: read")?;
                let name = text(info, "qualifiedName");
                let name = name.strip_prefix("refs/heads/").unwrap_or(&name);
                self.maybe(
                    self.hub
                        .tip(name)
                        .map(|_| GraphQlNode::Ref(name.to_owned())),
                )
            }
            "defaultBranchRef" => {
                self.require("contents: read")?;
                Ok(self.object(GraphQlNode::Ref("main".to_owned())))
            }
            "object" => {
                self.require("contents: read")?;
                let expression = argument(info, "expression").as_str().map(str::to_owned);
                let name = expression.unwrap_or_else(|| text(info, "oid"));
                self.maybe(self.hub.object(&name))
            }
            "pullRequest" => {
                self.require("pull-requests: read")?;
                let number = argument(info, "number").as_u64().unwrap_or_default();
                self.maybe(self.hub.pull(number).map(GraphQlNode::PullRequest))
            }
            "pullRequests" => {
                self.require("pull-requests: read")?;
                let nodes = self.open_pulls(
                    &argument(info, "baseRefName"),
                    &argument(info, "headRefName"),
                );
                Ok(self.object(GraphQlNode::List("PullRequestConnection", nodes)))
            }
            "deployments" => {
                self.require("deployments: read")?;
                let found = self.hub.deployments_to(&argument(info, "environments"));
                let nodes = found.into_iter().map(GraphQlNode::Deployment).collect();
                let page = ListPage::of(nodes, info);
                Ok(self.object(GraphQlNode::Page("DeploymentConnection", page)))
            }
            _ => Err(self.unknown_field_error(info)),
        }
    }

    /// Returns the open pull requests from `head` to `base`; null stands for any branch.
    fn open_pulls(&self, base: &Value, head: &Value) -> Vec<GraphQlNode> {
        let is = |wanted: &Value, name: &str| wanted.is_null() || wanted == name;
        let pulls = self.hub.pulls.borrow();
        let found = pulls.iter().filter(|pull| {
            pull.state == GitHubPullState::Open && is(base, &pull.base) && is(head, &pull.head)
        });
        found.cloned().map(GraphQlNode::PullRequest).collect()
    }

    fn deployment(&self, deployment: &StoredDeployment, info: &ResolveInfo<'_>) -> Resolved<'h> {
        Ok(match info.field_name() {
            "payload" => ResolvedValue::leaf(deployment.payload.as_str()),
            "createdAt" => ResolvedValue::leaf(deployment.created.as_str()),
            "creator" => self.object(GraphQlNode::Actor(deployment.creator.clone())),
            "statuses" => {
                let nodes = deployment
                    .statuses
                    .iter()
                    .cloned()
                    .map(GraphQlNode::DeploymentStatus)
                    .collect();
                self.object(GraphQlNode::Page(
                    "DeploymentStatusConnection",
                    ListPage::of(nodes, info),
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
            "target" => Ok(self.object(GraphQlNode::Commit(tip()))),
            "compare" => self.maybe(
                self.hub
                    .compare(&tip(), &text(info, "headRef"))
                    .map(GraphQlNode::Comparison),
            ),
            "refUpdateRule" => self.maybe(
                protection
                    .filter(|rules| rules.classic)
                    .cloned()
                    .map(GraphQlNode::UpdateRule),
            ),
            "rules" => {
                let rules = protection.filter(|rules| !rules.classic);
                let is_ruled = self.hub.force_pushes == ForcePushes::Ruled;
                let nodes = rules
                    .into_iter()
                    .flat_map(Protection::kinds)
                    .chain(is_ruled.then_some("NON_FAST_FORWARD"))
                    .map(GraphQlNode::Rule)
                    .collect();
                Ok(self.object(GraphQlNode::List("RepositoryRuleConnection", nodes)))
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
                    .map(GraphQlNode::Commit)
                    .collect();
                Ok(self.object(GraphQlNode::List("CommitConnection", nodes)))
            }
            "history" => self.history(id, info),
            "signature" => self.signature(id, &commit.author),
            _ => Err(self.unknown_field_error(info)),
        }
    }

    fn history(&self, id: &str, info: &ResolveInfo<'_>) -> Resolved<'h> {
        if argument(info, "first").as_u64() > Some(100) {
            let message = "Requesting more than 100 records";
            return Err(error("EXCESSIVE_PAGINATION", message));
        }
        let path = argument(info, "path").as_str().map(str::to_owned);
        let mut git = vec!["log", "--format=%H", id, "--"];
        git.extend(path.as_deref());
        let log = self.hub.remote.git(&git);
        let commits = log.lines().map(str::to_owned).map(GraphQlNode::Commit);
        let page = ListPage::of(commits.collect(), info);
        Ok(self.object(GraphQlNode::Page("CommitHistoryConnection", page)))
    }

    /// GitHub signs the commits that it makes itself: those of apps, and merges.
    fn signature(&self, id: &str, author: &str) -> Resolved<'h> {
        let merged = GitHubPullState::Merged(id.to_owned());
        let by_github = author.ends_with("[bot]")
            || self
                .hub
                .pulls
                .borrow()
                .iter()
                .any(|pull| pull.state == merged);
        let is_rewritten = self.hub.unsigned.borrow().iter().any(|commit| commit == id);
        let signed = by_github && self.hub.signs && !is_rewritten;
        self.maybe(signed.then_some(GraphQlNode::Signature { valid: true }))
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

    fn pull(&self, pull: &GitHubPull, info: &ResolveInfo<'_>) -> Resolved<'h> {
        Ok(match info.field_name() {
            "mergeCommit" => {
                return self.maybe(match &pull.state {
                    GitHubPullState::Merged(commit) => Some(GraphQlNode::Commit(commit.clone())),
                    _ => None,
                });
            }
            "commits" => self.object(self.pull_commits(pull)),
            "id" => ResolvedValue::leaf(pull.id()),
            "number" => ResolvedValue::leaf(pull.number),
            "url" => ResolvedValue::leaf(pull.url()),
            "title" => ResolvedValue::leaf(pull.title.as_str()),
            "body" => ResolvedValue::leaf(pull.body.as_str()),
            "headRefName" => ResolvedValue::leaf(pull.head.as_str()),
            "headRefOid" => ResolvedValue::leaf(self.hub.tip(&pull.head).unwrap_or_default()),
            "author" => self.object(GraphQlNode::Actor(pull.author.clone())),
            "isCrossRepository" => ResolvedValue::leaf(pull.fork),
            _ => return Err(self.unknown_field_error(info)),
        })
    }

    fn pull_commits(&self, pull: &GitHubPull) -> GraphQlNode {
        let commits = self.hub.tip(&pull.head).into_iter().map(|tip| {
            GraphQlNode::Payload("PullRequestCommit", Box::new(GraphQlNode::Commit(tip)))
        });
        GraphQlNode::List("PullRequestCommitConnection", commits.collect())
    }

    fn mutation(&self, info: &ResolveInfo<'_>) -> Resolved<'h> {
        let input = argument(info, "input");
        let node = match info.field_name() {
            "createCommitOnBranch" | "createRef" | "updateRefs" => {
                self.require("contents: write")?;
                self.change_contents(info, &input)?
            }
            "createPullRequest" | "updatePullRequest" => {
                self.require("pull-requests: write")?;
                self.change_pull(info, &input)?
            }
            _ => return Err(self.unknown_field_error(info)),
        };
        Ok(self.object(node))
    }

    fn change_contents(
        &self,
        info: &ResolveInfo<'_>,
        input: &Value,
    ) -> Result<GraphQlNode, FieldError> {
        Ok(match info.field_name() {
            "createCommitOnBranch" => {
                let commit = GraphQlNode::Commit(self.hub.create_commit(self.token, input)?);
                GraphQlNode::Payload("CreateCommitOnBranchPayload", Box::new(commit))
            }
            "createRef" => {
                self.hub.create_ref(input)?;
                GraphQlNode::Done("CreateRefPayload")
            }
            _ => {
                self.hub.update_refs(input)?;
                GraphQlNode::Done("UpdateRefsPayload")
            }
        })
    }

    fn change_pull(
        &self,
        info: &ResolveInfo<'_>,
        input: &Value,
    ) -> Result<GraphQlNode, FieldError> {
        if info.field_name() == "createPullRequest" {
            let pull = GraphQlNode::PullRequest(self.hub.open(self.token, input)?);
            return Ok(GraphQlNode::Payload(
                "CreatePullRequestPayload",
                Box::new(pull),
            ));
        }
        self.hub.update_pull(input)?;
        Ok(GraphQlNode::Done("UpdatePullRequestPayload"))
    }
}

impl ObjectValue for GraphQlObject<'_> {
    fn type_name(&self) -> &str {
        self.node.type_name()
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
        match &self.node {
            GraphQlNode::Query => self.query(info),
            GraphQlNode::Mutation => self.mutation(info),
            GraphQlNode::Repository => self.repository(info),
            GraphQlNode::Ref(name) => self.reference(name, info),
            GraphQlNode::Commit(id) => self.commit(id, info),
            GraphQlNode::Blob(id) => self.blob(id, info),
            GraphQlNode::PullRequest(pull) => self.pull(pull, info),
            GraphQlNode::Deployment(deployment) => self.deployment(deployment, info),
            GraphQlNode::Payload(_, node) => Ok(self.object(GraphQlNode::clone(node))),
            GraphQlNode::Done(_) => Ok(ResolvedValue::null()),
            node => self.simple_field(node, info),
        }
    }
}

impl<'h> GraphQlObject<'h> {
    /// Returns a field of an object that is little more than its fields.
    fn simple_field<'a>(&'a self, node: &'a GraphQlNode, info: &ResolveInfo<'_>) -> Resolved<'a> {
        Ok(match (node, info.field_name()) {
            (GraphQlNode::Viewer, "login") => leaf(self.token.login),
            // GraphQL shows the login of an app's account without its ending.
            (GraphQlNode::Actor(login), "login") => leaf(login.trim_end_matches("[bot]")),
            (GraphQlNode::TreeEntry { mode, .. }, "mode") => ResolvedValue::leaf(*mode),
            (GraphQlNode::TreeEntry { id, .. }, "oid") => leaf(id),
            (GraphQlNode::TreeEntry { kind, id, .. }, "object") => match kind.as_str() {
                "blob" => self.object(GraphQlNode::Blob(id.clone())),
                "tree" => self.object(GraphQlNode::Tree),
                _ => ResolvedValue::null(),
            },
            (GraphQlNode::Signature { valid }, "isValid") => ResolvedValue::leaf(*valid),
            (GraphQlNode::Signature { .. }, "state") => leaf("VALID"),
            (GraphQlNode::Comparison(status), "status") => leaf(status),
            (GraphQlNode::UpdateRule(rules), "requiredStatusCheckContexts") => {
                ResolvedValue::list(rules.checks.iter().map(|check| leaf(check)))
            }
            (GraphQlNode::UpdateRule(_), "allowsForcePushes") => ResolvedValue::leaf(true),
            (GraphQlNode::Rule(kind), "type") => leaf(kind),
            (GraphQlNode::List(_, nodes), "nodes") => self.objects(nodes),
            (GraphQlNode::Page(_, page), "nodes") => self.objects(&page.nodes),
            (GraphQlNode::Page(_, page), "totalCount") => ResolvedValue::leaf(page.total),
            (GraphQlNode::Page(_, page), "pageInfo") => {
                self.object(GraphQlNode::PageInfo(page.next))
            }
            (GraphQlNode::PageInfo(next), "hasNextPage") => ResolvedValue::leaf(next.is_some()),
            (GraphQlNode::PageInfo(Some(next)), "endCursor") => {
                ResolvedValue::leaf(next.to_string())
            }
            (GraphQlNode::PageInfo(None), "endCursor") => ResolvedValue::null(),
            (GraphQlNode::DeploymentStatus(status), "state") => leaf(&status.state),
            (GraphQlNode::DeploymentStatus(status), "createdAt") => leaf(&status.created),
            (GraphQlNode::DeploymentStatus(status), "creator") => {
                self.object(GraphQlNode::Actor(status.creator.clone()))
            }
            _ => return Err(self.unknown_field_error(info)),
        })
    }

    fn objects<'a>(&'a self, nodes: &'a [GraphQlNode]) -> ResolvedValue<'a> {
        ResolvedValue::list(nodes.iter().map(|node| self.object(node.clone())))
    }
}

fn leaf(text: &str) -> ResolvedValue<'_> {
    ResolvedValue::leaf(text)
}
