//! Asks a repository how a revision relates to the commit.

use branch::{Ancestry, BranchName, CommitName, History as _, InvalidBranchName};
use contract::{Commit, Failure, Verdict, World, world::Origin};
use git::Git;

/// The repository's answer about a revision and the commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RevisionAncestry {
    /// How the revision relates to the commit.
    pub(crate) ancestry: Ancestry,
    /// Whether the branch contains the commit, if the repository could tell.
    pub(crate) in_branch: Option<bool>,
    /// The error, if the repository could not be asked.
    pub(crate) error: Option<String>,
}

/// Describes a repository and a branch of it, by default its default branch; this sends nothing.
///
/// # Errors
/// A `usage` [`Failure`] when the address is invalid, or the branch is a pattern.
pub(crate) fn open_repository<'w>(
    world: &'w World,
    remote: &str,
    branch: Option<&str>,
) -> Result<Git<'w>, Failure> {
    let name: BranchName = branch
        .unwrap_or("HEAD")
        .parse()
        .map_err(|error: InvalidBranchName| Failure::usage(error))?;
    Git::new(world, remote, name)
}

/// A revision and the commit, in the repository of both.
pub(super) struct AncestryQuestion<'a> {
    pub(super) remote: &'a str,
    /// The server that named the remote, if the request did not.
    pub(super) named_by: Option<&'a Origin>,
    /// The branch that the application tracks; `None` for the default branch.
    pub(super) branch: Option<&'a str>,
    pub(super) commit: &'a Commit,
    pub(super) revision: &'a Commit,
}

impl AncestryQuestion<'_> {
    /// Asks the repository.
    ///
    /// # Errors
    /// `internal` when a recording has no answer. Any other failure is an answer: its error.
    pub(super) async fn ask(&self, world: &World) -> Result<RevisionAncestry, Failure> {
        match self.ask_git(world).await {
            Err(failure) if failure.verdict != Verdict::Internal => Ok(RevisionAncestry {
                ancestry: Ancestry::Unknown,
                in_branch: None,
                error: Some(failure.summary()),
            }),
            answer => answer,
        }
    }

    async fn ask_git(&self, world: &World) -> Result<RevisionAncestry, Failure> {
        if let Some(server) = self.named_by {
            git::check_lead(server, self.remote)?;
        }
        let mut git = open_repository(world, self.remote, self.branch)?;
        if self.named_by.is_some() {
            git = git.named_by_a_server();
        }
        let tip = git.tip().await?;
        // Most often both are near: the commit is an ancestor of the tip, and the revision one of
        // the commit. So one request asks for both.
        let others: Vec<CommitName> = tip
            .iter()
            .chain([self.revision])
            .map(CommitName::from)
            .collect();
        let found = git.ancestry(&self.commit.into(), &others).await?;
        let answers: Vec<Ancestry> = found
            .others
            .into_iter()
            .map(|(ancestry, _)| ancestry)
            .collect();
        Ok(RevisionAncestry {
            ancestry: answers
                .last()
                .map_or(Ancestry::Unknown, |ancestry| ancestry.reversed()),
            in_branch: tip.map(|tip| tip == *self.commit || answers[0] == Ancestry::Ancestor),
            error: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use branch::Ancestry::{Ancestor, Descendant, Unknown};
    use lab::GitRemote;

    use super::*;

    const MISSING: &str = "0000000000000000000000000000000000000000";

    async fn ask(
        remote: &str,
        branch: Option<&str>,
        [commit, revision]: [&str; 2],
    ) -> RevisionAncestry {
        let world = World::for_tests(Duration::from_secs(60));
        let (commit, revision) = (&commit.parse().unwrap(), &revision.parse().unwrap());
        AncestryQuestion {
            remote,
            branch,
            commit,
            revision,
            named_by: None,
        }
        .ask(&world)
        .await
        .unwrap()
    }

    /// Commits another state onto a branch.
    fn pushed(remote: &GitRemote, branch: &str, state: &str) -> String {
        remote.commit(branch, &[("state", state, false)], "chore: x\n")
    }

    #[tokio::test]
    async fn descendants_ancestors_and_missing_commits_are_told_apart() {
        let remote = GitRemote::new();
        let [old, commit, later] =
            ["one", "two", "three"].map(|state| pushed(&remote, "main", state));
        let aside = pushed(&remote, "aside", "four");
        let missing = MISSING.to_owned();
        let (main, other) = (Some("main"), Some("aside"));
        for (branch, pair, expected) in [
            (main, [&commit, &later], (Descendant, Some(true))),
            (main, [&commit, &old], (Ancestor, Some(true))),
            (main, [&later, &old], (Ancestor, Some(true))),
            (None, [&commit, &aside], (Descendant, Some(true))),
            (main, [&aside, &later], (Ancestor, Some(false))),
            (other, [&later, &aside], (Descendant, Some(true))),
            // The application tracks a tag, or a branch that was deleted.
            (Some("v1.2.3"), [&commit, &later], (Descendant, None)),
            (main, [&commit, &missing], (Unknown, Some(true))),
            (main, [&missing, &later], (Unknown, Some(false))),
        ] {
            let found = ask(&remote.url(), branch, pair.map(String::as_str)).await;
            let answer = (found.ancestry, found.in_branch);
            assert_eq!(answer, expected, "{branch:?} {pair:?}");
            assert_eq!(found.error, None);
        }
    }

    #[tokio::test]
    async fn many_later_commits_do_not_hide_the_commit() {
        let remote = GitRemote::new();
        let commit = pushed(&remote, "main", "deployed");
        for number in 0..510 {
            pushed(&remote, "main", &number.to_string());
        }
        let tip = remote.tip("main");
        let found = ask(&remote.url(), Some("main"), [&commit, &tip]).await;
        assert_eq!(
            (found.ancestry, found.in_branch),
            (Ancestry::Descendant, Some(true))
        );
    }

    #[tokio::test]
    async fn an_unreachable_repository_is_an_error_and_no_answer() {
        let nowhere = format!("http://{}/a.git", lab::closed_port());
        for (remote, branch, word) in [
            (&*nowhere, "main", &*nowhere),
            ("/nowhere", "v1.*", "`v1.*`"),
        ] {
            let found = ask(remote, Some(branch), [&MISSING.replace('0', "1"), MISSING]).await;
            assert_eq!((found.ancestry, found.in_branch), (Ancestry::Unknown, None));
            assert!(found.error.as_ref().unwrap().contains(word), "{found:?}");
        }
    }
}
