//! The places of secrets in a text.

use std::ops::Range;

/// The place of a secret, in bytes.
pub(super) type SecretRange = Range<usize>;

const MASK: &str = "***";

/// Adds the places of a secret; they may overlap.
pub(super) fn mark(text: &str, secret: &str, found: &mut Vec<SecretRange>) {
    // To prepare a search takes longer than most texts are.
    if text.len() < secret.len() {
        return;
    }
    let step = secret.chars().next().map_or(1, char::len_utf8);
    let mut from = 0;
    while let Some(at) = text[from..].find(secret) {
        let start = from + at;
        found.push(start..start + secret.len());
        from = start + step;
    }
}

/// Sorts places, and joins those that overlap.
pub(super) fn merged(mut found: Vec<SecretRange>) -> Vec<SecretRange> {
    found.sort_by_key(|range| (range.start, range.end));
    let mut merged: Vec<SecretRange> = Vec::with_capacity(found.len());
    for range in found {
        match merged.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

/// Returns the text with a mask at each place.
pub(super) fn replaced(text: &str, ranges: &[SecretRange]) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut at = 0;
    for range in ranges {
        clean.push_str(&text[at..range.start]);
        clean.push_str(MASK);
        at = range.end;
    }
    clean.push_str(&text[at..]);
    clean
}

/// Returns the chunks of these lengths, with a mask in the chunk in which a secret starts.
pub(super) fn cut(
    joined: &[u8],
    ranges: &[SecretRange],
    lengths: impl Iterator<Item = usize>,
) -> Vec<Vec<u8>> {
    let mut ranges = ranges.iter().peekable();
    let (mut at, mut end) = (0, 0);
    let mut chunks = Vec::new();
    for length in lengths {
        end += length;
        let mut chunk = Vec::with_capacity(length);
        while let Some(range) = ranges.next_if(|range| range.start < end) {
            chunk.extend_from_slice(&joined[at..range.start]);
            chunk.extend_from_slice(MASK.as_bytes());
            at = range.end;
        }
        if at < end {
            chunk.extend_from_slice(&joined[at..end]);
            at = end;
        }
        chunks.push(chunk);
    }
    chunks
}

/// Returns the words of data: the parts between blanks, quotes, commas, brackets and `=`.
pub(super) fn words(text: &str) -> impl Iterator<Item = SecretRange> {
    text.split(is_between).map(|word| {
        let start = word.as_ptr().addr() - text.as_ptr().addr();
        start..start + word.len()
    })
}

/// Returns whether a place is a whole word of data.
pub(super) fn is_word(text: &str, range: &SecretRange) -> bool {
    let before = text[..range.start].chars().next_back();
    let after = text[range.end..].chars().next();
    before.is_none_or(is_between)
        && after.is_none_or(is_between)
        && !text[range.clone()].contains(is_between)
}

fn is_between(c: char) -> bool {
    c.is_whitespace() || ",;=\"'`()[]{}<>|".contains(c)
}
