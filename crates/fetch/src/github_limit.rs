//! GitHub's rate limits, which its answers name in words: the status may be 200.
//!
//! docs.github.com, "Rate limits for the REST API", "Rate limits and query limits for the GraphQL
//! API"; yanyongyu/githubkit#271 has a recorded answer of type `RATE_LIMIT`.

use std::time::Duration;

use serde::Deserialize;

use crate::HttpAnswer;

/// The pause that GitHub wants when it names none.
pub(crate) const PAUSE: Duration = Duration::from_secs(60);

/// The limits that GitHub has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GitHubLimit {
    /// The requests of an hour are used up.
    Primary,
    /// The requests came too quickly, or created too much.
    Secondary,
}

/// An answer of GraphQL, or of REST with an error.
#[derive(Default, Deserialize)]
#[serde(default)]
struct LimitedAnswer {
    message: Option<String>,
    errors: Vec<LimitError>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct LimitError {
    #[serde(rename = "type")]
    kind: Option<String>,
    message: Option<String>,
}

impl GitHubLimit {
    /// Returns the limit that an answer reports.
    pub(crate) fn of(answer: &HttpAnswer) -> Option<Self> {
        let is_refusal = matches!(answer.status(), 403 | 429);
        let is_reply = answer.status() == 200 && answer.is_graphql();
        if !is_refusal && !is_reply {
            return None;
        }
        // Most answers are large, and have none of these words.
        let text = String::from_utf8_lossy(answer.body()).to_ascii_lowercase();
        let words = ["rate limit", "rate_limit", "too quickly", "abuse detection"];
        if !words.iter().any(|word| text.contains(word)) {
            return None;
        }
        let body: LimitedAnswer = serde_json::from_slice(answer.body()).ok()?;
        // With the status 200 a `message` is data, such as that of a commit.
        let rest = LimitError {
            kind: None,
            message: body.message.filter(|_| is_refusal),
        };
        body.errors.iter().chain([&rest]).find_map(Self::named)
    }

    fn named(error: &LimitError) -> Option<Self> {
        let kind = error.kind.as_deref().unwrap_or_default();
        let message = error.message.as_deref().unwrap_or_default();
        let message = message.to_ascii_lowercase();
        let has = |words: &str| message.contains(words);
        if has("secondary rate limit") || has("submitted too quickly") || has("abuse detection") {
            Some(Self::Secondary)
        } else if matches!(kind, "RATE_LIMIT" | "RATE_LIMITED")
            || (has("rate limit") && has("exceeded"))
        {
            Some(Self::Primary)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn limit(status: u16, body: &serde_json::Value) -> Option<GitHubLimit> {
        let url = "https://api.example.org/graphql".parse().unwrap();
        let body = body.to_string().into_bytes();
        GitHubLimit::of(&HttpAnswer::new(status, Vec::new(), body, url).graphql(true))
    }

    #[test]
    fn every_form_of_a_limit_is_recognized() {
        let error = |kind: &str, message: &str| {
            let error = json!({ "type": kind, "code": "x", "message": message });
            limit(200, &json!({ "data": null, "errors": [error] }))
        };
        let primary = "API rate limit already exceeded for user ID 1.";
        let secondary = "You have exceeded a secondary rate limit. Please wait a few minutes.";
        assert_eq!(error("RATE_LIMIT", primary), Some(GitHubLimit::Primary));
        assert_eq!(
            error("RATE_LIMITED", "x rate limit"),
            Some(GitHubLimit::Primary)
        );
        assert_eq!(error("", primary), Some(GitHubLimit::Primary));
        assert_eq!(error("", secondary), Some(GitHubLimit::Secondary));
        let quickly = "was submitted too quickly (createPullRequest)";
        assert_eq!(
            error("UNPROCESSABLE", quickly),
            Some(GitHubLimit::Secondary)
        );
        let rest = limit(403, &json!({ "message": secondary }));
        assert_eq!(rest, Some(GitHubLimit::Secondary));
    }

    #[test]
    fn a_file_about_limits_is_no_limit() {
        let text = "the API rate limit exceeded, submitted too quickly";
        assert_eq!(limit(200, &json!({ "data": { "text": text } })), None);
        let forbidden = json!({ "message": "Resource not accessible by integration" });
        assert_eq!(limit(403, &forbidden), None);
    }

    #[test]
    fn a_commit_or_an_image_about_limits_is_no_limit() {
        let message = "API rate limit exceeded: a secondary rate limit";
        let commit = json!({ "message": message });
        assert_eq!(limit(200, &commit), None, "even of GraphQL");
        let errors = json!({ "errors": [{ "type": "RATE_LIMIT", "message": message }] });
        for document in [commit, errors] {
            let url = "https://api.example.org/x".parse().unwrap();
            let body = document.to_string().into_bytes();
            let answer = HttpAnswer::new(200, Vec::new(), body, url);
            assert_eq!(GitHubLimit::of(&answer), None, "{document}");
        }
    }
}
