//! The report of a commit that the remote rejects, with a hint that helps against its rule.

use branch::{BranchName, POLICY, Rejection, RejectionKind};
use contract::{Failure, Report, asking, without_names};

use crate::{PullRequestMode, Where};

/// Words of rules about the content of a commit, in lowercase, and what helps against them.
const CONTENT: [(&[&str], &str); 6] = [
    (
        &["secret", "push protection"],
        "the remote found a secret in the file: take it out; bypassing the rule would publish it",
    ),
    (
        &[
            "quota exceeded",
            "the size limit",
            "its size limit",
            "storage limit",
        ],
        "the repository, or the storage of its owner, is full: free some space there, or let its \
         host raise the limit",
    ),
    (
        &[
            "commit message",
            "commit messages",
            "commit_message",
            "signed-off-by",
        ],
        "let the message of the commit follow the rule (`bump-overlay --message`), or the rule \
         allow the messages of this step",
    ),
    (
        &[
            "verified signature",
            "must be signed",
            "not signed",
            "unsigned",
            "unverified commit",
        ],
        "git does not sign the commits of this step; GitHub does, with `--repository OWNER/NAME` \
         and a token",
    ),
    (
        &[
            "committer",
            "author",
            "cannot push commits for",
            "only push your own commits",
            "email",
        ],
        "set `GIT_COMMITTER_NAME`, `GIT_COMMITTER_EMAIL`, `GIT_AUTHOR_NAME` and \
         `GIT_AUTHOR_EMAIL` to a person whom the remote accepts",
    ),
    (
        &[
            "file path",
            "file name",
            "file size",
            "file extension",
            "allowed size",
            "protected from changing file",
        ],
        "the rule forbids this file: change the rule, or the place of the file",
    ),
];

/// Words of rules about what only the branches of pull requests need, in lowercase, and the names of
/// the settings.
const OTHER_BRANCHES: [(&str, &str); 5] = [
    ("creations being restricted", "Restrict creations"),
    ("cannot delete this branch", "Restrict deletions"),
    ("cannot force-push", "Block force pushes"),
    ("force-pushing to", "Block force pushes"),
    ("must not contain merge commits", "Require linear history"),
];

/// Words of rules about every branch, in lowercase, and the names of the settings. A pull request that
/// is asked for needs no push to its base, so the rule is about the branches of pull requests.
const ALL_BRANCHES: [(&str, &str); 6] = [
    ("cannot update this protected", "Restrict updates"),
    ("merge queue", "Require merge queue"),
    ("required status check", "Require status checks to pass"),
    (
        "through a pull request",
        "Require a pull request before merging",
    ),
    ("approving review", "Require a pull request before merging"),
    ("code owner", "Require a pull request before merging"),
];

/// Returns the report of a rejected commit, without facts.
///
/// # Errors
/// `permission-missing` when the account may not write the branch.
pub(crate) fn report(
    name: &BranchName,
    rejection: &Rejection,
    to: &Where,
) -> Result<Report, Failure> {
    match rejection.kind {
        RejectionKind::Protected => Err(protected(name, rejection, to)),
        RejectionKind::Forbidden => Err(forbidden(name, rejection)),
        RejectionKind::Declined => Ok(declined(name, rejection)),
    }
}

fn declined(name: &BranchName, rejection: &Rejection) -> Report {
    let word = &rejection.word;
    let summary = match said(rejection) {
        said if said == *word => format!("the remote declined the push to `{name}`: {said}"),
        said => format!("the remote declined the push to `{name}`, {word}: {said}"),
    };
    Report::refused(POLICY, summary).hinted(format!("{}; nothing was written", advice(rejection)))
}

fn advice(rejection: &Rejection) -> &'static str {
    let text = text(rejection);
    let known = CONTENT
        .iter()
        .find(|(words, _)| words.iter().any(|word| text.contains(word)));
    match known {
        Some((_, advice)) => advice,
        None if rejection.word.contains("hook") => {
            "ask the owner of the remote about the rules of its hook"
        }
        None => "ask the owner of the remote about this rule",
    }
}

fn forbidden(name: &BranchName, rejection: &Rejection) -> Failure {
    let said = said(rejection);
    let error = anyhow::anyhow!("nothing was written to `{name}`: {said}");
    let text = text(rejection);
    let hint = if text.contains("workflow") {
        "use the token of an App with `workflows: write`, or of a person with the scope \
         `workflow`: the token of a job can have neither"
    } else if text.contains("locked branch") {
        "unlock the branch in its protection rule: while it is locked, no pull request can be merged \
         into it either"
    } else if text.contains("read only mode") || text.contains("does not permit write") {
        "nothing can be written there until its owner makes the repository writable again"
    } else if text.contains("read only") || text.contains("deploy key") {
        "allow write access for the deploy key in the settings of the repository, \
         or use the key of an account that may push"
    } else if rejection.is_of_another_forge() {
        "give this account, token or key the right to push to the repository"
    } else {
        "give the token `contents: write`: below `permissions:` of the job, \
         or in the settings of the App or token"
    };
    Failure::denied(asking::PERMISSION_MISSING, error).hinted(hint)
}

fn protected(name: &BranchName, rejection: &Rejection, to: &Where) -> Failure {
    let said = said(rejection);
    let error = anyhow::anyhow!("`{name}` is protected, nothing was written: {said}");
    let failure = Failure::denied(asking::PERMISSION_MISSING, error);
    if let Some(rule) = rule_about_other_branches(rejection, to) {
        return failure.hinted(format!(
            "let the ruleset with `{rule}` leave out the branches `runbook/**`, which the step \
             makes for its pull requests (Settings, Rules, Rulesets, Target branches, Exclude by \
             pattern)"
        ));
    }
    if rejection.is_of_another_forge() {
        return failure.hinted(format!(
            "let this account push to `{name}`, in the rules of the branch; \
             `--pull-request` works only with GitHub"
        ));
    }
    let failure = failure
        .hinted(format!(
            "let an App or a deploy key bypass the rules of `{name}`: \
             `github-actions[bot]` cannot"
        ))
        .hinted("put that App's token into `RUNBOOK_GITHUB_TOKEN`, and give it `contents: write`");
    match to.pull_request {
        PullRequestMode::Never => failure.hinted(
            "or pass `--pull-request fallback`, which needs GitHub's API and \
             `pull-requests: write`",
        ),
        _ => failure,
    }
}

/// Returns the setting of a rule that forbids what only the branches of pull requests need.
fn rule_about_other_branches(rejection: &Rejection, to: &Where) -> Option<&'static str> {
    let text = text(rejection);
    let of_all = ALL_BRANCHES.iter();
    let of_all = of_all.filter(|_| to.pull_request == PullRequestMode::Always);
    let mut known = of_all.chain(&OTHER_BRANCHES);
    let found = known.find(|(words, _)| text.contains(words))?;
    Some(found.1)
}

/// Returns the remote's messages in one line of a bounded length.
fn said(rejection: &Rejection) -> String {
    rejection.said().chars().take(1000).collect()
}

fn text(rejection: &Rejection) -> String {
    let text = format!("{}\n{}", rejection.word, rejection.lines.join("\n"));
    without_names(&text).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejection(word: &str, lines: &[&str]) -> Rejection {
        let text = format!("{word}\n{}", lines.join("\n"));
        Rejection {
            kind: RejectionKind::of(&text).unwrap_or(RejectionKind::Declined),
            word: word.to_owned(),
            lines: lines.iter().map(|line| (*line).to_owned()).collect(),
        }
    }

    /// Returns the summary and the hints.
    fn told(word: &str, lines: &[&str]) -> (String, String) {
        let to = Where {
            remote: None,
            repository: None,
            require_verified: false,
            pull_request: PullRequestMode::Never,
        };
        let name = "main".parse().unwrap();
        match report(&name, &rejection(word, lines), &to) {
            Ok(report) => (report.summary, report.hints.join("; ")),
            Err(failure) => (failure.summary(), failure.hints.join("; ")),
        }
    }

    const HOOK: &str = "pre-receive hook declined";

    /// The word of a rejection, a line of the remote, and a part of the hint.
    const RULES: [(&str, &str, &str); 25] = [
        (
            HOOK,
            "GitLab: You cannot push commits for 'x'. You can only push commits if the committer email is one of your own verified emails.",
            "GIT_COMMITTER_EMAIL",
        ),
        (
            HOOK,
            "GitLab: Commit message does not follow the pattern",
            "message of the commit",
        ),
        (HOOK, "no deploys on Friday", "its hook"),
        (
            "TF402455: Pushes to this branch are not permitted; you must use a pull request to update this branch.",
            "",
            "works only with GitHub",
        ),
        (
            "TF401027: You need the Git 'GenericContribute' permission.",
            "",
            "the right to push",
        ),
        (
            "refusing to allow a GitHub App to create or update workflow `x` without `workflows` permission",
            "",
            "`workflows: write`",
        ),
        (
            "push declined due to repository rule violations",
            "error: GH013: Repository rule violations found. Push cannot contain secrets",
            "a secret",
        ),
        (
            "push declined due to repository rule violations",
            "error: GH013: Commits must have verified signatures.",
            "`--repository OWNER/NAME`",
        ),
        (
            "protected branch hook declined",
            "error: GH006: Protected branch update failed",
            "--pull-request fallback",
        ),
        (
            "Repository rule violations found",
            "Cannot create ref due to creations being restricted.",
            "`runbook/**`",
        ),
        (
            "Repository rule violations found",
            "Cannot force-push to this branch",
            "`Block force pushes`",
        ),
        (
            "This branch must not contain merge commits.",
            "",
            "`Require linear history`",
        ),
        (
            "protected branch hook declined",
            "error: GH006: Protected branch update failed. Cannot change this locked branch",
            "unlock",
        ),
        (
            "prohibited by Gerrit: not permitted: update",
            "To push into this reference you need 'Push' rights.",
            "in the rules of the branch",
        ),
        (
            HOOK,
            "repository is in read only mode (over 2 GB size limit).",
            "writable again",
        ),
        (
            "push declined due to repository rule violations",
            "error: GH013: File path infra/secret-author/kustomization.yaml is restricted",
            "this file",
        ),
        (
            "VS403654: The push was rejected because it contains one or more secrets.",
            "",
            "a secret",
        ),
        (
            "push declined due to email privacy restrictions",
            "error: GH007: Your push would publish a private email address.",
            "GIT_COMMITTER_EMAIL",
        ),
        (
            HOOK,
            "Gitea: branch main is protected from changing file prod/kustomization.yaml",
            "this file",
        ),
        (
            HOOK,
            "Forgejo: branch main is protected from unverified commit 0123456789abcdef",
            "sign",
        ),
        (HOOK, "Forgejo: Quota exceeded", "free some space"),
        (
            HOOK,
            "Repository is over the size limit (4 GB) and will not accept further additions.",
            "free some space",
        ),
        (
            HOOK,
            "GitLab: Your push to this repository has been rejected because it would exceed storage limits.",
            "free some space",
        ),
        (
            HOOK,
            "not Signed-off-by author/committer/uploader in message footer",
            "--message",
        ),
        ("something else", "", "this rule"),
    ];

    #[test]
    fn a_rule_of_pull_requests_names_their_branches() {
        let name = "main".parse().unwrap();
        for (said, setting) in [
            (
                "Changes must be made through the merge queue",
                "Require merge queue",
            ),
            (
                "Required status check \"ci\" is expected.",
                "Require status checks to pass",
            ),
            (
                "Changes must be made through a pull request.",
                "Require a pull request before merging",
            ),
            (
                "At least 1 approving review is required by reviewers with write access.",
                "Require a pull request before merging",
            ),
            (
                "4 of 6 required status checks are expected.",
                "Require status checks to pass",
            ),
        ] {
            let rejection = rejection("Repository rule violations found", &[said]);
            let to = Where {
                remote: None,
                repository: None,
                require_verified: false,
                pull_request: PullRequestMode::Always,
            };
            let hints = report(&name, &rejection, &to).unwrap_err().hints.join("; ");
            assert!(
                hints.contains(setting) && hints.contains("runbook/**"),
                "{hints}"
            );
            let (_, never) = told("Repository rule violations found", &[said]);
            assert!(never.contains("--pull-request fallback"), "{never}");
        }
    }

    #[test]
    fn a_rule_against_updates_may_be_about_pull_requests() {
        let name = "main".parse().unwrap();
        let rejection = rejection("Cannot update this protected ref.", &[]);
        for (pull_request, is_expected) in [
            (PullRequestMode::Always, true),
            (PullRequestMode::Never, false),
        ] {
            let to = Where {
                remote: None,
                repository: None,
                require_verified: false,
                pull_request,
            };
            let failure = report(&name, &rejection, &to).unwrap_err();
            let hints = failure.hints.join("; ");
            assert_eq!(hints.contains("`Restrict updates`"), is_expected, "{hints}");
        }
    }

    #[test]
    fn every_rule_comes_with_the_hint_that_helps() {
        for (word, line, hint) in RULES {
            let lines: Vec<&str> = [line].into_iter().filter(|line| !line.is_empty()).collect();
            let (summary, hints) = told(word, &lines);
            assert!(hints.contains(hint), "{word} {line}: {hints}");
            assert!(summary.matches(word).count() <= 1, "said twice: {summary}");
        }
    }
}
