//! The rules of remotes, recognized by the words of forges.

use contract::without_names;

use crate::{Rejection, RejectionKind};

/// Words about permissions of the account, in lowercase: no pull request and no other content helps.
const PERMISSIONS: [&str; 13] = [
    // GitHub: a workflow file without the permission for workflows.
    "refusing to allow",
    "resource not accessible",
    "marked as read only",
    "denied to deploy key",
    "cannot change this locked branch",
    // Azure DevOps.
    "tf401027",
    // Gerrit.
    "does not permit write",
    // GitLab.
    "not allowed to push code to this project",
    "does not have write access",
    // Gitea and Forgejo.
    "user permission denied for writing",
    "is not authorized to write",
    // Bitbucket.
    "required privilege scopes",
    "read only mode",
];

/// Words about the content of a commit: everybody who proposes it is declined.
const CONTENT: [&str; 34] = [
    "push protection",
    "secret detected",
    "contain secrets",
    "contains secrets",
    "commit message",
    "commit messages",
    "commit_message",
    "committer email",
    "committer's email",
    "committer's name",
    "committer name",
    "committer mail",
    "cannot push commits for",
    "only push your own commits",
    "author email",
    "author's email",
    "author's name",
    "is not a member of team",
    "verified signature",
    "must be signed",
    "not signed",
    "unsigned",
    "signed-off-by",
    "file path",
    "file name",
    "file size",
    "file extension",
    "allowed size",
    // Gitea and Forgejo: no list of who may push lifts these.
    "protected from changing file",
    "unverified commit",
    // No space is left for it: Forgejo, Bitbucket, GitLab.
    "quota exceeded",
    "the size limit",
    "its size limit",
    "storage limit",
];

/// Words about who may change the branch, and how.
const PROTECTION: [&str; 25] = [
    // GitHub.
    "gh006",
    "gh013",
    "protected branch",
    "protected ref",
    "repository rule violations",
    "approving review",
    "not authorized to push",
    "required status check",
    "merge queue",
    "creations being restricted",
    "cannot delete this branch",
    "cannot force-push",
    "force-pushing to",
    "must not contain merge commits",
    // GitLab.
    "not allowed to push code",
    "not allowed to force push",
    "through a merge request",
    // Azure DevOps.
    "tf402455",
    "must use a pull request",
    // Gerrit.
    "prohibited by gerrit",
    // GitHub, Bitbucket, Gitea.
    "through a pull request",
    "through pull requests",
    "is protected",
    "branch permission",
    "permission denied",
];

/// Words that only other forges than GitHub use.
const OTHER_FORGES: [&str; 9] = [
    "gitlab",
    "gitea",
    "forgejo",
    "bitbucket",
    "gerrit",
    "tf40",
    "vs40",
    "through pull requests",
    "merge request",
];

/// Words of GitHub about force pushes: of a rule (`GH006`, `GH013`), and of the setting of an
/// Enterprise Server (`GH003`).
const FORCE_PUSHES: [&str; 2] = ["cannot force-push", "force-pushing to"];

impl RejectionKind {
    /// Sorts the messages of a remote that rejects a commit; `None` when no word is known.
    ///
    /// A rule about the content counts more than one about the branch: a pull request with this
    /// content would be declined, too.
    pub fn of(text: &str) -> Option<Self> {
        let text = without_names(text).to_ascii_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
        if has(&PERMISSIONS) {
            Some(Self::Forbidden)
        } else if has(&CONTENT) {
            Some(Self::Declined)
        } else if has(&PROTECTION) {
            Some(Self::Protected)
        } else {
            None
        }
    }
}

impl Rejection {
    /// Returns whether the words are those of a forge that is not GitHub.
    pub fn is_of_another_forge(&self) -> bool {
        let text = format!("{}\n{}", self.word, self.lines.join("\n")).to_ascii_lowercase();
        OTHER_FORGES.iter().any(|word| text.contains(word))
    }

    /// Returns whether GitHub forbids to move a branch to a commit that is no descendant.
    pub fn is_about_force_pushes(&self) -> bool {
        let text = format!("{}\n{}", self.word, self.lines.join("\n")).to_ascii_lowercase();
        FORCE_PUSHES.iter().any(|words| text.contains(words))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What forges say, as reported by their users.
    const SAID: [(&str, Option<RejectionKind>); 58] = [
        (
            "GH006: Protected branch update failed for refs/heads/main.",
            Some(RejectionKind::Protected),
        ),
        (
            "GH013: Repository rule violations found for refs/heads/main.\n- Changes must be made through a pull request.",
            Some(RejectionKind::Protected),
        ),
        (
            "Repository rule violations found\n\n3 of 3 required status checks are expected.",
            Some(RejectionKind::Protected),
        ),
        (
            "Required status check \"ci\" is expected.",
            Some(RejectionKind::Protected),
        ),
        (
            "protected branch 'main' check failed:\nAt least 1 approving review is required by reviewers with write access.",
            Some(RejectionKind::Protected),
        ),
        (
            "You're not authorized to push to this branch.",
            Some(RejectionKind::Protected),
        ),
        (
            "Changes must be made through the merge queue",
            Some(RejectionKind::Protected),
        ),
        (
            "Cannot update this protected ref.",
            Some(RejectionKind::Protected),
        ),
        (
            "Cannot create ref due to creations being restricted.",
            Some(RejectionKind::Protected),
        ),
        (
            "GH003: Sorry, force-pushing to runbook/main/prod-1 is not allowed.",
            Some(RejectionKind::Protected),
        ),
        (
            "This branch must not contain merge commits.",
            Some(RejectionKind::Protected),
        ),
        (
            "Repository rule violations found\n\nCannot delete this branch",
            Some(RejectionKind::Protected),
        ),
        (
            "GH013: Repository rule violations found\n- GITHUB PUSH PROTECTION\n- Push cannot contain secrets",
            Some(RejectionKind::Declined),
        ),
        (
            "Repository rule violations found\n\nSecret detected in content",
            Some(RejectionKind::Declined),
        ),
        (
            "Repository rule violations found\n\nCommit message must match a given regex pattern: ^JIRA",
            Some(RejectionKind::Declined),
        ),
        (
            "Repository rule violations found\n\nFile path a/b is restricted",
            Some(RejectionKind::Declined),
        ),
        (
            "Repository rule violations found\n\nCommits must have verified signatures.",
            Some(RejectionKind::Declined),
        ),
        (
            "Repository rule violations found\n\nChanges must be made through a pull request.\n\nCommitter email must end with acme.com",
            Some(RejectionKind::Declined),
        ),
        (
            "refusing to allow a GitHub App to create or update workflow `x` without `workflows` permission",
            Some(RejectionKind::Forbidden),
        ),
        (
            "refusing to allow an OAuth App to create or update workflow `x` without `workflow` scope",
            Some(RejectionKind::Forbidden),
        ),
        (
            "Resource not accessible by integration",
            Some(RejectionKind::Forbidden),
        ),
        (
            "GitLab: You are not allowed to push code to protected branches on this project.",
            Some(RejectionKind::Protected),
        ),
        (
            "GitLab: You are not allowed to push code to this project.",
            Some(RejectionKind::Forbidden),
        ),
        (
            "GitLab: This deploy key does not have write access to this project.",
            Some(RejectionKind::Forbidden),
        ),
        (
            "GitLab: You are not allowed to force push code to a protected branch on this project.",
            Some(RejectionKind::Protected),
        ),
        (
            "GitLab: You cannot push commits for 'x'. You can only push commits if the committer email is one of your own verified emails.",
            Some(RejectionKind::Declined),
        ),
        (
            "GitLab: Commit message does not follow the pattern '^JIRA'",
            Some(RejectionKind::Declined),
        ),
        (
            "GitLab: Committer's email 'x' does not follow the pattern '@acme.com$'",
            Some(RejectionKind::Declined),
        ),
        (
            "GitLab: Commit must be signed with a GPG key",
            Some(RejectionKind::Declined),
        ),
        (
            "GitLab: File name x was prohibited by the pattern",
            Some(RejectionKind::Declined),
        ),
        (
            "TF402455: Pushes to this branch are not permitted; you must use a pull request to update this branch.",
            Some(RejectionKind::Protected),
        ),
        (
            "TF401027: You need the Git 'GenericContribute' permission to perform this action.",
            Some(RejectionKind::Forbidden),
        ),
        (
            "Branch refs/heads/main can only be modified through pull requests.",
            Some(RejectionKind::Protected),
        ),
        (
            "Permission denied to update branch main.",
            Some(RejectionKind::Protected),
        ),
        (
            "Gitea: Not allowed to push to protected branch main",
            Some(RejectionKind::Protected),
        ),
        (
            "Gitea: branch main is protected from force push",
            Some(RejectionKind::Protected),
        ),
        (
            "You can only push your own commits in this repository",
            Some(RejectionKind::Declined),
        ),
        (
            "GH006: Protected branch update failed for refs/heads/main.\n- Changes must be made through a pull request.\n- Cannot change this locked branch",
            Some(RejectionKind::Forbidden),
        ),
        (
            "prohibited by Gerrit: not permitted: update\nerror: branch refs/heads/main:\nTo push into this reference you need 'Push' rights.",
            Some(RejectionKind::Protected),
        ),
        (
            "prohibited by Gerrit: project state does not permit write",
            Some(RejectionKind::Forbidden),
        ),
        (
            "repository is in read only mode (over 2 GB size limit).",
            Some(RejectionKind::Forbidden),
        ),
        (
            "GH006: Protected branch update failed for refs/heads/unsigned.",
            Some(RejectionKind::Protected),
        ),
        (
            "no deploys to overlays/not-protected/unsigned on Friday",
            None,
        ),
        (
            "VS403702: The push was rejected because one or more commits contain author email 'x' which does not match the policy-specified patterns.",
            Some(RejectionKind::Declined),
        ),
        (
            "Gitea: branch main is protected from changing file prod/kustomization.yaml",
            Some(RejectionKind::Declined),
        ),
        (
            "Forgejo: branch main is protected from unverified commit 0123456789abcdef",
            Some(RejectionKind::Declined),
        ),
        ("Forgejo: Quota exceeded", Some(RejectionKind::Declined)),
        (
            "Repository is over the size limit (4 GB) and will not accept further additions.",
            Some(RejectionKind::Declined),
        ),
        (
            "GitLab: Your push to this repository has been rejected because it would exceed storage limits. Please contact your GitLab administrator for more information.",
            Some(RejectionKind::Declined),
        ),
        (
            "GitLab: Your push has been rejected, because this repository has exceeded its size limit of 10 GiB by 1 GiB.",
            Some(RejectionKind::Declined),
        ),
        (
            "GitLab: Your push to this repository would cause it to exceed the size limit of 10 GiB",
            Some(RejectionKind::Declined),
        ),
        (
            "GitLab: acme/deploy has reached the free storage limit of 10 GiB and is now in a read-only state.",
            Some(RejectionKind::Declined),
        ),
        (
            "GitLab: Your action has been rejected because the namespace storage limit has been reached.",
            Some(RejectionKind::Declined),
        ),
        (
            "not Signed-off-by author/committer/uploader in message footer",
            Some(RejectionKind::Declined),
        ),
        (
            "Gitea: User permission denied for creating pull-request.",
            Some(RejectionKind::Protected),
        ),
        (
            "GH006: Protected branch update failed for refs/heads/quota/exceeded.",
            Some(RejectionKind::Protected),
        ),
        ("no deploys on Friday", None),
        ("the quota of deploys is used up", None),
    ];

    #[test]
    fn the_rules_of_every_forge_are_sorted() {
        for (said, kind) in SAID {
            assert_eq!(RejectionKind::of(said), kind, "{said}");
        }
    }
}
