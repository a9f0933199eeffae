//! Users and passwords in addresses.

use super::ranges::SecretRange;

/// Characters that end the part of an address that names user and host.
const END: &str = "/\"'<>`?#\\";

/// Characters that may stand before a user name.
const OPENING: [char; 5] = ['=', '(', ',', '[', '{'];

/// Returns the places of users and passwords in addresses. `secrets` are the places of known
/// secrets: an end within one of them is no end.
pub(super) fn find(text: &str, secrets: &[SecretRange]) -> Vec<SecretRange> {
    if !text.contains('@') {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let start = word_start(text, at);
        let end = word_end(text, start, secrets);
        found.extend(in_word(text, start, end));
        at = end + text[end..].chars().next().map_or(1, char::len_utf8);
    }
    found
}

/// Returns the start of the next word; that of a host follows `://`.
fn word_start(text: &str, from: usize) -> usize {
    let rest = &text[from..];
    let is_end = |c: char| c.is_whitespace() || END.contains(c) || OPENING.contains(&c);
    rest.find(|c: char| !is_end(c))
        .map_or(text.len(), |at| from + at)
}

fn word_end(text: &str, start: usize, secrets: &[SecretRange]) -> usize {
    let is_known = |at: usize| {
        // In order and without overlaps: a server can repeat a secret in any number of places.
        let next = secrets.partition_point(|range| range.end <= at);
        secrets.get(next).is_some_and(|range| range.contains(&at))
    };
    let is_end = |c: char| c.is_whitespace() || END.contains(c);
    text[start..]
        .char_indices()
        .find(|(at, c)| is_end(*c) && !is_known(start + at))
        .map_or(text.len(), |(at, _)| start + at)
}

/// Returns the place of the user and the password in a word.
fn in_word(text: &str, start: usize, end: usize) -> Option<SecretRange> {
    let word = &text[start..end];
    let at = word.rfind('@')?;
    let user = &word[..at];
    let before = &text[..start];
    if let Some(before) = before.strip_suffix("://") {
        // A user without a password (`ssh://git@host`) is a name; in HTTP it is a token.
        let is_secret = user.contains(':') || is_http(before);
        return (is_secret && !user.is_empty()).then_some(start..start + at);
    }
    let (name, password) = user.split_once(':')?;
    let name_start = name.rfind(OPENING).map_or(0, |opening| opening + 1);
    let has_both = name_start < name.len() && !password.is_empty();
    // A path is not an address.
    let is_address = has_both && !before.ends_with('/') && is_host(&word[at + 1..]);
    is_address.then_some(start + name_start..start + at)
}

fn is_http(before: &str) -> bool {
    let scheme = before.rsplit(|c: char| !c.is_ascii_alphanumeric()).next();
    let scheme = scheme.unwrap_or_default();
    scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
}

/// Returns whether a text behind `@` begins like a host: `name:tag@sha256:…` is an image.
fn is_host(text: &str) -> bool {
    let is_digest = ["sha256:", "sha384:", "sha512:"]
        .iter()
        .any(|algorithm| text.starts_with(algorithm));
    !is_digest && text.starts_with(|c: char| c.is_alphanumeric() || c == '[')
}
