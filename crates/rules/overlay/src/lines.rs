//! Lines of a text, with the line ends they have.

use std::ops::Range;

use crate::token_edit::TokenEdit;

/// Returns the part of the line in front of a position.
pub(crate) fn before_on_line(text: &str, at: usize) -> &str {
    &text[start(text, at)..at]
}

/// Returns the blanks in front of the dash of the list item on this line.
pub(crate) fn dash_indent(text: &str, at: usize) -> Option<&str> {
    let start = start(text, at);
    let line = &text[start..end(text, at)];
    let indent = line.len() - line.trim_start_matches(' ').len();
    line[indent..].starts_with('-').then_some(&line[..indent])
}

/// Returns the end of the line, in front of its line end.
pub(crate) fn end(text: &str, at: usize) -> usize {
    match text[at..].find(['\n', '\r']) {
        Some(found) => at + found,
        None => text.len(),
    }
}

/// Returns the start of the next line, or the end of the text.
pub(crate) fn below(text: &str, at: usize) -> usize {
    let end = end(text, at);
    end + line_end_at(text, end).len()
}

/// Returns the range of whole lines. The last line of a text without final line end includes the
/// line end before it, so that the text still ends without one.
pub(crate) fn whole(text: &str, first: usize, last: usize) -> Range<usize> {
    let (start, end) = (start(text, first), end(text, last));
    match line_end_at(text, end) {
        "" => start - line_end_before(text, start).len()..end,
        line_end => start..end + line_end.len(),
    }
}

/// Inserts a line, which may contain `\n`, below the line of this position, with its line end.
pub(crate) fn insert_below(text: &str, at: usize, line: &str) -> TokenEdit {
    let end = end(text, at);
    let neighbour = line_end_at(text, end);
    if neighbour.is_empty() {
        let line_end = line_end_of_neighbours(text, at);
        return TokenEdit::insert(end, format!("{line_end}{}", line.replace('\n', line_end)));
    }
    let next = end + neighbour.len();
    TokenEdit::insert(next, line.replace('\n', neighbour) + neighbour)
}

fn start(text: &str, at: usize) -> usize {
    let start = text[..at].rfind(['\n', '\r']).map_or(0, |found| found + 1);
    // A byte order mark is not part of the first line.
    if start == 0 && text.starts_with('\u{FEFF}') && at >= 3 {
        3
    } else {
        start
    }
}

fn line_end_at(text: &str, at: usize) -> &str {
    ["\r\n", "\n", "\r"]
        .into_iter()
        .find(|end| text[at..].starts_with(end))
        .unwrap_or("")
}

fn line_end_before(text: &str, at: usize) -> &str {
    ["\r\n", "\n", "\r"]
        .into_iter()
        .find(|end| text[..at].ends_with(end))
        .unwrap_or("")
}

/// Returns the line end above a last line that has none; `\n` for a single line.
fn line_end_of_neighbours(text: &str, at: usize) -> &str {
    match line_end_before(text, start(text, at)) {
        "" => "\n",
        found => found,
    }
}
