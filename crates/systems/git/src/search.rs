//! Whether a commit has landed, when its push got no answer.

use std::collections::HashSet;

use branch::BranchName;
use contract::Commit;

use crate::{
    error::GitAnswer,
    fetch::{FetchFilter, fetch_branch},
    objects,
    program::GitCall,
};

/// How far back the search for a commit goes that was pushed moments ago.
const DEPTH: &str = "--depth=200";

/// Returns whether the commit is the branch's tip or an ancestor of it.
pub(crate) async fn contains(
    call: &GitCall<'_>,
    name: &BranchName,
    commit: &Commit,
) -> GitAnswer<bool> {
    fetch_branch(call, name, DEPTH, FetchFilter::OnlyCommits).await?;
    let store = call.repository.objects()?;
    let wanted = objects::id(commit)?;
    let mut open = vec![objects::id(&call.repository.tip()?)?];
    let mut seen = HashSet::new();
    while let Some(id) = open.pop() {
        if id == wanted {
            return Ok(true);
        }
        if !seen.insert(id) {
            continue;
        }
        // A missing commit lies beyond the depth.
        open.extend(objects::parents(&store, id)?.unwrap_or_default());
    }
    Ok(false)
}
