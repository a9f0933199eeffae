//! The errors that a registry returns as JSON.

use fetch::HttpAnswer;
use serde::Deserialize;
use serde_json::Value;

/// How much of a message is shown: the policy of a registry is a sentence.
pub(crate) const MAX_MESSAGE_LENGTH: usize = 400;

/// One error of a registry (OCI distribution specification, "Error Codes").
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct RegistryError {
    #[serde(default, deserialize_with = "text")]
    pub(crate) code: String,
    #[serde(default, deserialize_with = "text")]
    pub(crate) message: String,
    /// Artifactory's own errors have a status in place of a code.
    #[serde(default)]
    pub(crate) status: Option<u16>,
}

impl RegistryError {
    /// Returns the first error of a body; `None` when the body is not a registry's list of errors.
    pub(crate) fn first(body: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct ErrorsBody {
            errors: Vec<RegistryError>,
        }
        let body: ErrorsBody = serde_json::from_slice(body).ok()?;
        let is_registrys = |error: &Self| {
            !error.code.is_empty() || (error.status.is_some() && !error.message.is_empty())
        };
        body.errors.into_iter().find(is_registrys)
    }

    /// Returns the error of a token server, which may have a form of its own: that of OAuth 2 (RFC
    /// 6749, 5.2), or `details` (Docker Hub).
    pub(crate) fn of_token_server(body: &[u8]) -> Option<Self> {
        Self::first(body).or_else(|| {
            let body: Value = serde_json::from_slice(body).ok()?;
            let find = |names: &[&str]| {
                let found = names.iter().find_map(|name| body.get(name)?.as_str());
                found.unwrap_or_default().to_owned()
            };
            let code = find(&["error", "code"]);
            let message = find(&["error_description", "details", "detail", "message"]);
            let is_error = !code.is_empty() || !message.is_empty();
            is_error.then_some(Self {
                code,
                message,
                status: None,
            })
        })
    }

    /// Returns why the registry refused, in its own words if it gave any; a server that it redirected
    /// to has no say.
    pub(crate) fn explain(answer: &HttpAnswer) -> String {
        Self::said(Self::first(answer.body()).as_ref(), answer)
    }

    /// Returns the words of an error that was found in the answer.
    pub(crate) fn said(error: Option<&Self>, answer: &HttpAnswer) -> String {
        if answer.is_elsewhere() {
            return format!("{} answered {}", answer.source(), answer.status());
        }
        match error {
            Some(error) => answer.excerpt(&error.to_string(), MAX_MESSAGE_LENGTH),
            None => format!("status {}{}", answer.status(), answer.quoted()),
        }
    }
}

/// Reads a text; a value of another type is not the registry's word.
fn text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(value.as_str().unwrap_or_default().to_owned())
}

impl std::fmt::Display for RegistryError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.code.as_str(), self.message.as_str()) {
            ("", message) => f.write_str(message),
            (code, "") => f.write_str(code),
            (code, message) => write!(f, "{code}: {message}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_registrys_json_holds_errors() {
        let body = br#"{"errors":[
            {"code":"MANIFEST_UNKNOWN","message":"manifest unknown","detail":{"Tag":"x"}}
        ]}"#;
        assert_eq!(
            RegistryError::first(body).unwrap().to_string(),
            "MANIFEST_UNKNOWN: manifest unknown"
        );
        for body in [
            "<html>404</html>",
            "{}",
            "",
            r#"{"errors":[]}"#,
            r#"{"errors":[{}]}"#,
            r#"{"errors":[{"code":404}]}"#,
            r#"{"errors":[{"message":"no route matched"}]}"#,
            r#"{"errors":"none"}"#,
        ] {
            assert_eq!(RegistryError::first(body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn a_token_server_has_forms_of_its_own() {
        for (body, said) in [
            (
                r#"{"details":"incorrect username or password"}"#,
                "incorrect username or password",
            ),
            (r#"{"error":"invalid_grant"}"#, "invalid_grant"),
            (
                r#"{"errors":[{"code":"DENIED","message":"denied"}]}"#,
                "DENIED: denied",
            ),
        ] {
            let error = RegistryError::of_token_server(body.as_bytes()).unwrap();
            assert_eq!(error.to_string(), said);
        }
        for body in [r#"{"hello":"world"}"#, "[]", "no"] {
            assert_eq!(RegistryError::of_token_server(body.as_bytes()), None);
        }
    }
}
