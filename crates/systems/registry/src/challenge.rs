//! What a registry asks for, and how it says no: `WWW-Authenticate`, and its errors in JSON.

use serde::Deserialize;

/// One way in that a registry offers (RFC 9110, 11.6.1; distribution, "Token Authentication").
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Challenge {
    Basic,
    Bearer {
        realm: String,
        service: Option<String>,
        scope: Option<String>,
    },
}

impl Challenge {
    /// Returns the first challenge that can be met among those of all headers; Negotiate and others
    /// may come before it.
    pub(crate) fn find<'a>(headers: impl Iterator<Item = &'a str>) -> Option<Self> {
        headers
            .flat_map(split)
            .find_map(|(scheme, parameters)| Self::new(&scheme, &parameters))
    }

    fn new(scheme: &str, parameters: &[(String, String)]) -> Option<Self> {
        let value = |name: &str| {
            parameters
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.clone())
        };
        match scheme {
            "basic" => Some(Self::Basic),
            "bearer" => Some(Self::Bearer {
                realm: value("realm")?,
                service: value("service"),
                scope: value("scope"),
            }),
            _ => None,
        }
    }
}

/// A scheme in lowercase and its parameters.
type Offer = (String, Vec<(String, String)>);

/// Splits a header into its challenges. Commas separate challenges and parameters alike; a word
/// that is not followed by `=` starts a challenge.
fn split(header: &str) -> Vec<Offer> {
    let mut offers: Vec<Offer> = Vec::new();
    let mut rest = header.trim_start_matches([' ', ',']);
    while !rest.is_empty() {
        let end = rest.find([' ', '=', ',']).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        rest = match after.strip_prefix('=') {
            Some(value) => {
                let (value, after) = parameter(value);
                if let Some((_, parameters)) = offers.last_mut() {
                    parameters.push((word.to_ascii_lowercase(), value));
                }
                after
            }
            None => {
                offers.push((word.to_ascii_lowercase(), Vec::new()));
                after
            }
        };
        rest = rest.trim_start_matches([' ', ',']);
    }
    offers
}

/// Reads `"a \"quoted\" value"` or `token`.
fn parameter(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ']).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(characters.next().map(|(_, c)| c)),
            _ => value.push(c),
        }
    }
    (value, "")
}

/// One error of a registry (OCI distribution specification, "Error Codes").
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct RegistryError {
    #[serde(default)]
    pub(crate) code: String,
    #[serde(default)]
    pub(crate) message: String,
}

impl std::fmt::Display for RegistryError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let message: String = self
            .message
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .chars()
            .take(200)
            .collect();
        match (self.code.as_str(), message.as_str()) {
            ("", message) => f.write_str(message),
            (code, "") => f.write_str(code),
            (code, message) => write!(f, "{code}: {message}"),
        }
    }
}

/// Returns the errors of a body; empty when it is not a registry's.
pub(crate) fn errors(body: &[u8]) -> Vec<RegistryError> {
    #[derive(Deserialize)]
    struct Body {
        errors: Vec<RegistryError>,
    }
    serde_json::from_slice::<Body>(body)
        .map(|body| body.errors)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer(realm: &str, service: Option<&str>, scope: Option<&str>) -> Challenge {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Challenge::Bearer {
            realm: realm.to_owned(),
            service: owned(service),
            scope: owned(scope),
        }
    }

    fn find(headers: &[&str]) -> Option<Challenge> {
        Challenge::find(headers.iter().copied())
    }

    #[test]
    fn a_bearer_challenge_is_read_with_commas_and_quotes_in_its_values() {
        let header = r#"Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull,push",error="invalid \"token\"""#;
        let expected = bearer(
            "https://auth.example/token",
            Some("registry.example"),
            Some("repository:a/b:pull,push"),
        );
        assert_eq!(find(&[header]), Some(expected));
    }

    #[test]
    fn the_first_that_can_be_met_counts_in_one_header_or_several() {
        let token = bearer("https://a/t", None, None);
        assert_eq!(
            find(&["Negotiate", r#"Bearer realm="https://a/t""#]),
            Some(token.clone())
        );
        assert_eq!(
            find(&[r#"Negotiate, bearer realm=https://a/t, Basic realm="x""#]),
            Some(token)
        );
        assert_eq!(
            find(&[r#"Basic realm="basic-realm""#]),
            Some(Challenge::Basic)
        );
        assert_eq!(find(&["Digest realm=x", ""]), None);
        assert_eq!(find(&["Bearer"]), None);
    }

    #[test]
    fn errors_are_a_registrys_only_in_its_json() {
        let body =
            br#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown","detail":{"Tag":"x"}}]}"#;
        assert_eq!(
            errors(body)[0].to_string(),
            "MANIFEST_UNKNOWN: manifest unknown"
        );
        assert!(errors(b"<html>404</html>").is_empty() && errors(b"{}").is_empty());
    }
}
