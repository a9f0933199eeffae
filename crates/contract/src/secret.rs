//! Secrets, and how they stay out of every output.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

/// A value that prints `***` and is shown only to the system that it belongs to.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value; `World::secret` does it for variables and registers it with the redactor.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// Returns the value, to be sent and never to be printed.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Knows every secret of the run and takes them out of texts.
///
/// Everything that leaves the process goes through it: words, JSON, outputs, summaries, recordings,
/// logs. Values that are derived from a secret (a registry's bearer token, the base64 of a user and
/// password) are secrets of their own.
#[derive(Debug, Clone, Default)]
pub struct Redactor(Arc<Mutex<Vec<String>>>);

impl Redactor {
    /// Remembers a secret and the forms in which it may come back: as it is, percent-encoded as in a
    /// URL, and escaped as in JSON. Returns whether it is new.
    pub fn add(&self, secret: &str) -> bool {
        if secret.is_empty() {
            return false;
        }
        let mut known = self.lock();
        if known.iter().any(|value| value == secret) {
            return false;
        }
        let encoded = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect::<String>();
        let escaped = serde_json::Value::from(secret).to_string();
        let escaped = escaped.trim_matches('"').to_owned();
        for form in [
            secret.to_owned(),
            encoded.replace('+', "%20"),
            encoded,
            escaped,
        ] {
            if !known.contains(&form) {
                known.push(form);
            }
        }
        // The longest first: a secret may contain another one.
        known.sort_by_key(|value| std::cmp::Reverse(value.len()));
        true
    }

    /// Returns the text with every secret replaced by `***`, and with the user information of URLs
    /// (`https://user:token@host`) replaced as well, whoever put it there.
    pub fn apply(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        for secret in self.lock().iter() {
            if clean.contains(secret.as_str()) {
                clean = clean.replace(secret.as_str(), "***");
            }
        }
        without_user_information(&clean)
    }

    /// Redacts every string of a JSON value, keys included.
    pub fn apply_json(&self, value: &mut serde_json::Value) {
        use serde_json::Value;
        match value {
            Value::String(text) => *text = self.apply(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.apply_json(item)),
            Value::Object(map) => map.values_mut().for_each(|item| self.apply_json(item)),
            _ => {}
        }
    }

    /// A poisoned lock still holds the secrets; losing them would print them.
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Replaces `user:password@` of every URL in the text by `***@`.
fn without_user_information(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("://") {
        let (before, after) = rest.split_at(start + 3);
        clean.push_str(before);
        let authority =
            after.find(|c: char| c == '/' || c.is_whitespace() || "\"'<>`?#".contains(c));
        let authority = &after[..authority.unwrap_or(after.len())];
        rest = match authority.rfind('@') {
            // A user without a password (`ssh://git@host`) is a name, not a secret.
            Some(at) if authority[..at].contains(':') => {
                clean.push_str("***");
                &after[at..]
            }
            _ => after,
        };
    }
    clean.push_str(rest);
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_taken_out_in_every_form() {
        let redactor = Redactor::default();
        redactor.add("p/ss \"word");
        for text in [
            "p/ss \"word",
            "p%2Fss+%22word",
            "p%2Fss%20%22word",
            "p/ss \\\"word",
        ] {
            assert_eq!(redactor.apply(&format!("a {text} b")), "a *** b");
        }
    }

    #[test]
    fn the_longer_of_two_secrets_goes_first() {
        let redactor = Redactor::default();
        redactor.add("abc");
        redactor.add("abcdef");
        assert_eq!(redactor.apply("abcdef abc"), "*** ***");
    }

    #[test]
    fn passwords_in_urls_never_show() {
        let redactor = Redactor::default();
        assert_eq!(
            redactor.apply("fetch https://x:token@git.example.org/a.git and ssh://git@host/b"),
            "fetch https://***@git.example.org/a.git and ssh://git@host/b"
        );
    }

    #[test]
    fn a_secret_prints_stars() {
        let secret = Secret::new("token");
        assert_eq!(format!("{secret} {secret:?}"), "*** ***");
    }
}
