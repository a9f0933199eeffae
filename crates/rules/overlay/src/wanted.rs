//! The last check of what goes into the text: nothing that could be read as YAML of its own.

use crate::ImageUpdate;
use crate::refusal::{EditRefusal, EditRefusalKind};

/// Refuses a change with a tag, digest or name that is none.
pub(crate) fn is_safe(update: &ImageUpdate) -> Result<(), EditRefusal> {
    let not = |what: &str, value: &str| {
        Err(EditRefusalKind::IncompleteImage.because(format!("{value:?} is no {what}")))
    };
    if let Some(tag) = update.tag.as_deref().filter(|tag| !is_tag(tag)) {
        return not("tag", tag);
    }
    if let Some(digest) = update.digest.as_deref().filter(|digest| !is_digest(digest)) {
        return not(
            "digest of the form `sha256:` and 64 hexadecimal digits",
            digest,
        );
    }
    if let Some(name) = update.names.iter().find(|name| !is_name(name)) {
        return not("image name", name);
    }
    match update.names.is_empty() {
        true => Err(EditRefusalKind::IncompleteImage.because("an image without a name")),
        false => Ok(()),
    }
}

/// `[A-Za-z0-9_][A-Za-z0-9._-]{0,127}` (OCI distribution specification).
fn is_tag(tag: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    tag.len() <= 128 && !tag.is_empty() && !tag.starts_with(['.', '-']) && tag.bytes().all(inner)
}

fn is_digest(digest: &str) -> bool {
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    digest
        .strip_prefix("sha256:")
        .is_some_and(|digits| digits.len() == 64 && digits.bytes().all(hex))
}

/// What a name may be made of, ports, tags and digests included; no blank, so no `: ` and no ` #`.
pub(crate) fn is_name(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/:@".contains(&byte);
    !name.is_empty() && !name.ends_with(':') && name.bytes().all(inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_that_would_be_yaml_is_none() {
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
                is_safe(&update).unwrap_err().kind,
                EditRefusalKind::IncompleteImage
            );
        }
    }

    #[test]
    fn a_name_with_blanks_or_quotes_is_none() {
        for name in ["", "a b", "a\nb", "a\"", "a: b", "app:", "#a"] {
            let update = ImageUpdate {
                names: vec![name.into()],
                ..ImageUpdate::default()
            };
            assert_eq!(
                is_safe(&update).unwrap_err().kind,
                EditRefusalKind::IncompleteImage
            );
        }
    }
}
