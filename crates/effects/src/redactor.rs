//! Keeps secrets out of every output.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Knows every secret of the run and removes them from texts.
///
/// Everything that leaves the process goes through it: messages, JSON, outputs, summaries,
/// recordings, logs. A value that is derived from a secret (the bearer token of a registry, the
/// base64 of a user and password) has to be added as well.
#[derive(Debug, Clone, Default)]
pub struct Redactor(Arc<Mutex<Vec<String>>>);

impl Redactor {
    /// Remembers a secret in every form in which it may return: as it is, percent-encoded as in a
    /// URL, and escaped as in JSON. Returns whether it is new.
    pub fn add(&self, secret: &str) -> bool {
        if secret.is_empty() {
            return false;
        }
        let mut known = self.lock();
        if known.iter().any(|value| value == secret) {
            return false;
        }
        for form in forms(secret) {
            if !known.contains(&form) {
                known.push(form);
            }
        }
        // The longest first, since a secret may contain another one.
        known.sort_by_key(|value| std::cmp::Reverse(value.len()));
        true
    }

    /// Returns the text with every secret replaced by `***`, and every user and password in a URL
    /// (`https://user:token@host`), known or not.
    pub fn apply(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        for secret in self.lock().iter() {
            if clean.contains(secret.as_str()) {
                clean = clean.replace(secret.as_str(), "***");
            }
        }
        without_user_information(&clean)
    }

    /// Redacts every string of a JSON value; the keys of objects stay.
    pub fn apply_json(&self, value: &mut serde_json::Value) {
        use serde_json::Value;
        match value {
            Value::String(text) => *text = self.apply(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.apply_json(item)),
            Value::Object(map) => map.values_mut().for_each(|item| self.apply_json(item)),
            _ => {}
        }
    }

    /// Locks the list. A poisoned lock is taken as well: without its secrets they would be printed.
    fn lock(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the secret as it is, percent-encoded in both ways, and escaped as in JSON.
fn forms(secret: &str) -> [String; 4] {
    let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let quoted = serde_json::Value::from(secret).to_string();
    [
        secret.to_owned(),
        encoded.replace('+', "%20"),
        encoded,
        quoted.trim_matches('"').to_owned(),
    ]
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
    fn a_secret_is_removed_in_every_form() {
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
}
