//! Edits of a text as ranges of bytes.

use std::ops::Range;

use crate::refusal::{EditRefusal, EditRefusalKind};

/// A range of the old text and the bytes that replace it.
#[derive(Debug)]
pub(crate) struct TokenEdit {
    pub(crate) range: Range<usize>,
    pub(crate) bytes: String,
}

impl TokenEdit {
    pub(crate) fn insert(at: usize, bytes: impl Into<String>) -> Self {
        Self::replace(at..at, bytes)
    }

    pub(crate) fn replace(range: Range<usize>, bytes: impl Into<String>) -> Self {
        Self {
            range,
            bytes: bytes.into(),
        }
    }
}

/// Returns the new text; every byte outside the edits stays.
pub(crate) fn apply(text: &str, mut token_edits: Vec<TokenEdit>) -> Result<String, EditRefusal> {
    token_edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
    let mut new = String::with_capacity(text.len() + token_edits.len() * 32);
    let mut done = 0;
    for TokenEdit { range, bytes } in token_edits {
        let between = match text.get(done..range.start) {
            Some(between) if range.start <= range.end => between,
            _ => {
                let message = "two edits of the same bytes";
                return Err(EditRefusalKind::UnsupportedYaml.because(message));
            }
        };
        new.push_str(between);
        new.push_str(&bytes);
        done = range.end;
    }
    new.push_str(&text[done..]);
    Ok(new)
}
