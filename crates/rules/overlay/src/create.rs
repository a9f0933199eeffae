//! New entries as bytes: below the others, in an empty `images`, or in a block of their own.

use granit_parser::ScalarStyle;

use crate::document::{NodeKind, YamlDocument, YamlNode};
use crate::images::{FoundEntry, Images};
use crate::lines;
use crate::plan::NewEntry;
use crate::quote::plain_or_quoted;
use crate::refusal::{EditRefusal, EditRefusalKind};
use crate::splice::{TokenEdit, colon, end_of, flow_pair, unsupported};

/// Returns the patches that append these entries, at least one.
pub(crate) fn token_edits(
    document: &YamlDocument<'_>,
    images: &Images<'_>,
    new: &[NewEntry],
) -> Result<Vec<TokenEdit>, EditRefusal> {
    match images {
        Images::Absent => Ok(vec![at_the_end(document, new)?]),
        Images::Empty(key, value) => in_an_empty_list(document, key, value, new),
        Images::List(list, entries) => Ok(vec![below_the_last(document.text, list, entries, new)?]),
    }
}

fn at_the_end(document: &YamlDocument<'_>, new: &[NewEntry]) -> Result<TokenEdit, EditRefusal> {
    let text = document.text;
    if let Some(YamlNode {
        kind: NodeKind::Mapping { flow: true, .. },
        line,
        ..
    }) = &document.root
    {
        let message = "no `images` in a top level that is written in braces";
        let refusal = EditRefusalKind::UnsupportedYaml.because(message).at(*line);
        return Err(refusal.hint("add `images: []` to the file first"));
    }
    let block = format!("images:\n{}", block(&list_indent(document), new));
    if document.root.is_none()
        && let Some(line) = text.lines().position(has_content)
    {
        // An anchor of its own, say, which would become that of what is added.
        let refusal = EditRefusalKind::UnsupportedYaml
            .because("a text without keys, but not without content");
        return Err(refusal.at(line + 1).hint("remove this line first"));
    }
    if text.trim_start_matches('\u{FEFF}').is_empty() {
        return Ok(TokenEdit {
            range: text.len()..text.len(),
            bytes: block + "\n",
        });
    }
    if !text.ends_with(['\n', '\r'])
        && let Some(last) = document.root.as_ref().map(last_leaf)
        && matches!(
            last.kind,
            NodeKind::Scalar {
                style: ScalarStyle::Literal | ScalarStyle::Folded,
                ..
            }
        )
    {
        // To libyaml, and so to kustomize, its value would get a line end that it does not have.
        let refusal = unsupported(
            last,
            "a block scalar at the end of a text without a last line end",
        );
        return Err(refusal.hint("end the last line first"));
    }
    let last_line = text.trim_end_matches(['\n', '\r']).len();
    Ok(TokenEdit {
        range: text.len()..text.len(),
        ..lines::insert_below(text, last_line, &block)
    })
}

/// Whether a line is more than a comment, a directive, or the mark of a document's start.
fn has_content(line: &str) -> bool {
    let line = line.trim_start_matches('\u{FEFF}').trim();
    !(line.is_empty() || line.starts_with(['#', '%']) || line == "---" || line.starts_with("--- #"))
}

/// Returns the node that ends last.
fn last_leaf<'n, 't>(node: &'n YamlNode<'t>) -> &'n YamlNode<'t> {
    let last = match &node.kind {
        NodeKind::Sequence { items, .. } => items.last(),
        // A key without value ends with itself: `? |` has its text in the key.
        NodeKind::Mapping { pairs, .. } => pairs
            .last()
            .map(|(key, value)| if value.span.is_empty() { key } else { value }),
        NodeKind::Scalar { .. } | NodeKind::Alias { .. } => None,
    };
    last.map_or(node, last_leaf)
}

/// `images:` or `images: null` or `images: []`: the token goes, comments stay, a block follows.
fn in_an_empty_list(
    document: &YamlDocument<'_>,
    key: &YamlNode<'_>,
    value: &YamlNode<'_>,
    new: &[NewEntry],
) -> Result<Vec<TokenEdit>, EditRefusal> {
    let text = document.text;
    let after_colon = colon(text, key)?;
    let in_braces = matches!(
        &document.root,
        Some(YamlNode {
            kind: NodeKind::Mapping { flow: true, .. },
            ..
        })
    );
    if in_braces {
        let json = text[key.span.clone()].starts_with('"');
        let list = format!("[{}]", flow(json, new));
        let edit = TokenEdit {
            range: value.span.clone(),
            bytes: list,
        };
        return if value.span.is_empty() {
            Err(unsupported(value, "an empty value"))
        } else {
            Ok(vec![edit])
        };
    }
    let token = if value.span.is_empty() {
        after_colon..after_colon
    } else {
        after_colon..value.span.end
    };
    if value.anchor != 0
        || text
            .get(token.clone())
            .is_none_or(|token| token.contains(['\n', '\r', '#']))
    {
        return Err(unsupported(value, "an empty list over several lines"));
    }
    let below = lines::insert_below(text, token.end, &block(&list_indent(document), new));
    Ok(vec![
        TokenEdit {
            range: token,
            bytes: String::new(),
        },
        below,
    ])
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
    if let NodeKind::Sequence { flow: true, .. } = list.kind {
        let json = matches!(&last.node.kind, NodeKind::Mapping { pairs, .. }
            if pairs.first().is_some_and(|(key, _)| text[key.span.clone()].starts_with('"')));
        return Ok(TokenEdit {
            range: end..end,
            bytes: format!(", {}", flow(json, new)),
        });
    }
    let indent = lines::dash_indent(text, list.span.start);
    let indent = indent.ok_or_else(|| unsupported(list, "a list whose indent is not clear"))?;
    let end = below_its_comments(text, end, indent.len());
    Ok(lines::insert_below(text, end, &block(indent, new)))
}

/// Comment lines that are indented deeper than the dash belong to the entry above them.
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

/// The indent of the first other list in the file, two spaces if there is none.
fn list_indent(document: &YamlDocument<'_>) -> String {
    let lists = match &document.root {
        Some(YamlNode {
            kind: NodeKind::Mapping { pairs, .. },
            ..
        }) => pairs.as_slice(),
        _ => &[],
    };
    let mut lists = lists.iter().map(|(_, value)| value);
    let first = lists.find(|value| matches!(value.kind, NodeKind::Sequence { flow: false, .. }));
    first
        .and_then(|list| lines::dash_indent(document.text, list.span.start))
        .unwrap_or("  ")
        .to_owned()
}

fn block(indent: &str, new: &[NewEntry]) -> String {
    let entry = |keys: &NewEntry| {
        let pairs: Vec<_> = keys
            .iter()
            .map(|(key, value)| format!("{}: {}", key.as_str(), plain_or_quoted(value)))
            .collect();
        format!("{indent}- {}", pairs.join(&format!("\n{indent}  ")))
    };
    new.iter().map(entry).collect::<Vec<_>>().join("\n")
}

fn flow(json: bool, new: &[NewEntry]) -> String {
    let entry = |keys: &NewEntry| {
        let pairs: Vec<_> = keys
            .iter()
            .map(|(key, value)| flow_pair(*key, value, json))
            .collect();
        format!("{{{}}}", pairs.join(", "))
    };
    new.iter().map(entry).collect::<Vec<_>>().join(", ")
}
