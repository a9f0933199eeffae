//! The header `WWW-Authenticate`, in which a registry says how to log in.

/// One way to log in (RFC 9110, 11.6.1; distribution, "Token Authentication").
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Challenge {
    Basic,
    Bearer(BearerChallenge),
}

/// The token server that grants tokens, and what to ask it for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BearerChallenge {
    pub(crate) realm: String,
    pub(crate) service: Option<String>,
    pub(crate) scope: Option<String>,
}

impl Challenge {
    /// Returns the first supported challenge of all headers; others, such as Negotiate, may precede
    /// it.
    pub(crate) fn find<'a>(headers: impl Iterator<Item = &'a str>) -> Option<Self> {
        headers
            .flat_map(split)
            .find_map(|(scheme, parameters)| Self::new(&scheme, &parameters))
    }

    fn new(scheme: &str, parameters: &[(String, String)]) -> Option<Self> {
        match scheme {
            "basic" => Some(Self::Basic),
            "bearer" => Some(Self::Bearer(BearerChallenge {
                realm: find_value(parameters, "realm")?,
                service: find_value(parameters, "service"),
                scope: find_value(parameters, "scope"),
            })),
            _ => None,
        }
    }
}

fn find_value(parameters: &[(String, String)], name: &str) -> Option<String> {
    let found = parameters.iter().find(|(key, _)| key == name);
    found.map(|(_, value)| value.clone())
}

/// A scheme in lowercase and its parameters.
type ChallengeText = (String, Vec<(String, String)>);

/// Splits a header into its challenges. Commas separate both challenges and parameters; a word that
/// is not followed by `=` starts a challenge.
fn split(header: &str) -> Vec<ChallengeText> {
    let mut challenges: Vec<ChallengeText> = Vec::new();
    let mut rest = header.trim_start_matches([' ', ',']);
    while !rest.is_empty() {
        let end = rest.find([' ', '=', ',']).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        rest = match after.strip_prefix('=') {
            Some(value) => {
                let (value, after) = parameter(value);
                if let Some((_, parameters)) = challenges.last_mut() {
                    parameters.push((word.to_ascii_lowercase(), value));
                }
                after
            }
            None => {
                challenges.push((word.to_ascii_lowercase(), Vec::new()));
                after
            }
        };
        rest = rest.trim_start_matches([' ', ',']);
    }
    challenges
}

/// Reads `"a \"quoted\" value"` or `token`, and returns the rest of the header.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer(realm: &str, service: Option<&str>, scope: Option<&str>) -> Challenge {
        Challenge::Bearer(BearerChallenge {
            realm: realm.to_owned(),
            service: service.map(str::to_owned),
            scope: scope.map(str::to_owned),
        })
    }

    fn find(headers: &[&str]) -> Option<Challenge> {
        Challenge::find(headers.iter().copied())
    }

    #[test]
    fn values_may_contain_commas_and_quotes() {
        let header = r#"Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull,push",error="invalid \"token\"""#;
        let expected = bearer(
            "https://auth.example/token",
            Some("registry.example"),
            Some("repository:a/b:pull,push"),
        );
        assert_eq!(find(&[header]), Some(expected));
    }

    #[test]
    fn the_first_supported_challenge_wins() {
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
}
