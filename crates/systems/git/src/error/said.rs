//! Who said what in git's output: the server, ssh, or git itself.

/// The most sentences of the server in a message.
const SENTENCES: usize = 3;

/// Starts of lines without a mark that name no cause: advice, progress, warnings.
const NOISE: [&str; 13] = [
    "please make sure you have the correct access",
    "and the repository exists",
    "send-pack: unexpected disconnect",
    "fetch-pack: unexpected disconnect",
    "client_loop:",
    "everything up-to-date",
    "done",
    "to ",
    "hint:",
    "warning:",
    "pushing to",
    "debug",
    "** ",
];

/// Starts of git's lines that only follow from another cause.
const CONSEQUENCES: [&str; 6] = [
    "fatal: could not read from remote repository",
    "fatal: the remote end hung up",
    "fatal: early eof",
    "fatal: fetch-pack: invalid index-pack output",
    "fatal: expected flush",
    "error: failed to push some refs",
];

/// Starts of lines that ssh writes about the connection and the keys.
const SSH: [&str; 15] = [
    "ssh:",
    "ssh_",
    "load key ",
    "host key verification failed",
    "permission denied (",
    "no such identity:",
    "identity file ",
    "sign_and_send_pubkey:",
    "received disconnect from",
    "disconnected from",
    "connection ",
    "kex_",
    "unable to negotiate",
    "too many authentication failures",
    "bad ",
];

/// The lines of git's output by their author.
#[derive(Debug, Default)]
pub(super) struct SaidLines {
    /// The sentences of the server.
    pub(super) server: Vec<String>,
    /// The lines of ssh.
    pub(super) ssh: Vec<String>,
    /// The lines of git and of curl.
    pub(super) git: Vec<String>,
}

impl SaidLines {
    pub(super) fn new(stderr: &str) -> Self {
        let mut said = Self::default();
        for line in stderr.lines().map(str::trim) {
            if !line.contains(char::is_alphanumeric) {
                continue;
            }
            let lower = line.to_ascii_lowercase();
            if let Some(sentence) = server_sentence(line) {
                let sentence = sentence.filter(|sentence| !said.server.contains(sentence));
                said.server.extend(sentence);
            } else if is_ssh(&lower) {
                said.ssh.push(line.to_owned());
            } else if lower.starts_with("fatal:") || lower.starts_with("error: ") {
                said.git.push(line.to_owned());
            } else if !starts_with_any(&lower, &NOISE) {
                // Over ssh the server's messages have no mark, except that ERROR is in capitals.
                said.server.push(without_marks(line));
            }
        }
        said
    }

    /// Returns the server's sentences in one line.
    pub(super) fn server_line(&self) -> Option<String> {
        let sentences: Vec<&str> = self
            .server
            .iter()
            .take(SENTENCES)
            .map(String::as_str)
            .collect();
        (!sentences.is_empty()).then(|| sentences.join(" ").trim_end_matches('.').to_owned())
    }

    /// Returns ssh's lines in one.
    pub(super) fn ssh_line(&self) -> String {
        let lines: Vec<&str> = self
            .ssh
            .iter()
            .take(SENTENCES)
            .map(String::as_str)
            .collect();
        lines.join("; ").trim_end_matches('.').to_owned()
    }

    /// Returns the status of an answer that git calls an error.
    pub(super) fn status(&self) -> Option<&str> {
        let (_, rest) = self
            .git
            .iter()
            .find_map(|line| line.split_once("returned error: "))?;
        rest.get(..3)
    }

    /// Returns git's last line that names a cause, or else its last line.
    pub(super) fn git_line(&self) -> Option<String> {
        let is_cause = |line: &&String| !starts_with_any(&line.to_ascii_lowercase(), &CONSEQUENCES);
        let line = self.git.iter().rfind(is_cause).or(self.git.last())?;
        Some(without_marks(line))
    }
}

/// Returns the sentence of a line that git marks as the server's; `Some(None)` for a line without
/// words for people.
fn server_sentence(line: &str) -> Option<Option<String>> {
    let text = line
        .strip_prefix("remote:")
        .or_else(|| line.strip_prefix("fatal: remote error:"))
        .or_else(|| line.strip_prefix("ERROR:"))?;
    let text = without_marks(without_packets(text.trim_start()));
    let is_progress = [
        "# service=git-",
        "Resolving deltas:",
        "Counting objects:",
        "Compressing objects:",
        "Enumerating objects:",
        "Total ",
    ]
    .iter()
    .any(|start| text.starts_with(start));
    Some((!is_progress && text.contains(char::is_alphanumeric)).then_some(text))
}

/// Returns a text without the lengths of the packets that it came in: Azure DevOps shows them.
fn without_packets(text: &str) -> &str {
    let is_length =
        |text: &&str| text.starts_with('0') && text.bytes().all(|b| b.is_ascii_hexdigit());
    let mut rest = text;
    while let Some(after) = rest.strip_prefix("0000") {
        rest = after;
    }
    let length = rest.get(..4).filter(is_length);
    let is_packet = rest.len() < text.len() || rest.contains("# service=git-");
    match length {
        Some(length) if is_packet => &rest[length.len()..],
        _ => text,
    }
}

/// ssh puts the user and the host before some of its messages: `git@host: Permission denied`.
fn is_ssh(lower: &str) -> bool {
    starts_with_any(lower, &SSH)
        || lower.contains(": permission denied (")
        || lower.contains("unprotected private key file")
        || lower.contains("remote host identification has changed")
}

fn starts_with_any(line: &str, starts: &[&str]) -> bool {
    starts.iter().any(|start| line.starts_with(start))
}

/// Returns a line without the words that only say who wrote it, and how bad it is.
pub(super) fn without_marks(line: &str) -> String {
    let mut rest = line.trim();
    for mark in ["remote:", "fatal:", "error:", "ERROR:", "remote error:"] {
        rest = rest.strip_prefix(mark).unwrap_or(rest).trim_start();
    }
    rest.trim_end_matches('.').to_owned()
}
