//! The objects that a query can reach.

use apollo_compiler::resolvers::ResolveInfo;

use super::deployment::{StoredDeployment, StoredStatus};
use super::fields::{argument, text};
use super::protection::Protection;
use super::pull::GitHubPull;

/// An object of the schema.
#[derive(Clone, Debug)]
pub(super) enum GraphQlNode {
    Query,
    Mutation,
    Viewer,
    /// The account of a login.
    Actor(String),
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
    PullRequest(GitHubPull),
    Deployment(StoredDeployment),
    DeploymentStatus(StoredStatus),
    /// A list, whole.
    List(&'static str, Vec<Self>),
    /// A page of a list.
    Page(&'static str, ListPage),
    /// Where the next page begins.
    PageInfo(Option<usize>),
    /// The payload of a mutation: one field.
    Payload(&'static str, Box<Self>),
    /// The payload of a mutation without a field that a client reads.
    Done(&'static str),
}

impl GraphQlNode {
    /// Returns the name of its type in the schema.
    pub(super) fn type_name(&self) -> &str {
        match self {
            Self::Query => "Query",
            Self::Mutation => "Mutation",
            Self::Viewer => "User",
            Self::Actor(login) if login.ends_with("[bot]") => "Bot",
            Self::Actor(_) => "User",
            Self::Repository => "Repository",
            Self::Ref(_) => "Ref",
            Self::Commit(_) => "Commit",
            Self::TreeEntry { .. } => "TreeEntry",
            Self::Tree => "Tree",
            Self::Blob(_) => "Blob",
            Self::Signature { .. } => "GpgSignature",
            Self::Comparison(_) => "Comparison",
            Self::UpdateRule(_) => "RefUpdateRule",
            Self::Rule(_) => "RepositoryRule",
            Self::PullRequest(_) => "PullRequest",
            Self::Deployment(_) => "Deployment",
            Self::DeploymentStatus(_) => "DeploymentStatus",
            Self::PageInfo(_) => "PageInfo",
            Self::List(name, _)
            | Self::Page(name, _)
            | Self::Payload(name, _)
            | Self::Done(name) => name,
        }
    }
}

/// One page of a list.
#[derive(Clone, Debug)]
pub(super) struct ListPage {
    pub(super) nodes: Vec<GraphQlNode>,
    pub(super) total: usize,
    /// Where the next page begins.
    pub(super) next: Option<usize>,
}

impl ListPage {
    /// Returns the page that the arguments ask for.
    pub(super) fn of(nodes: Vec<GraphQlNode>, info: &ResolveInfo<'_>) -> Self {
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
