//! How a revision stands to the commit, asked of the repository that both are in.

use branch::{
    Ancestry as Relation, BranchName as Name, CommitName, History as _,
    InvalidBranchName as InvalidName,
};
use contract::{Commit, Failure, Verdict, World};
use git::Git;

/// What the repository says of a revision and of the commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ancestry {
    /// How the revision stands to the commit.
    pub(crate) relation: Relation,
    /// Whether the branch contains the commit, if that could be asked.
    pub(crate) in_branch: Option<bool>,
    /// Why the repository could not be asked.
    pub(crate) trouble: Option<String>,
}

/// Describes a repository and the branch that is tracked there, the default one if none is named; nothing
/// is asked yet.
///
/// # Errors
/// A `usage` [`Failure`] when it is no address, or what is tracked no branch but a pattern.
pub(crate) fn repository<'w>(
    world: &'w World,
    remote: &str,
    branch: Option<&str>,
) -> Result<Git<'w>, Failure> {
    let name: Name = branch
        .unwrap_or("HEAD")
        .parse()
        .map_err(|error: InvalidName| Failure::usage(error))?;
    Git::new(world, remote, name)
}

/// A revision and the commit, in a repository of theirs.
pub(crate) struct Question<'a> {
    pub(crate) remote: &'a str,
    /// What is tracked; the default branch if nothing is named.
    pub(crate) branch: Option<&'a str>,
    pub(crate) commit: &'a Commit,
    pub(crate) revision: &'a Commit,
}

impl Question<'_> {
    /// Asks the repository.
    ///
    /// # Errors
    /// Only when a recording has no answer: that nobody could be asked is an answer.
    pub(crate) async fn ask(&self, world: &World) -> Result<Ancestry, Failure> {
        match self.asked(world).await {
            Err(failure) if failure.verdict != Verdict::Internal => Ok(Ancestry {
                relation: Relation::Unknown,
                in_branch: None,
                trouble: Some(failure.summary()),
            }),
            asked => asked,
        }
    }

    async fn asked(&self, world: &World) -> Result<Ancestry, Failure> {
        let git = repository(world, self.remote, self.branch)?;
        let tip = git.tip().await?;
        // Most often both are near: the tip with the commit behind it, the revision behind the commit.
        let others: Vec<CommitName> = tip
            .iter()
            .chain([self.revision])
            .map(CommitName::from)
            .collect();
        let found = git.ancestry(&self.commit.into(), &others).await?;
        let relations: Vec<Relation> = found
            .others
            .into_iter()
            .map(|(relation, _)| relation)
            .collect();
        Ok(Ancestry {
            relation: relations
                .last()
                .map_or(Relation::Unknown, |relation| relation.reversed()),
            in_branch: tip.map(|tip| tip == *self.commit || relations[0] == Relation::Ancestor),
            trouble: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use lab::Remote;

    use super::*;

    const NOTHING: &str = "0000000000000000000000000000000000000000";

    async fn ask(remote: &str, branch: Option<&str>, [commit, revision]: [&str; 2]) -> Ancestry {
        let world = World::for_tests(Duration::from_secs(60));
        let (commit, revision) = (&commit.parse().unwrap(), &revision.parse().unwrap());
        Question {
            remote,
            branch,
            commit,
            revision,
        }
        .ask(&world)
        .await
        .unwrap()
    }

    /// Commits something else onto a branch.
    fn pushed(remote: &Remote, branch: &str, state: &str) -> String {
        remote.commit(branch, &[("state", state, false)], "chore: x\n")
    }

    #[tokio::test]
    async fn a_descendant_a_forebear_and_what_is_gone_are_told_apart() {
        let remote = Remote::new();
        let [old, commit, later] =
            ["one", "two", "three"].map(|state| pushed(&remote, "main", state));
        let aside = pushed(&remote, "aside", "four");
        for (branch, pair, expected) in [
            (
                Some("main"),
                [&commit, &later],
                (Relation::Descendant, Some(true)),
            ),
            (
                Some("main"),
                [&commit, &old],
                (Relation::Ancestor, Some(true)),
            ),
            (
                Some("main"),
                [&later, &old],
                (Relation::Ancestor, Some(true)),
            ),
            (None, [&commit, &aside], (Relation::Descendant, Some(true))),
            (
                Some("main"),
                [&aside, &later],
                (Relation::Ancestor, Some(false)),
            ),
            (
                Some("aside"),
                [&later, &aside],
                (Relation::Descendant, Some(true)),
            ),
            // A tag is tracked, or a branch that is gone.
            (
                Some("v1.2.3"),
                [&commit, &later],
                (Relation::Descendant, None),
            ),
            (
                Some("main"),
                [&commit, &NOTHING.to_owned()],
                (Relation::Unknown, Some(true)),
            ),
            (
                Some("main"),
                [&NOTHING.to_owned(), &later],
                (Relation::Unknown, Some(false)),
            ),
        ] {
            let found = ask(&remote.url(), branch, pair.map(String::as_str)).await;
            assert_eq!(
                (found.relation, found.in_branch),
                expected,
                "{branch:?} {pair:?}"
            );
            assert_eq!(found.trouble, None);
        }
    }

    #[tokio::test]
    async fn a_commit_is_not_gone_because_much_was_pushed_since() {
        let remote = Remote::new();
        let commit = pushed(&remote, "main", "deployed");
        for number in 0..510 {
            pushed(&remote, "main", &number.to_string());
        }
        let tip = remote.tip("main");
        let found = ask(&remote.url(), Some("main"), [&commit, &tip]).await;
        assert_eq!(
            (found.relation, found.in_branch),
            (Relation::Descendant, Some(true))
        );
    }

    #[tokio::test]
    async fn that_nobody_could_be_asked_is_said_and_no_answer() {
        let nowhere = format!("http://{}/a.git", lab::closed_port());
        for (remote, branch, word) in [
            (&*nowhere, "main", &*nowhere),
            ("/nowhere", "v1.*", "`v1.*`"),
        ] {
            let found = ask(remote, Some(branch), [&NOTHING.replace('0', "1"), NOTHING]).await;
            assert_eq!((found.relation, found.in_branch), (Relation::Unknown, None));
            assert!(found.trouble.as_ref().unwrap().contains(word), "{found:?}");
        }
    }
}
