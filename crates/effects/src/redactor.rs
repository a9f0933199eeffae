//! Keeps secrets out of every output.

mod ranges;
mod user_information;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::{Map, Value};

use self::ranges::{SecretRange, mark, replaced};

/// Knows every secret of the run and removes them from texts.
///
/// Every text for people goes through it: messages, summaries, recordings, logs. A value that is
/// derived from a secret (the bearer token of a registry, the base64 of a user and password) has to
/// be added as well. Text from outside goes through it before it is cut, folded or quoted: a part
/// of a secret is no longer recognized.
#[derive(Clone, Default)]
pub struct Redactor(Arc<Mutex<Vec<SecretForm>>>);

/// How long a secret is that is masked within the words of data too.
const MIN_PART_LENGTH: usize = 8;

/// One form in which a secret may return.
struct SecretForm {
    text: String,
    /// Whether a server chose the secret.
    is_foreign: bool,
}

impl Redactor {
    /// Remembers a secret in every form in which it may return: as it is, percent-encoded as in a
    /// URL, and escaped as in JSON and HTML. Returns whether it is new.
    pub fn add(&self, secret: &str) -> bool {
        self.remember(secret, false)
    }

    /// Remembers a secret that a server chose, such as a bearer token. It never masks data: a
    /// server could otherwise decide which outputs of a step are readable.
    pub fn add_foreign(&self, secret: &str) -> bool {
        self.remember(secret, true)
    }

    fn remember(&self, secret: &str, is_foreign: bool) -> bool {
        if secret.is_empty() {
            return false;
        }
        let mut known = self.lock();
        if let Some(form) = known.iter_mut().find(|form| form.text == secret) {
            form.is_foreign &= is_foreign;
            return false;
        }
        for text in forms(secret) {
            if !known.iter().any(|form| form.text == text) {
                known.push(SecretForm { text, is_foreign });
            }
        }
        true
    }

    /// Returns the text with every secret replaced by `***`, and every user and password in an
    /// address (`https://user:token@host`, `user:password@host`), known or not.
    pub fn apply(&self, text: &str) -> String {
        replaced(text, &self.ranges(text))
    }

    /// Does the same in place. Most texts have no secret, and stay as they are.
    pub fn apply_to(&self, text: &mut String) {
        let ranges = self.ranges(text);
        if !ranges.is_empty() {
            *text = replaced(text, &ranges);
        }
    }

    /// Returns the beginning of a text from outside in one line: redacted first, then folded, then
    /// cut at this number of characters.
    pub fn excerpt(&self, text: &str, max_chars: usize) -> String {
        let text = self.apply(text);
        let words: Vec<&str> = text.split_whitespace().collect();
        words.join(" ").chars().take(max_chars).collect()
    }

    /// Returns data with every secret replaced by `***`, except within words that `is_typed`
    /// recognizes, such as digests and references. Such a word is masked only if it is, as a
    /// whole, a secret that no server chose. A short secret may be a part of any name
    /// (`linux/amd64`), so it is masked only where it is a whole word.
    pub fn apply_data(&self, text: &str, is_typed: impl Fn(&str) -> bool) -> String {
        let mut ranges = self.ranges_of(text, |form, range| {
            form.text.chars().count() >= MIN_PART_LENGTH || ranges::is_word(text, range)
        });
        if !ranges.is_empty() {
            let typed = ranges::words(text).filter(|range| is_typed(&text[range.clone()]));
            let typed: Vec<_> = typed
                .filter(|range| !self.is_own(&text[range.clone()]))
                .collect();
            ranges.retain(|secret| !is_within(secret, &typed));
        }
        replaced(text, &ranges)
    }

    /// Redacts every string of a JSON value, keys included.
    pub fn apply_json(&self, value: &mut Value) {
        rewrite(value, &|text| self.apply(text));
    }

    /// Redacts every string of a JSON value that is data, keys included.
    pub fn apply_data_json(&self, value: &mut Value, is_typed: impl Fn(&str) -> bool) {
        rewrite(value, &|text| self.apply_data(text, &is_typed));
    }

    /// Redacts bytes that need not be text as a whole.
    pub(crate) fn apply_bytes(&self, bytes: &[u8]) -> Vec<u8> {
        self.apply_chunks(&[bytes.to_vec()]).concat()
    }

    /// Redacts the joined chunks and cuts them at the same places: a secret may be cut in two.
    pub(crate) fn apply_chunks(&self, chunks: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let joined = chunks.concat();
        let mut ranges = Vec::new();
        let mut offset = 0;
        for part in joined.utf8_chunks() {
            let found = self.ranges(part.valid());
            ranges.extend(
                found
                    .iter()
                    .map(|range| range.start + offset..range.end + offset),
            );
            offset += part.valid().len() + part.invalid().len();
        }
        ranges::cut(&joined, &ranges, chunks.iter().map(Vec::len))
    }

    /// Returns the places of secrets, in order and without overlaps.
    fn ranges(&self, text: &str) -> Vec<SecretRange> {
        self.ranges_of(text, |_, _| true)
    }

    /// Returns the places of secrets that count.
    fn ranges_of(
        &self,
        text: &str,
        counts: impl Fn(&SecretForm, &SecretRange) -> bool,
    ) -> Vec<SecretRange> {
        let mut found = Vec::new();
        for form in self.lock().iter() {
            let mut places = Vec::new();
            mark(text, &form.text, &mut places);
            found.extend(places.into_iter().filter(|range| counts(form, range)));
        }
        let secrets = ranges::merged(found);
        let mut all = user_information::find(text, &secrets);
        if all.is_empty() {
            return secrets;
        }
        all.extend(secrets);
        ranges::merged(all)
    }

    fn is_own(&self, text: &str) -> bool {
        let known = self.lock();
        known
            .iter()
            .any(|form| !form.is_foreign && form.text == text)
    }

    /// Locks the list. A poisoned lock is taken as well: without its secrets they would be printed.
    fn lock(&self) -> MutexGuard<'_, Vec<SecretForm>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor")
    }
}

/// Returns whether a place is within one of these words, which are in order.
fn is_within(secret: &SecretRange, words: &[SecretRange]) -> bool {
    let next = words.partition_point(|word| word.start <= secret.start);
    let word = next.checked_sub(1).and_then(|at| words.get(at));
    word.is_some_and(|word| secret.end <= word.end)
}

/// Rewrites every string of a JSON value, keys included.
fn rewrite(value: &mut Value, text_of: &impl Fn(&str) -> String) {
    match value {
        Value::String(text) => *text = text_of(text),
        Value::Array(items) => items.iter_mut().for_each(|item| rewrite(item, text_of)),
        Value::Object(map) => {
            for (key, mut item) in std::mem::replace(map, Map::new()) {
                rewrite(&mut item, text_of);
                map.insert(text_of(&key), item);
            }
        }
        _ => {}
    }
}

/// What Go's JSON escapes beside what every JSON does.
const GO_JSON: [(char, &str); 3] = [('&', "\\u0026"), ('<', "\\u003c"), ('>', "\\u003e")];
/// What HTML escapes, in the form of Go.
const HTML: [(char, &str); 5] = [
    ('&', "&amp;"),
    ('<', "&lt;"),
    ('>', "&gt;"),
    ('"', "&#34;"),
    ('\'', "&#39;"),
];

/// Returns the secret as it is, percent-encoded in every way, and escaped as in JSON and HTML.
fn forms(secret: &str) -> [String; 9] {
    let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let of_path = encoded.replace('+', "%20");
    let quoted = Value::from(secret).to_string();
    let escaped = &quoted[1..quoted.len() - 1];
    [
        secret.to_owned(),
        with_lowercase_digits(&of_path),
        with_lowercase_digits(&encoded),
        of_path,
        encoded,
        escaped.to_owned(),
        with_escapes(escaped, &GO_JSON),
        escaped.replace('/', "\\/"),
        with_escapes(secret, &HTML),
    ]
}

fn with_escapes(text: &str, escapes: &[(char, &str)]) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match escapes.iter().find(|(escaped, _)| *escaped == c) {
            Some((_, escape)) => escaped.push_str(escape),
            None => escaped.push(c),
        }
    }
    escaped
}

/// Returns a percent-encoded text with the digits `a` to `f` in lowercase.
fn with_lowercase_digits(encoded: &str) -> String {
    let mut text = String::with_capacity(encoded.len());
    let mut digits = 0;
    for c in encoded.chars() {
        text.push(if digits > 0 {
            c.to_ascii_lowercase()
        } else {
            c
        });
        digits = if c == '%' {
            2
        } else {
            digits - i32::from(digits > 0)
        };
    }
    text
}

#[cfg(test)]
mod tests;
