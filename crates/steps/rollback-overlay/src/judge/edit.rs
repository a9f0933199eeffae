//! The edit that puts a value into the file as it is now.

use overlay::{EditOptions, EditResult, ImageUpdate, OverlayRefusal, Pin};

use crate::observe::files::OverlayFile;

/// Puts tag, digest and name of an image into the file, as one value.
pub(crate) fn restore(file: &OverlayFile, image: &str) -> Result<EditResult, OverlayRefusal> {
    let (name, tag, digest) = parts(image);
    let options = EditOptions {
        pin: if digest.is_some() {
            Pin::Digest
        } else {
            Pin::Tag
        },
        rename: true,
        ..EditOptions::default()
    };
    let update = ImageUpdate {
        names: vec![name.to_owned()],
        tag: tag.map(str::to_owned),
        digest: digest.map(str::to_owned),
        entry: Some(file.entry.clone()),
    };
    overlay::edit(&file.content, &[update], &options).map_err(|refusal| {
        OverlayRefusal::of_edit(&file.path, &refusal).hint("edit the file by hand, and commit")
    })
}

/// Splits an image into name, tag and digest, without a check: the file had exactly this text.
fn parts(image: &str) -> (&str, Option<&str>, Option<&str>) {
    let (rest, digest) = match image.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (image, None),
    };
    // A colon before the last slash belongs to the registry's port.
    let last_part = rest.rfind('/').map_or(0, |slash| slash + 1);
    match rest[last_part..].find(':') {
        Some(colon) => {
            let (name, tag) = rest.split_at(last_part + colon);
            (name, Some(&tag[1..]), digest)
        }
        None => (rest, None, digest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_not_a_tag() {
        assert_eq!(parts("host:5000/app"), ("host:5000/app", None, None));
        assert_eq!(
            parts("host:5000/app:v1@sha256:aa"),
            ("host:5000/app", Some("v1"), Some("sha256:aa"))
        );
    }
}
