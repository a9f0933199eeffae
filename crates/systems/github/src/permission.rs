//! The permissions of a token.

/// The permission that a query or a change permission, as in a workflow's `permissions:`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenPermission {
    Contents,
    ContentsWrite,
    Deployments,
    PullRequestsWrite,
}

impl TokenPermission {
    pub(crate) fn line(self) -> &'static str {
        match self {
            Self::Contents => "contents: read",
            Self::ContentsWrite => "contents: write",
            Self::Deployments => "deployments: read",
            Self::PullRequestsWrite => "pull-requests: write",
        }
    }
}
