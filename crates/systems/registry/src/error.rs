//! The errors that a registry returns as JSON.

use fetch::HttpAnswer;
use serde::Deserialize;

/// How much of a message is shown.
pub(crate) const MAX_MESSAGE_LENGTH: usize = 200;

/// One error of a registry (OCI distribution specification, "Error Codes").
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct RegistryError {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

impl RegistryError {
    /// Returns the first error of a body; `None` when the body is not a registry's list of errors.
    pub(crate) fn first(body: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct ErrorsBody {
            errors: Vec<RegistryError>,
        }
        let body: ErrorsBody = serde_json::from_slice(body).ok()?;
        body.errors.into_iter().next()
    }

    /// Returns why the registry refused, in its own words if it gave any; a server that it redirected
    /// to has no say.
    pub(crate) fn explain(answer: &HttpAnswer) -> String {
        if answer.is_elsewhere() {
            return format!("{} answered {}", answer.source(), answer.status());
        }
        match Self::first(answer.body()) {
            Some(error) => answer.excerpt(&error.to_string(), MAX_MESSAGE_LENGTH),
            None => format!("status {}{}", answer.status(), answer.quoted()),
        }
    }
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
        assert_eq!(RegistryError::first(b"<html>404</html>"), None);
        assert_eq!(RegistryError::first(b"{}"), None);
    }
}
