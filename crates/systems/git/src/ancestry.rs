//! How commits relate: only commits are fetched, and the end of the fetched history is never taken
//! for the beginning of the whole history.

mod graph;

use branch::{CommitAncestry, CommitName};
use contract::Commit;

use crate::{
    error::{GitAnswer, GitError},
    fetch::{DEPTHS, FetchFilter, fetch},
    program::GitCall,
};
use graph::{AncestryFinding, BRANCHES, CommitGraph};

/// The number of commits missing at the remote after which no more are asked for one by one.
const MAX_MISSING_COMMITS: usize = 5;

/// Returns how a commit relates to others, which come newest first.
///
/// A deployed commit is usually a near ancestor of the new one, so the search begins among the new
/// commit's ancestors. When the first of the others is not among them, or a deeper fetch does not
/// reach the rest, the others are fetched as well, with their own ancestors.
pub(crate) async fn ancestry(
    call: &GitCall<'_>,
    commit: &CommitName,
    others: &[CommitName],
) -> GitAnswer<CommitAncestry> {
    let mut wanted = WantedCommits {
        commits: commit.whole().into_iter().collect(),
        branches: commit.whole().is_none(),
        only_branches: false,
    };
    let mut is_wide = wanted.branches;
    for (step, depth) in DEPTHS.iter().enumerate() {
        wanted.fetch(call, depth).await?;
        is_wide |= wanted.only_branches;
        let graph = CommitGraph::new(call, step, wanted.only_branches).await?;
        let open = match graph.find(commit, others, is_wide)? {
            AncestryFinding::Certain(ancestry) => return Ok(ancestry),
            AncestryFinding::Open { at } => at,
        };
        if is_wide || (step == 0 && open > 0) {
            continue;
        }
        is_wide = true;
        wanted.widen(others);
        wanted.fetch(call, depth).await?;
        let graph = CommitGraph::new(call, step, wanted.only_branches).await?;
        if let AncestryFinding::Certain(ancestry) = graph.find(commit, others, is_wide)? {
            return Ok(ancestry);
        }
    }
    Err(GitError::history_cut())
}

/// The commits to fetch.
struct WantedCommits {
    commits: Vec<Commit>,
    /// Whether to fetch all branches: an abbreviated commit can only be found in their history.
    branches: bool,
    /// Whether the remote serves the history of its branches, and no commit by its id.
    only_branches: bool,
}

impl WantedCommits {
    fn widen(&mut self, others: &[CommitName]) {
        self.commits
            .extend(others.iter().filter_map(CommitName::whole));
        self.branches = others.iter().any(|other| other.whole().is_none());
    }

    /// Fetches all that the remote has of them, and drops the commits that it does not have.
    ///
    /// A remote names only one missing commit per request. When many are missing, only the history
    /// of the branches is fetched: asking for the rest one by one would cost more than it could
    /// tell.
    async fn fetch(&mut self, call: &GitCall<'_>, depth: &str) -> GitAnswer<()> {
        let branches = format!("+refs/heads/*:{BRANCHES}*");
        let mut missing = 0;
        while !self.commits.is_empty() || self.branches {
            let mut wanted = Vec::new();
            wanted.extend(self.branches.then_some(branches.as_str()));
            wanted.extend(self.commits.iter().map(Commit::as_str));
            let Err(error) = fetch(call, depth, FetchFilter::OnlyCommits, &wanted).await else {
                break;
            };
            if error.is_about_ids() && !self.only_branches {
                (self.only_branches, self.branches) = (true, true);
                self.commits.clear();
                continue;
            }
            let before = self.commits.len();
            self.commits
                .retain(|commit| !error.is_missing_commit(commit));
            if self.commits.len() == before {
                return Err(error);
            }
            missing += 1;
            if missing == MAX_MISSING_COMMITS {
                self.commits.truncate(1);
                self.branches = true;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use branch::Ancestry;

    #[test]
    fn words_of_older_recordings_are_read() {
        let read = |word: &str| serde_json::from_value::<Ancestry>(word.into()).unwrap();
        assert_eq!(
            ["after", "before", "apart", "unknown"].map(read),
            ["descendant", "ancestor", "diverged", "unknown"].map(read)
        );
    }
}
