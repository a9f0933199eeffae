//! New entries as bytes: below the others, in an empty `images`, or in a block of their own.

use crate::actions::NewEntry;
use crate::document::{NodeKind, YamlDocument, YamlNode};
use crate::images::{FoundEntry, Images};
use crate::lines;
use crate::quote::plain_or_quoted;
use crate::refusal::{EditRefusal, EditRefusalKind};
use crate::splice::{colon, end_of, flow_pair, unsupported};
use crate::token_edit::TokenEdit;

/// Returns the edits that append these entries, at least one.
pub(crate) fn token_edits(
    document: &YamlDocument<'_>,
    images: &Images<'_>,
    new: &[NewEntry],
) -> Result<Vec<TokenEdit>, EditRefusal> {
    match images {
        Images::Absent => Ok(vec![at_the_end(document, new)?]),
        Images::Empty(key, value) if document.root.as_ref().is_some_and(YamlNode::is_flow) => {
            Ok(vec![in_an_empty_flow_list(document.text, key, value, new)?])
        }
        Images::Empty(key, value) => in_an_empty_list(document, key, value, new),
        Images::List(list, entries) => Ok(vec![below_the_last(document.text, list, entries, new)?]),
    }
}

/// Appends `images:` to the file.
fn at_the_end(document: &YamlDocument<'_>, new: &[NewEntry]) -> Result<TokenEdit, EditRefusal> {
    can_be_appended_to(document)?;
    let text = document.text;
    let block = format!("images:\n{}", block(list_indent(document), new));
    if text.trim_start_matches('\u{FEFF}').is_empty() {
        return Ok(TokenEdit::insert(text.len(), block + "\n"));
    }
    let last_line = text.trim_end_matches(['\n', '\r']).len();
    let below = lines::insert_below(text, last_line, &block);
    Ok(TokenEdit::insert(text.len(), below.bytes))
}

/// Refuses a file whose content would change its meaning if a block followed it.
fn can_be_appended_to(document: &YamlDocument<'_>) -> Result<(), EditRefusal> {
    let text = document.text;
    let Some(root) = &document.root else {
        // For example an anchor, which would become that of the new block.
        let Some(line) = text.lines().position(has_content) else {
            return Ok(());
        };
        let message = "a text without keys, but not without content";
        return Err(EditRefusalKind::UnsupportedYaml
            .because(message)
            .at(line + 1)
            .hint("remove this line first"));
    };
    if root.is_flow() {
        let message = "no `images` in a file whose keys are in braces";
        return Err(EditRefusalKind::UnsupportedYaml
            .because(message)
            .at(root.line)
            .hint("add `images: []` to the file first"));
    }
    let last = last_leaf(root);
    if !text.ends_with(['\n', '\r']) && last.is_block_scalar() {
        // libyaml, and so kustomize, would add the new line end to the scalar's value.
        let form = "a block scalar at the end of a text without a last line end";
        return Err(unsupported(last, form).hint("end the last line first"));
    }
    Ok(())
}

/// Whether a line is more than a comment, a directive, or a document's start marker.
fn has_content(line: &str) -> bool {
    let line = line.trim_start_matches('\u{FEFF}').trim();
    !(line.is_empty() || line.starts_with(['#', '%']) || line == "---" || line.starts_with("--- #"))
}

/// Returns the node that ends last.
fn last_leaf<'n, 't>(node: &'n YamlNode<'t>) -> &'n YamlNode<'t> {
    let last = match &node.kind {
        NodeKind::Sequence { items, .. } => items.last(),
        NodeKind::Mapping { pairs, .. } => match pairs.last() {
            // The text of `? |` without value is in the key.
            Some((key, value)) if value.span.is_empty() => Some(key),
            Some((_, value)) => Some(value),
            None => None,
        },
        NodeKind::Scalar { .. } | NodeKind::Alias { .. } => None,
    };
    last.map_or(node, last_leaf)
}

/// Replaces the value of `"images": []` in a file whose keys are in braces.
fn in_an_empty_flow_list(
    text: &str,
    key: &YamlNode<'_>,
    value: &YamlNode<'_>,
    new: &[NewEntry],
) -> Result<TokenEdit, EditRefusal> {
    colon(text, key)?;
    if value.span.is_empty() {
        return Err(unsupported(value, "an empty value"));
    }
    let is_json = text[key.span.clone()].starts_with('"');
    let list = format!("[{}]", flow(is_json, new));
    Ok(TokenEdit::replace(value.span.clone(), list))
}

/// Removes the value of `images:`, `images: null` or `images: []`, keeps the comments, and inserts
/// a block below.
fn in_an_empty_list(
    document: &YamlDocument<'_>,
    key: &YamlNode<'_>,
    value: &YamlNode<'_>,
    new: &[NewEntry],
) -> Result<Vec<TokenEdit>, EditRefusal> {
    let text = document.text;
    let after_colon = colon(text, key)?;
    let token = if value.span.is_empty() {
        after_colon..after_colon
    } else {
        after_colon..value.span.end
    };
    match text.get(token.clone()) {
        Some(source) if value.anchor == 0 && !source.contains(['\n', '\r', '#']) => {}
        _ => return Err(unsupported(value, "an empty list over several lines")),
    }
    let below = lines::insert_below(text, token.end, &block(list_indent(document), new));
    Ok(vec![TokenEdit::replace(token, ""), below])
}

fn below_the_last(
    text: &str,
    list: &YamlNode<'_>,
    entries: &[FoundEntry<'_>],
    new: &[NewEntry],
) -> Result<TokenEdit, EditRefusal> {
    let Some(last) = entries.last() else {
        return Err(unsupported(list, "an empty list"));
    };
    let end = end_of(text, last.node, last.node)?;
    if list.is_flow() {
        let is_json = is_json_entry(text, last);
        return Ok(TokenEdit::insert(end, format!(", {}", flow(is_json, new))));
    }
    let Some(indent) = lines::dash_indent(text, list.span.start) else {
        return Err(unsupported(list, "a list whose indent is not clear"));
    };
    let end = below_its_comments(text, end, indent.len());
    Ok(lines::insert_below(text, end, &block(indent, new)))
}

/// Whether the first key of an entry is in double quotes.
fn is_json_entry(text: &str, entry: &FoundEntry<'_>) -> bool {
    match &entry.node.kind {
        NodeKind::Mapping { pairs, .. } => match pairs.first() {
            Some((key, _)) => text[key.span.clone()].starts_with('"'),
            None => false,
        },
        _ => false,
    }
}

/// Skips comment lines with a deeper indent than the dash: they belong to the entry above them.
fn below_its_comments(text: &str, mut end: usize, indent: usize) -> usize {
    loop {
        let next = lines::below(text, end);
        let line = &text[next..lines::end(text, next)];
        let comment = line.trim_start_matches(' ');
        if next == end || !comment.starts_with('#') || line.len() - comment.len() <= indent {
            return end;
        }
        end = next;
    }
}

/// Returns the indent of the first other list in the file, two spaces if there is none.
fn list_indent<'t>(document: &YamlDocument<'t>) -> &'t str {
    let Some(root) = &document.root else {
        return "  ";
    };
    let NodeKind::Mapping { pairs, .. } = &root.kind else {
        return "  ";
    };
    for (_, value) in pairs {
        if matches!(value.kind, NodeKind::Sequence { flow: false, .. }) {
            return lines::dash_indent(document.text, value.span.start).unwrap_or("  ");
        }
    }
    "  "
}

fn block(indent: &str, new: &[NewEntry]) -> String {
    let mut lines = Vec::new();
    for keys in new {
        let mut start = "- ";
        for (key, value) in keys {
            let value = plain_or_quoted(value);
            lines.push(format!("{indent}{start}{}: {value}", key.as_str()));
            start = "  ";
        }
    }
    lines.join("\n")
}

fn flow(is_json: bool, new: &[NewEntry]) -> String {
    let entries: Vec<_> = new.iter().map(|keys| flow_entry(is_json, keys)).collect();
    entries.join(", ")
}

fn flow_entry(is_json: bool, keys: &NewEntry) -> String {
    let pairs: Vec<_> = keys
        .iter()
        .map(|(key, value)| flow_pair(*key, value, is_json))
        .collect();
    format!("{{{}}}", pairs.join(", "))
}
