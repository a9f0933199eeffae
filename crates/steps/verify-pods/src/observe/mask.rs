//! Masks what looks like a secret in a log.

/// Words after which a line often has a secret.
const SECRET_WORDS: [&str; 9] = [
    "password",
    "passwd",
    "secret",
    "token",
    "api_key",
    "apikey",
    "api-key",
    "authorization",
    "bearer",
];

/// Masks the values after `password=` and the like, and words that look like tokens: people who see
/// the run may lack access to the cluster's logs.
pub(super) fn masked(line: &str) -> String {
    let mut words = Vec::new();
    let mut hide = false;
    for word in line.split(' ') {
        let word = without_password(word);
        let lower = word.to_lowercase();
        let names_secret = SECRET_WORDS.iter().any(|secret| lower.contains(secret));
        // `Authorization: Bearer x` hides both words after it.
        let hides_next = (names_secret && word.ends_with([':', '=']))
            || lower == "bearer"
            || (hide && (lower.ends_with("bearer") || word.is_empty()));
        words.push(masked_word(word, hide, names_secret));
        hide = hides_next;
    }
    words.join(" ")
}

fn masked_word(word: String, hide: bool, names_secret: bool) -> String {
    if (hide && !word.is_empty()) || word.contains("eyJ") {
        return "***".to_owned();
    }
    match word.find(['=', ':']).filter(|_| names_secret) {
        Some(at) if at + 1 < word.len() => format!("{}***", &word[..=at]),
        _ => word,
    }
}

/// Returns `postgres://dex:hunter2@db` without the part before the host.
fn without_password(word: &str) -> String {
    let Some((scheme, rest)) = word.split_once("://") else {
        return word.to_owned();
    };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    match authority.rfind('@') {
        Some(at) => format!("{scheme}://***{}", &rest[at..]),
        None => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_likely_secret_in_a_log_is_masked() {
        for (line, shown) in [
            (
                "connect postgres password=hunter2 now",
                "connect postgres password=*** now",
            ),
            (
                "Authorization: Bearer abc.def next",
                "Authorization: *** *** next",
            ),
            ("DB_PASSWORD: hunter2", "DB_PASSWORD: ***"),
            ("got eyJhbGciOi.x.y", "got ***"),
            (
                "no route to postgres://dex:p4ss@db:5432/dex",
                "no route to postgres://***@db:5432/dex",
            ),
            ("GET https://example.org/@me", "GET https://example.org/@me"),
            ("{\"token\":\"abc\"}", "{\"token\":***"),
            ("no such table: users", "no such table: users"),
        ] {
            assert_eq!(masked(line), shown);
        }
    }
}
