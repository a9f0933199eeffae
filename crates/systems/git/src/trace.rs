//! The head of a server's last answer, from git's trace of its requests.

/// The start of a received header in the output of `GIT_TRACE_CURL`.
const RECEIVED: &str = "<= Recv header: ";

/// Content types that no git server sends, whatever the status.
const FOREIGN: [&str; 3] = ["text/html", "json", "xml"];

/// The head of an answer.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct AnswerHead {
    status: String,
    content_type: String,
    location: Option<String>,
}

impl AnswerHead {
    /// Returns the head of the last answer in a trace, if there was one.
    pub(crate) fn last(trace: &str) -> Option<Self> {
        let mut last = None;
        let headers = trace.lines().filter_map(|line| line.split_once(RECEIVED));
        for (_, header) in headers {
            if let Some(status) = header.strip_prefix("HTTP/") {
                let status = status.split(' ').nth(1).unwrap_or_default();
                last = Some(Self {
                    status: status.to_owned(),
                    ..Self::default()
                });
            } else if let (Some(head), Some((name, value))) = (&mut last, header.split_once(':')) {
                match name.to_ascii_lowercase().as_str() {
                    "content-type" => head.content_type = value.trim().to_ascii_lowercase(),
                    "location" => head.location = Some(value.trim().to_owned()),
                    _ => {}
                }
            }
        }
        last
    }

    /// Returns where the answer redirects to.
    pub(crate) fn location(&self) -> Option<&str> {
        self.location.as_deref()
    }

    /// Returns what answered in the place of a git server, for messages.
    pub(crate) fn foreign(&self) -> Option<String> {
        let kind = self.content_type.split(';').next().unwrap_or_default();
        let is_foreign = FOREIGN.iter().any(|foreign| kind.contains(foreign));
        is_foreign.then(|| {
            let kind: String = kind.chars().take(50).collect();
            format!(
                "something with a body of type `{kind}` (HTTP {})",
                self.status
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(lines: &[&str]) -> Option<AnswerHead> {
        let lines = lines
            .iter()
            .map(|line| format!("10:00:00.1 http.c:657  {line}\n"));
        AnswerHead::last(&lines.collect::<String>())
    }

    #[test]
    fn the_last_answer_counts() {
        let last = head(&[
            "== Info: Connected to git.example",
            "<= Recv header: HTTP/1.1 401 Unauthorized",
            "<= Recv header: Content-Type: text/html",
            "=> Send header: GET /a/info/refs HTTP/1.1",
            "<= Recv header: HTTP/2 301 ",
            "<= Recv header: location: https://git.example/b/info/refs",
        ])
        .unwrap();
        assert_eq!((last.status.as_str(), last.foreign()), ("301", None));
        assert_eq!(last.location(), Some("https://git.example/b/info/refs"));
        assert_eq!(head(&["== Info: refused"]), None);
    }

    #[test]
    fn pages_and_json_are_no_git_server() {
        for (kind, is_foreign) in [
            ("text/html; charset=utf-8", true),
            ("application/json", true),
            ("application/problem+json", true),
            ("application/x-git-upload-pack-advertisement", false),
            ("text/plain", false),
            ("", false),
        ] {
            let header = format!("<= Recv header: Content-Type: {kind}");
            let head = head(&["<= Recv header: HTTP/1.1 200 OK", &header]).unwrap();
            assert_eq!(head.foreign().is_some(), is_foreign, "{kind}");
        }
    }
}
