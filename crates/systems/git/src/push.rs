//! One commit, one push, and the remote's answer.

use branch::{BranchName, CommitRequest, RejectionKind};
use contract::{Commit, world::Output};

use crate::{
    answers::PushAnswer,
    bare_repository::REMOTE,
    error::{GitAnswer, GitError},
    identity::Identities,
    objects,
    output::shortened,
    program::GitCall,
};

/// Makes a commit onto `tip` and pushes it, if `tip` is still the branch's tip.
pub(crate) async fn push(
    call: &GitCall<'_>,
    name: &BranchName,
    tip: &Commit,
    request: &CommitRequest,
    identities: &Identities,
) -> GitAnswer<PushAnswer> {
    let signatures = identities.signatures(call).await;
    let commit = objects::write(&call.repository.objects()?, tip, request, signatures)?;
    let reference = name.full();
    let lease = format!("--force-with-lease={reference}:{tip}");
    let refspec = format!("{commit}:{reference}");
    let push = [
        "push",
        "--porcelain",
        "--no-verify",
        "--recurse-submodules=no",
        &lease,
        REMOTE,
        &refspec,
    ];
    match call.run(&push, &[]).await {
        Ok(output) => judge(&output, commit),
        Err(error) if error.may_have_been_sent() => Ok(PushAnswer::Uncertain { commit, error }),
        Err(error) => Err(error),
    }
}

/// Reads git's answer: the line about the branch decides, then the messages about the connection.
fn judge(output: &Output, commit: Commit) -> GitAnswer<PushAnswer> {
    let lines = remote_lines(&output.stderr);
    let stdout = String::from_utf8_lossy(&output.stdout);
    match branch_line(&stdout) {
        Some(("!", summary)) => return Ok(rejected(summary, lines, commit)),
        Some(_) if output.is_good() => {
            return Ok(PushAnswer::Landed {
                commit,
                said: lines,
            });
        }
        _ => {}
    }
    let error = GitError::from_stderr(&output.stderr);
    // git also says "Everything up-to-date" after a broken connection, so only the exit code
    // counts.
    if error.may_have_been_sent() {
        Ok(PushAnswer::Uncertain { commit, error })
    } else {
        Err(error)
    }
}

/// Returns flag and summary of the line about the branch.
fn branch_line(stdout: &str) -> Option<(&str, &str)> {
    stdout
        .lines()
        .filter(|line| line.contains("refs/heads/"))
        .find_map(|line| {
            let (flag, rest) = line.split_once('\t')?;
            Some((flag, rest.rsplit('\t').next()?))
        })
}

/// Tells apart the cases of `[rejected] (…)`, `[remote rejected] (…)` and `[remote failure] (…)`.
fn rejected(summary: &str, lines: Vec<String>, commit: Commit) -> PushAnswer {
    let word = summary
        .split_once('(')
        .map_or(summary, |(_, word)| word.strip_suffix(')').unwrap_or(word));
    let word = shortened(word);
    let text = format!("{word}\n{}", lines.join("\n"));
    let kind = RejectionKind::of(&text);
    let declined = word.contains("declined");
    if kind.is_none() && !declined && contains_any(&word, &MOVED) {
        return PushAnswer::Moved;
    }
    if summary.starts_with("[remote failure]") || is_outage(&word, &text, declined) {
        let error = GitError::broken_remote(&word, &lines);
        return PushAnswer::Uncertain { commit, error };
    }
    PushAnswer::Rejected {
        protected: kind == Some(RejectionKind::Protected),
        forbidden: kind == Some(RejectionKind::Forbidden),
        word,
        lines,
    }
}

/// Returns whether the remote broke down: the commit may have landed. A hook that declines has a
/// reason of its own, unless it says that the forge behind it did not answer.
fn is_outage(word: &str, text: &str, declined: bool) -> bool {
    let (word, text) = (word.to_ascii_lowercase(), text.to_ascii_lowercase());
    let is_forges_own = |line: &str| {
        let said = line.split_once(": ").map_or(line, |(_, said)| said);
        said.trim_end_matches('.') == "internal server error"
    };
    OUTAGE_WORDS.contains(&word.trim())
        || word.contains("unpacker error")
        || contains_any(&text, &OUTAGES)
        || (!declined && contains_any(&text, &["internal server error"]))
        || text.lines().any(is_forges_own)
}

fn contains_any(text: &str, phrases: &[&str]) -> bool {
    phrases.iter().any(|phrase| text.contains(phrase))
}

/// The branch has moved: phrases of git, of its servers, of GitHub, GitLab, Gerrit and Azure DevOps.
const MOVED: [&str; 11] = [
    "stale info",
    "fetch first",
    "non-fast-forward",
    "non-fast forward",
    "cannot lock ref",
    "failed to update ref",
    "failed to lock",
    "incorrect old value provided",
    "reference already exists",
    "remote ref updated since checkout",
    "has already been updated by another client",
];

/// The whole reason of a rejection when the server broke down.
const OUTAGE_WORDS: [&str; 6] = [
    "failure",
    "internal server error",
    "internal error",
    "remote failed to report status",
    "service unavailable",
    "timeout",
];

/// Messages of servers that broke down: of GitHub, GitLab, Gitea and Forgejo.
const OUTAGES: [&str; 18] = [
    "fatal error in commit_refs",
    "internal api unreachable",
    "api is not accessible",
    "internal server connection error",
    "push operation timed out",
    "service unavailable",
    "temporarily unavailable",
    "bad gateway",
    "gateway timeout",
    "gateway time-out",
    // Gitea's and Forgejo's hook, which could not find out whether the push may pass.
    "error checking user quota",
    "unable to check commits from",
    "unable to check file protection",
    "fail to detect force push",
    "unable to getuserbyid",
    // The disk of the server.
    "no space left on device",
    "disk quota exceeded",
    "unable to create temporary object directory",
];

/// Returns the remote's messages, without `remote: `, empty lines and progress.
fn remote_lines(stderr: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(stderr);
    let lines = text.lines().filter_map(|line| line.strip_prefix("remote:"));
    lines
        .map(|line| line.trim().to_owned())
        .filter(|line| !line.is_empty() && !line.starts_with("Resolving deltas:"))
        .take(50)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(stdout: &str, stderr: &str, code: i32) -> GitAnswer<PushAnswer> {
        let (stdout, stderr) = (stdout.as_bytes().to_vec(), stderr.as_bytes().to_vec());
        judge(
            &Output {
                code: Some(code),
                stdout,
                stderr,
            },
            "a".repeat(40).parse().unwrap(),
        )
    }

    fn rejection(word: &str, stderr: &str) -> PushAnswer {
        judged(
            &format!("To x\n!\taaa:refs/heads/main\t{word}\nDone\n"),
            stderr,
            1,
        )
        .unwrap()
    }

    #[test]
    fn a_moved_branch_is_not_a_rejection() {
        for word in [
            "[rejected] (stale info)",
            "[rejected] (fetch first)",
            "[remote rejected] (cannot lock ref 'refs/heads/main': is at b but expected a)",
            "[remote rejected] (failed to update ref)",
            "[remote rejected] (incorrect old value provided)",
            // Gerrit.
            "[remote rejected] (non-fast forward)",
            // Azure DevOps.
            "[remote rejected] (TF401028: The reference 'refs/heads/main' has already been updated by \
             another client, so you cannot update it. Please try again.)",
        ] {
            assert!(matches!(rejection(word, ""), PushAnswer::Moved), "{word}");
        }
    }

    #[test]
    fn protected_branches_of_github_and_gitlab_are_recognized() {
        for (word, said) in [
            (
                "protected branch hook declined",
                "remote: error: GH006: Protected branch update failed.",
            ),
            (
                "push declined due to repository rule violations",
                "remote: error: GH013: Repository rule violations found",
            ),
            (
                "pre-receive hook declined",
                "remote: GitLab: You are not allowed to push code to protected branches.",
            ),
        ] {
            let answer = rejection(&format!("[remote rejected] ({word})"), said);
            assert!(
                matches!(
                    answer,
                    PushAnswer::Rejected {
                        protected: true,
                        ..
                    }
                ),
                "{word}"
            );
        }
    }

    #[test]
    fn a_custom_hook_is_not_branch_protection() {
        let answer = rejection(
            "[remote rejected] (pre-receive hook declined)",
            "remote: no Fridays\nremote: \n",
        );
        let PushAnswer::Rejected {
            protected: false,
            word,
            lines,
            ..
        } = answer
        else {
            panic!("{answer:?}")
        };
        assert_eq!(
            (word.as_str(), lines),
            ("pre-receive hook declined", vec!["no Fridays".to_owned()])
        );
    }

    #[test]
    fn a_hook_may_speak_of_an_outage() {
        let word = "[remote rejected] (pre-receive hook declined)";
        let said = "remote: the internal server error page must keep its text\n";
        let answer = rejection(word, said);
        assert!(matches!(answer, PushAnswer::Rejected { .. }), "{answer:?}");
    }

    #[test]
    fn an_outage_of_the_server_is_no_rule() {
        for (word, said) in [
            (
                "[remote rejected] (Internal Server Error)",
                "remote: Internal Server Error\nremote: Request ID 1\n",
            ),
            (
                "[remote rejected] (failure)",
                "remote: fatal error in commit_refs\n",
            ),
            ("[remote failure] (remote failed to report status)", ""),
            (
                "[remote rejected] (unpacker error)",
                "error: remote unpack failed: index-pack\n",
            ),
            (
                "[remote rejected] (pre-receive hook declined)",
                "remote: GitLab: Internal API unreachable\n",
            ),
            (
                "[remote rejected] (pre-receive hook declined)",
                "remote: GitLab: Push operation timed out\nremote: \nremote: Timing information\n",
            ),
            (
                "[remote rejected] (pre-receive hook declined)",
                "remote: \nremote: Gitea: Internal Server Error\n",
            ),
            (
                "[remote rejected] (pre-receive hook declined)",
                "remote: Forgejo: Error checking user quota\n",
            ),
            (
                "[remote rejected] (pre-receive hook declined)",
                "remote: Gitea: Unable to check commits from 1111 to 2222: exit status 128\n",
            ),
            (
                "[remote rejected] (pre-receive hook declined)",
                "remote: Gitea: Fail to detect force push: exit status 128\n",
            ),
            // JGit, as in Gerrit.
            ("[remote rejected] (n/a (unpacker error))", ""),
        ] {
            let answer = rejection(word, said);
            assert!(
                matches!(answer, PushAnswer::Uncertain { .. }),
                "{word}: {answer:?}"
            );
        }
    }

    #[test]
    fn a_missing_permission_is_no_protection() {
        let word = "[remote rejected] (refusing to allow a GitHub App to create or update workflow \
            `.github/workflows/x.yml` without `workflows` permission)";
        for (word, said) in [
            (word, ""),
            (
                "[remote rejected] (TF401027: You need the Git 'GenericContribute' permission)",
                "",
            ),
            (
                "[remote rejected] (pre-receive hook declined)",
                "remote: GitLab: You are not allowed to push code to this project.\n",
            ),
        ] {
            let answer = rejection(word, said);
            assert!(
                matches!(
                    answer,
                    PushAnswer::Rejected {
                        forbidden: true,
                        protected: false,
                        ..
                    }
                ),
                "{answer:?}"
            );
        }
    }

    #[test]
    fn a_rule_about_the_content_is_no_protection() {
        let word = "[remote rejected] (push declined due to repository rule violations)";
        let said = "remote: error: GH013: Repository rule violations found for refs/heads/main.\n\
            remote: - GITHUB PUSH PROTECTION\nremote: - Push cannot contain secrets\n";
        let answer = rejection(word, said);
        assert!(
            matches!(
                answer,
                PushAnswer::Rejected {
                    forbidden: false,
                    protected: false,
                    ..
                }
            ),
            "{answer:?}"
        );
    }

    #[test]
    fn a_bypassed_rule_is_reported() {
        let answer = judged(
            " \ta:refs/heads/main\ta..b\nDone\n",
            "remote: Bypassed rule violations\n",
            0,
        )
        .unwrap();
        assert!(
            matches!(answer, PushAnswer::Landed { said, .. } if said == ["Bypassed rule violations"])
        );
    }

    #[test]
    fn up_to_date_after_a_disconnect_is_uncertain() {
        let said = "error: RPC failed; HTTP 502 curl 22 The requested URL returned error: 502\n\
                    send-pack: unexpected disconnect while reading sideband packet\n\
                    fatal: the remote end hung up unexpectedly\nEverything up-to-date\n";
        assert!(matches!(
            judged("", said, 1),
            Ok(PushAnswer::Uncertain { .. })
        ));
    }

    #[test]
    fn a_forbidden_push_sends_nothing() {
        let said = "remote: Permission to a/b.git denied to bot.\n\
            fatal: unable to access 'https://x/': The requested URL returned error: 403\n";
        assert!(judged("", said, 128).is_err());
    }
}
