//! The last check of an update: nothing in it may be read as YAML of its own.

use crate::ImageUpdate;
use crate::refusal::{EditRefusal, EditRefusalKind};

/// Refuses an update with an invalid tag, digest or name.
pub(crate) fn validate(update: &ImageUpdate) -> Result<(), EditRefusal> {
    if let Some(tag) = update.tag.as_deref()
        && !is_tag(tag)
    {
        return Err(invalid(tag, "tag"));
    }
    if let Some(digest) = update.digest.as_deref()
        && !is_digest(digest)
    {
        let form = "digest: expected `sha256:` and 64 hexadecimal digits";
        return Err(invalid(digest, form));
    }
    if let Some(name) = update.names.iter().find(|name| !is_name(name)) {
        return Err(invalid(name, "image name"));
    }
    if update.names.is_empty() {
        return Err(EditRefusalKind::IncompleteImage.because("an image without a name"));
    }
    Ok(())
}

/// Whether a name consists of the characters of an image reference, including ports, tags and
/// digests. It has no blank, so neither `: ` nor ` #`.
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.ends_with(':') && consists_of(name, b"._-/:@")
}

/// `[A-Za-z0-9_][A-Za-z0-9._-]{0,127}` (OCI distribution specification).
fn is_tag(tag: &str) -> bool {
    (1..=128).contains(&tag.len()) && !tag.starts_with(['.', '-']) && consists_of(tag, b"._-")
}

fn is_digest(digest: &str) -> bool {
    let Some(digits) = digest.strip_prefix("sha256:") else {
        return false;
    };
    digits.len() == 64
        && digits
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn consists_of(text: &str, punctuation: &[u8]) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || punctuation.contains(&byte))
}

fn invalid(value: &str, form: &str) -> EditRefusal {
    EditRefusalKind::IncompleteImage.because(format!("{value:?} is not a valid {form}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_that_would_be_yaml_is_invalid() {
        for tag in [
            "",
            "v1\"\n- x",
            "v1 # x",
            "a: b",
            ".v1",
            "-v1",
            "v1@sha256",
            &"a".repeat(129),
        ] {
            let update = ImageUpdate {
                names: vec!["app".into()],
                tag: Some(tag.into()),
                ..ImageUpdate::default()
            };
            assert_eq!(
                validate(&update).unwrap_err().kind,
                EditRefusalKind::IncompleteImage
            );
        }
    }

    #[test]
    fn a_name_with_blanks_or_quotes_is_invalid() {
        for name in ["", "a b", "a\nb", "a\"", "a: b", "app:", "#a"] {
            let update = ImageUpdate {
                names: vec![name.into()],
                ..ImageUpdate::default()
            };
            assert_eq!(
                validate(&update).unwrap_err().kind,
                EditRefusalKind::IncompleteImage
            );
        }
    }
}
