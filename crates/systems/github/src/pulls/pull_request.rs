//! A pull request, as the API returns it.

use contract::Commit;
use serde::Deserialize;

use crate::account::AccountNode;

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
    /// The tip of its branch.
    pub(super) head_ref_oid: Commit,
    /// The account that opened it; GitHub names no deleted account.
    pub(super) author: Option<Box<AccountNode>>,
    pub(super) is_cross_repository: bool,
}
