//! Markdown that shows text from outside literally.

use crate::text::one_line;

/// Returns an inline code span that shows the text literally: no Markdown, HTML, link or mention in
/// it works. Its fence is longer than any run of backticks inside, and bars are escaped, since a
/// table would end its cell there. A backslash before a bar is kept apart from it: two of them would
/// escape each other, and what follows the bar would be a cell of its own, with links.
pub(super) fn code(text: &str) -> String {
    let line = one_line(text).replace("\\|", "\\ |").replace('|', "\\|");
    if line.trim().is_empty() {
        return String::new();
    }
    let fence = "`".repeat(longest_run(&line) + 1);
    let pad = if line.starts_with('`') || line.ends_with('`') {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{line}{pad}{fence}")
}

/// Returns a code block that shows the text literally.
pub(super) fn block(text: &str) -> String {
    let fence = "`".repeat((longest_run(text) + 1).max(3));
    let lines: Vec<String> = text.lines().map(one_line).collect();
    format!("{fence}\n{}\n{fence}", lines.join("\n"))
}

/// Returns the length of the longest run of backticks.
fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// Keeps whole lines up to a number of bytes, and says how much was left out.
pub(super) fn cut(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    let mut kept = 0;
    for line in text.split_inclusive('\n') {
        if kept + line.len() > bytes {
            break;
        }
        kept += line.len();
    }
    format!(
        "{}\nThe rest was left out, {kept} of {} bytes are shown; the log has all of it.\n",
        &text[..kept],
        text.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backslash_does_not_end_a_cell() {
        for (text, shown) in [
            ("a|b", "`a\\|b`"),
            (
                "a\\|[x](https://example.org)",
                "`a\\ \\|[x](https://example.org)`",
            ),
            ("a\\\\|b", "`a\\\\ \\|b`"),
            ("a\\", "`a\\`"),
        ] {
            assert_eq!(code(text), shown);
        }
    }
}
