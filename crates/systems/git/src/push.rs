//! One commit, one push, and what the remote made of it.

use branch::{BranchName as Name, CommitRequest};
use contract::{Commit, world::Output};

use crate::{
    answers::{Answer, PushAnswer},
    error::GitError,
    folder::REMOTE,
    identity::Identities,
    objects,
    program::Call,
};

/// Commits onto `tip` and pushes, if `tip` still is the branch's tip.
pub(crate) async fn push(
    call: &Call<'_>,
    name: &Name,
    tip: &Commit,
    request: &CommitRequest,
    identities: &Identities,
) -> Answer<PushAnswer> {
    let signatures = identities.signatures(call).await;
    let commit = objects::write(&call.folder.objects()?, tip, request, signatures)?;
    let full = name.full();
    let (lease, refspec) = (
        format!("--force-with-lease={full}:{tip}"),
        format!("{commit}:{full}"),
    );
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

/// Reads git's answer: the line about the branch decides, then what was said about the connection.
fn judge(output: &Output, commit: Commit) -> Answer<PushAnswer> {
    let lines = remote_lines(&output.stderr);
    let stdout = String::from_utf8_lossy(&output.stdout);
    let about = stdout
        .lines()
        .filter(|line| line.contains("refs/heads/"))
        .find_map(|line| {
            let (flag, rest) = line.split_once('\t')?;
            Some((flag, rest.rsplit('\t').next()?))
        });
    match about {
        Some(("!", summary)) => Ok(refused(summary, lines, &output.stderr, commit)),
        Some(_) if output.is_good() => Ok(PushAnswer::Landed {
            commit,
            said: lines,
        }),
        _ => {
            let error = GitError::said(&output.stderr);
            // "Everything up-to-date" is also said when the connection broke; only the code counts.
            if error.may_have_been_sent() {
                Ok(PushAnswer::Uncertain { commit, error })
            } else {
                Err(error)
            }
        }
    }
}

/// Sorts out `[rejected] (…)` and `[remote rejected] (…)`.
fn refused(summary: &str, lines: Vec<String>, stderr: &[u8], commit: Commit) -> PushAnswer {
    let word = summary
        .split_once('(')
        .map_or(summary, |(_, word)| word.strip_suffix(')').unwrap_or(word));
    let text = format!("{word}\n{}", lines.join("\n")).to_ascii_lowercase();
    let has = |needles: &[&str]| needles.iter().any(|needle| text.contains(needle));
    if has(&PROTECTED) {
        return PushAnswer::Rejected {
            protected: true,
            word: word.to_owned(),
            lines,
        };
    }
    let word_has = |needles: &[&str]| needles.iter().any(|needle| word.contains(needle));
    if !word_has(&["declined"]) && word_has(&FASTER) {
        return PushAnswer::Moved;
    }
    if word_has(&["unpacker error"]) {
        return PushAnswer::Uncertain {
            commit,
            error: GitError::at_the_remote(stderr),
        };
    }
    PushAnswer::Rejected {
        protected: false,
        word: word.to_owned(),
        lines,
    }
}

/// Somebody else was faster: git's own words, those of its servers, of GitHub and of GitLab.
const FASTER: [&str; 9] = [
    "stale info",
    "fetch first",
    "non-fast-forward",
    "cannot lock ref",
    "failed to update ref",
    "failed to lock",
    "incorrect old value provided",
    "reference already exists",
    "remote ref updated since checkout",
];

/// Rules about who may push: GitHub's protected branches and rulesets, GitLab's protected branches.
const PROTECTED: [&str; 6] = [
    "gh006",
    "gh013",
    "protected branch",
    "repository rule violations",
    "not allowed to push code",
    "permission denied",
];

/// Returns what the remote said, without `remote: `, empty lines and progress.
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

    fn judged(stdout: &str, stderr: &str, code: i32) -> Answer<PushAnswer> {
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

    fn rejected(word: &str, stderr: &str) -> PushAnswer {
        judged(
            &format!("To x\n!\taaa:refs/heads/main\t{word}\nDone\n"),
            stderr,
            1,
        )
        .unwrap()
    }

    #[test]
    fn a_lost_race_is_told_from_a_rule() {
        for word in [
            "[rejected] (stale info)",
            "[rejected] (fetch first)",
            "[remote rejected] (cannot lock ref 'refs/heads/main': is at b but expected a)",
            "[remote rejected] (failed to update ref)",
            "[remote rejected] (incorrect old value provided)",
        ] {
            assert!(matches!(rejected(word, ""), PushAnswer::Moved), "{word}");
        }
    }

    #[test]
    fn githubs_and_gitlabs_rules_are_about_who_may_push() {
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
            let answer = rejected(&format!("[remote rejected] ({word})"), said);
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
    fn a_hook_of_ones_own_is_not_called_branch_protection() {
        let answer = rejected(
            "[remote rejected] (pre-receive hook declined)",
            "remote: no Fridays\nremote: \n",
        );
        let PushAnswer::Rejected {
            protected: false,
            word,
            lines,
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
    fn a_bypassed_rule_is_heard() {
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
    fn up_to_date_after_a_broken_connection_is_a_doubt() {
        let said = "error: RPC failed; HTTP 502 curl 22 The requested URL returned error: 502\n\
                    send-pack: unexpected disconnect while reading sideband packet\n\
                    fatal: the remote end hung up unexpectedly\nEverything up-to-date\n";
        assert!(matches!(
            judged("", said, 1),
            Ok(PushAnswer::Uncertain { .. })
        ));
    }

    #[test]
    fn who_may_not_push_has_sent_nothing() {
        let said = "remote: Permission to a/b.git denied to bot.\nfatal: unable to access 'https://x/': The requested URL returned error: 403\n";
        assert!(judged("", said, 128).is_err());
    }
}
