//! An answer with its whole body.

use contract::{Redactor, asking};
use serde::de::DeserializeOwned;
use url::Url;

use crate::FetchError;

/// The longest error of the JSON parser to show.
const MAX_ERROR: usize = 300;

/// Status, headers and body of an answer.
#[derive(Debug, Clone)]
pub struct HttpAnswer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    url: Url,
    is_elsewhere: bool,
    is_secret: bool,
    is_graphql: bool,
    redactor: Redactor,
}

impl HttpAnswer {
    pub(crate) fn new(
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
        url: Url,
    ) -> Self {
        Self {
            status,
            headers,
            body,
            url,
            is_elsewhere: false,
            is_secret: false,
            is_graphql: false,
            redactor: Redactor::default(),
        }
    }

    pub(crate) fn elsewhere(self, is_elsewhere: bool) -> Self {
        Self {
            is_elsewhere,
            ..self
        }
    }

    /// Declares that the body contains a secret that no redactor knows yet, as a token server's
    /// does. The body of a refusal contains none.
    pub(crate) fn secret(self, has_secret: bool) -> Self {
        let is_secret = has_secret && self.status < 400;
        Self { is_secret, ..self }
    }

    /// Declares that the answer is one of GraphQL.
    pub(crate) fn graphql(self, is_graphql: bool) -> Self {
        Self { is_graphql, ..self }
    }

    /// Returns whether the answer is one of GraphQL, whose errors have the status 200.
    pub(crate) fn is_graphql(&self) -> bool {
        self.is_graphql
    }

    /// Returns whether messages must not show a part of the body.
    fn has_hidden_body(&self) -> bool {
        self.is_elsewhere || self.is_secret
    }

    /// Lets messages about the answer be redacted before they are cut.
    pub(crate) fn redacted_by(mut self, redactor: &Redactor) -> Self {
        self.redactor = redactor.clone();
        self
    }

    /// Returns the status code.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Returns the first header of this lowercase name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// Returns every header of this lowercase name; a server may send several challenges.
    pub fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// Returns the body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Returns the address that answered, after redirects.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Returns whether a redirect led to another server than the one that was asked. Such an answer
    /// must not cause a secret to be sent, and its text is not shown.
    pub fn is_elsewhere(&self) -> bool {
        self.is_elsewhere
    }

    /// Returns the host that answered, for messages.
    pub fn source(&self) -> String {
        let host = self.url.host_str().unwrap_or("the server");
        self.url
            .port()
            .map_or_else(|| format!("`{host}`"), |port| format!("`{host}:{port}`"))
    }

    /// Returns GitHub's number of the request, ` (request …)`: its support asks for it.
    pub fn request_id(&self) -> String {
        self.header("x-github-request-id")
            .map(|id| format!(" (request {})", self.excerpt(id, 60)))
            .unwrap_or_default()
    }

    /// Reads the body as JSON.
    ///
    /// # Errors
    /// `not-the-api` when it is a login page, empty, or JSON of another shape.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, FetchError> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let what = if self.is_html() {
                "an HTML page".to_owned()
            } else if self.has_hidden_body() {
                "a body that is not the expected JSON".to_owned()
            } else {
                // The parser quotes the whole text that it did not expect.
                let error = self.excerpt(&error.to_string(), MAX_ERROR);
                format!("a body that is not the expected JSON ({error})")
            };
            FetchError::new(
                asking::NOT_THE_API,
                format!(
                    "{} answered {} with {what}{}{}",
                    self.source(),
                    self.status,
                    self.quoted(),
                    self.request_id()
                ),
            )
        })
    }

    /// Returns whether the body is an HTML page, whatever the header says.
    pub fn is_html(&self) -> bool {
        let typed = self
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("text/html"));
        let start = String::from_utf8_lossy(&self.body[..self.body.len().min(256)])
            .trim_start()
            .to_ascii_lowercase();
        typed || start.starts_with("<!doctype html") || start.starts_with("<html")
    }

    /// Returns the beginning of the body for a message, `: "…"`, or the title of a page; nothing
    /// from another server than the one that was asked, which could lead to any text, and nothing
    /// from an answer that contains a secret.
    pub fn quoted(&self) -> String {
        if self.has_hidden_body() {
            return String::new();
        }
        let text = String::from_utf8_lossy(&self.body);
        let line = if self.is_html() {
            self.excerpt(&title(&text).unwrap_or_default(), 160)
        } else {
            self.excerpt(&text, 160)
        };
        if line.is_empty() {
            String::new()
        } else {
            format!(": \"{line}\"")
        }
    }

    /// Returns the sentence of an error for a message, `: "…"`, where the body is one of the usual
    /// JSON forms, else its beginning as [`quoted`](Self::quoted) does.
    pub fn sentence(&self) -> String {
        let sentence = serde_json::from_slice(&self.body).ok().and_then(sentence);
        match sentence {
            Some(text) if !self.has_hidden_body() => format!(": \"{}\"", self.excerpt(&text, 400)),
            _ => self.quoted(),
        }
    }

    /// Returns the beginning of a text of this answer in one line, redacted before it is cut.
    pub fn excerpt(&self, text: &str, max_chars: usize) -> String {
        self.redactor.excerpt(text, max_chars)
    }

    /// Returns the target of a redirect; `None` when the answer is no redirect, or leads out of
    /// HTTP.
    pub(crate) fn redirect(&self, from: &Url) -> Option<Url> {
        let redirects = matches!(self.status, 301 | 302 | 303 | 307 | 308);
        let next = from
            .join(self.header("location").filter(|_| redirects)?)
            .ok()?;
        matches!(next.scheme(), "http" | "https").then_some(next)
    }
}

/// Finds the sentence in the errors of registries, of GitHub's REST API and of its GraphQL API, and of
/// token servers.
fn sentence(body: serde_json::Value) -> Option<String> {
    const PLACES: [&str; 4] = [
        "/errors/0/message",
        "/message",
        "/error_description",
        "/details",
    ];
    let found = PLACES
        .iter()
        .find_map(|place| body.pointer(place)?.as_str());
    found.filter(|text| !text.is_empty()).map(str::to_owned)
}

fn title(page: &str) -> Option<String> {
    let start = page.to_ascii_lowercase().find("<title")?;
    let rest = &page[start..];
    let rest = &rest[rest.find('>')? + 1..];
    Some(rest[..rest.find('<')?].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> HttpAnswer {
        let headers = headers
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        HttpAnswer::new(
            status,
            headers,
            body.as_bytes().to_vec(),
            "https://api.example.org/x".parse().unwrap(),
        )
    }

    #[test]
    fn a_login_page_is_not_the_api() {
        let page = answer(
            200,
            &[],
            "<!DOCTYPE html><html><head><title>Sign in</title></head>",
        );
        let error = page.json::<serde_json::Value>().unwrap_err();
        assert_eq!(error.reason(), asking::NOT_THE_API);
        assert!(
            error.to_string().contains("an HTML page: \"Sign in\""),
            "{error}"
        );
    }

    #[test]
    fn an_error_of_the_parser_is_cut_after_it_is_redacted() {
        let redactor = Redactor::default();
        redactor.add("correct-horse-battery");
        let start = "x".repeat(MAX_ERROR - 40);
        let body = format!("\"{start}correct-horse-battery{}\"", "y".repeat(1 << 20));
        let answer = answer(200, &[], &body).redacted_by(&redactor);
        let error = answer.json::<u8>().unwrap_err().to_string();
        assert!(error.len() < 1000, "{} bytes", error.len());
        assert!(
            error.contains("x***") && !error.contains("correct"),
            "{error}"
        );
    }

    #[test]
    fn text_from_elsewhere_is_not_quoted() {
        for body in [
            "export PASSWORD=s3cret",
            "\"s3cret\"",
            "<title>s3cret</title>",
        ] {
            let answer = answer(200, &[], body).elsewhere(true);
            let error = answer.json::<u8>().unwrap_err();
            assert!(!error.to_string().contains("s3cret"), "{error}");
            assert_eq!(answer.quoted(), "");
        }
    }

    #[test]
    fn an_answer_with_a_secret_is_not_quoted() {
        for (status, body) in [
            (200, r#"{"token":["s3cret"]}"#),
            (200, r#"{"token":"s3cret""#),
            (200, r#""s3cret""#),
            (201, r#"{"message":"s3cret"}"#),
            (203, "<html><title>s3cret</title></html>"),
        ] {
            let answer = answer(status, &[], body).secret(true);
            let error = answer.json::<Vec<u8>>().unwrap_err().to_string();
            let said = [error, answer.quoted(), answer.sentence()].concat();
            assert!(!said.contains("s3cret"), "{said}");
        }
        let refusal = answer(401, &[], r#"{"message":"no"}"#).secret(true);
        assert_eq!(refusal.sentence(), ": \"no\"");
    }

    #[test]
    fn a_quoted_secret_is_redacted_before_the_cut() {
        let redactor = Redactor::default();
        redactor.add("correct  horse  battery");
        let body = format!("{} correct  horse  battery", "x".repeat(150));
        let quoted = answer(418, &[], &body).redacted_by(&redactor).quoted();
        assert!(quoted.ends_with("x ***\""), "{quoted}");
        let body = format!("{}correct  horse  battery", " ".repeat(4090));
        let quoted = answer(418, &[], &body).redacted_by(&redactor).quoted();
        assert_eq!(quoted, ": \"***\"");
    }

    #[test]
    fn the_sentence_of_an_error_is_found() {
        for (body, sentence) in [
            (
                r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}"#,
                "slow down",
            ),
            (
                r#"{"message":"API rate limit exceeded"}"#,
                "API rate limit exceeded",
            ),
            (
                r#"{"error":"x","error_description":"too many logins"}"#,
                "too many logins",
            ),
            ("Too many requests (HAP429).", "Too many requests (HAP429)."),
            ("<html><title>Limited</title></html>", "Limited"),
        ] {
            assert_eq!(
                answer(429, &[], body).sentence(),
                format!(": \"{sentence}\"")
            );
        }
        assert_eq!(answer(429, &[], "").sentence(), "");
        let elsewhere = answer(429, &[], r#"{"message":"s3cret"}"#).elsewhere(true);
        assert_eq!(elsewhere.sentence(), "");
    }

    #[test]
    fn a_redirect_is_relative_to_its_page_and_stays_within_http() {
        let from: Url = "https://api.example.org/a/b".parse().unwrap();
        let to = |location| {
            answer(307, &[("location", location)], "")
                .redirect(&from)
                .map(String::from)
        };
        assert_eq!(to("c").as_deref(), Some("https://api.example.org/a/c"));
        assert_eq!(to("file:///etc/passwd"), None);
        assert_eq!(answer(200, &[("location", "c")], "").redirect(&from), None);
    }
}
