//! The lines of a message, as people and forges leave them.

/// The beginning of every key.
const PREFIX: &str = "runbook-";

/// The blocks of `Runbook-` lines, each a list of keys and values.
///
/// A block ends at an empty line and at text. Another trailer within it is passed over.
pub(super) fn blocks(message: &str) -> Vec<Vec<(String, String)>> {
    let text = with_line_feeds(message);
    let mut blocks = vec![Vec::new()];
    let mut rest = text.split('\n').skip(1).peekable();
    while let Some(line) = rest.next() {
        if let Some((key, value)) = own(line) {
            // A forge that breaks long lines puts the value into the next one.
            let value = if value.is_empty() {
                rest.next_if(|next| is_one_word(next)).unwrap_or_default()
            } else {
                value
            };
            if let Some(block) = blocks.last_mut() {
                block.push((key.to_owned(), value.trim().to_owned()));
            }
        } else if !is_trailer(line.trim()) {
            blocks.push(Vec::new());
        }
    }
    blocks.retain(|block| !block.is_empty());
    blocks
}

/// The title of each commit in a message: its first line, and the items of a list.
pub(crate) fn titles(message: &str) -> Vec<String> {
    let text = with_line_feeds(message);
    let items = text.split('\n').enumerate();
    items
        .filter(|(at, line)| *at == 0 || item(line) != line.trim())
        .map(|(_, line)| item(line).to_owned())
        .collect()
}

/// Quotes the lines that would count as `Runbook-` lines, and breaks such keys within a line: a forge
/// that breaks long lines may put them at the start of one.
pub(super) fn inert(text: &str) -> String {
    let text = with_line_feeds(text);
    let lines = text.split('\n').map(|line| {
        let mark = if begins_as_own(line) { "> " } else { "" };
        format!("{mark}{}", without_keys(line))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Puts a space before the colon of every `Runbook-` key.
fn without_keys(line: &str) -> String {
    let mut parts = line.split(':').peekable();
    let mut text = String::with_capacity(line.len());
    while let Some(part) = parts.next() {
        text.push_str(part);
        if parts.peek().is_some() {
            text.push_str(if ends_with_key(part) { " :" } else { ":" });
        }
    }
    text
}

fn ends_with_key(text: &str) -> bool {
    let is_of_key = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let rest = text.trim_end_matches(is_of_key);
    let key = text[rest.len()..].to_ascii_lowercase();
    key.contains(PREFIX)
}

/// Returns whether the last paragraph consists of `Key: value` lines, and is not the first.
pub(super) fn ends_with_trailers(text: &str) -> bool {
    text.rsplit_once("\n\n")
        .is_some_and(|(_, last)| last.lines().all(is_trailer))
}

fn with_line_feeds(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// Returns a line without its indentation and the mark of a list's item.
fn item(line: &str) -> &str {
    let line = line.trim();
    let marked = line.strip_prefix("* ").or_else(|| line.strip_prefix("- "));
    marked.map_or(line, str::trim_start)
}

fn own(line: &str) -> Option<(&str, &str)> {
    if !begins_as_own(line) {
        return None;
    }
    let (key, value) = item(line).split_once(':')?;
    Some((key, value.trim()))
}

fn begins_as_own(line: &str) -> bool {
    item(line)
        .get(..PREFIX.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
}

fn is_one_word(line: &str) -> bool {
    line.split_whitespace().count() == 1 && !begins_as_own(line)
}

fn is_trailer(line: &str) -> bool {
    match line.split_once(": ") {
        Some((key, _)) if !key.is_empty() => key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'),
        _ => false,
    }
}
