//! A pull request, as the API returns it.

use serde::Deserialize;

/// A pull request.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PullRequest {
    pub(super) id: String,
    /// Its number.
    pub number: u64,
    /// Its page.
    pub url: String,
    pub(super) title: String,
    pub(super) body: String,
    pub(super) head_ref_name: String,
    pub(super) is_cross_repository: bool,
}
