//! Errors of GraphQL, which have a type in GitHub's answers.

use apollo_compiler::resolvers::FieldError;

/// Stands between the type of an error and its message: the executor knows only messages.
const TYPE_ENDS: char = '\u{1f}';

/// Returns an error of a type (`STALE_DATA`).
pub(super) fn error(kind: &str, message: impl AsRef<str>) -> FieldError {
    FieldError {
        message: format!("{kind}{TYPE_ENDS}{}", message.as_ref()),
    }
}

/// Returns type and text of an error, if it is one of these.
pub(super) fn split(message: &str) -> Option<(&str, &str)> {
    let (kind, text) = message.split_once(TYPE_ENDS)?;
    Some((kind.trim_start_matches("resolver error: "), text))
}
