//! The actions on an entry as edits of bytes.

use std::ops::Range;

use granit_parser::ScalarStyle;

use crate::actions::{Action, Actions};
use crate::anchors::FollowedAliases;
use crate::document::{NodeKind, YamlNode, YamlTag};
use crate::images::{Field, FoundEntry, Key};
use crate::lines;
use crate::quote::plain_or_quoted;
use crate::refusal::{EditRefusal, EditRefusalKind};
use crate::token_edit::TokenEdit;

/// The text that must follow the `:` of a key without value: libyaml, and so kustomize, reads
/// `key:,` and `key:}` as keys whose names end with a colon.
const AFTER_COLON: &str = " ";

/// Returns the edits for one entry.
pub(crate) fn token_edits(
    text: &str,
    entry: &FoundEntry<'_>,
    actions: &Actions,
    followed: &FollowedAliases<'_>,
) -> Result<Vec<TokenEdit>, EditRefusal> {
    let NodeKind::Mapping { pairs, flow } = &entry.node.kind else {
        let message = "an entry that is not a mapping of its own";
        return Err(unsupported(entry.node, message));
    };
    let body = EntryBody {
        text,
        pairs,
        flow: *flow,
    };
    let mut token_edits = Vec::new();
    for (key, action) in actions {
        let field = entry
            .field(*key)
            .and_then(|field| Some((field, field.pair?)));
        match (action, field) {
            // The edit of the anchor changes this alias.
            (Action::Set(_), Some((field, _))) if followed.contains(field.token) => {}
            (Action::Set(value), Some((field, at))) => {
                token_edits.push(body.replace(at, field, value)?)
            }
            (Action::Set(value), None) => token_edits.push(body.insert(*key, value)?),
            (Action::Delete, Some((_, at))) => token_edits.push(body.delete(at)?),
            (Action::Delete, None) => {}
        }
    }
    Ok(token_edits)
}

/// Returns the end of a node's content, without the comments and blanks after it.
pub(crate) fn end_of(
    text: &str,
    key: &YamlNode<'_>,
    value: &YamlNode<'_>,
) -> Result<usize, EditRefusal> {
    if value.is_block_scalar() {
        return Err(unsupported(value, "a block scalar at the end of an entry"));
    }
    match &value.kind {
        NodeKind::Scalar { .. } if value.span.is_empty() => colon(text, key),
        NodeKind::Scalar { .. } | NodeKind::Alias { .. } => Ok(value.span.end),
        NodeKind::Sequence { flow: true, .. } | NodeKind::Mapping { flow: true, .. } => {
            Ok(value.span.end)
        }
        NodeKind::Sequence { items, .. } => match items.last() {
            Some(last) if !last.span.is_empty() => end_of(text, key, last),
            _ => Err(unsupported(value, "an empty item at the end of an entry")),
        },
        NodeKind::Mapping { pairs, .. } => match pairs.last() {
            Some((key, value)) => end_of(text, key, value),
            None => Ok(value.span.end),
        },
    }
}

/// Returns the position after the `:` of a key; refuses the explicit form `? key`.
pub(crate) fn colon(text: &str, key: &YamlNode<'_>) -> Result<usize, EditRefusal> {
    let after = &text[key.span.end..];
    let blanks = after.len() - after.trim_start_matches([' ', '\t']).len();
    let before = lines::before_on_line(text, key.span.start).trim_end_matches([' ', '\t']);
    if !after[blanks..].starts_with(':') || before.ends_with('?') {
        return Err(unsupported(key, "a key without its `:` on the same line"));
    }
    Ok(key.span.end + blanks + 1)
}

/// Returns `newTag: v1`, or `"newTag": "v1"` among keys in the style of JSON.
pub(crate) fn flow_pair(key: Key, value: &str, is_json: bool) -> String {
    if is_json {
        format!("\"{}\": \"{value}\"", key.as_str())
    } else {
        format!("{}: {}", key.as_str(), plain_or_quoted(value))
    }
}

/// Refuses a form that the editor does not change.
pub(crate) fn unsupported(node: &YamlNode<'_>, form: &str) -> EditRefusal {
    EditRefusalKind::UnsupportedYaml
        .because(format!("{form}, which the editor does not change"))
        .at(node.line)
        .hint("write it as `key: value` on one line")
}

/// The pairs of an entry in their text.
struct EntryBody<'e> {
    text: &'e str,
    pairs: &'e [(YamlNode<'e>, YamlNode<'e>)],
    flow: bool,
}

impl EntryBody<'_> {
    /// Replaces the value alone, and keeps its quotes.
    fn replace(&self, at: usize, field: &Field<'_>, value: &str) -> Result<TokenEdit, EditRefusal> {
        let (key, token) = (&self.pairs[at].0, field.token);
        let colon = colon(self.text, key)?;
        if token.tag == YamlTag::Other {
            return Err(unsupported(token, "a value with a tag"));
        }
        if token.span.is_empty() {
            if token.anchor != 0 || token.tag != YamlTag::None {
                return Err(unsupported(token, "an empty value with an anchor or tag"));
            }
            return Ok(TokenEdit::insert(
                colon,
                format!(" {}", plain_or_quoted(value)),
            ));
        }
        if token.is_block_scalar() {
            return Err(unsupported(key, "a block scalar"));
        }
        match self.text.get(token.span.clone()) {
            Some(source) if !source.contains(['\n', '\r']) => Ok(TokenEdit::replace(
                token.span.clone(),
                in_the_quotes_of(token, value),
            )),
            _ => Err(unsupported(token, "a value over several lines")),
        }
    }

    /// Inserts a key after the last one of the entry; comment lines below that one stay below.
    fn insert(&self, key: Key, value: &str) -> Result<TokenEdit, EditRefusal> {
        let Some((last_key, last_value)) = self.pairs.last() else {
            return Err(EditRefusalKind::UnsupportedYaml.because("an empty entry"));
        };
        let end = end_of(self.text, last_key, last_value)?;
        if self.flow {
            let is_json = self.text[last_key.span.clone()].starts_with('"');
            let gap = if last_value.span.is_empty() {
                AFTER_COLON
            } else {
                ""
            };
            let pair = flow_pair(key, value, is_json);
            return Ok(TokenEdit::insert(end, format!("{gap}, {pair}")));
        }
        let pair = format!(
            "{}{}: {}",
            self.indent(last_key),
            key.as_str(),
            plain_or_quoted(value)
        );
        Ok(lines::insert_below(self.text, end, &pair))
    }

    /// Returns the indent of a key, as wide as the text in front of it (`- `).
    fn indent(&self, key: &YamlNode<'_>) -> String {
        let before = lines::before_on_line(self.text, key.span.start);
        before
            .chars()
            .map(|c| if c == '\t' { '\t' } else { ' ' })
            .collect()
    }

    fn delete(&self, at: usize) -> Result<TokenEdit, EditRefusal> {
        let (key, value) = &self.pairs[at];
        let start = colon(self.text, key)?;
        let end = end_of(self.text, key, value)?;
        let between = self.text.get(start..value.span.start);
        if between.is_some_and(|between| between.contains('#')) {
            return Err(unsupported(value, "a comment between a key and its value"));
        }
        if self.flow {
            return self.delete_in_braces(at, end);
        }
        Ok(TokenEdit::replace(self.lines_range(at, end)?, ""))
    }

    /// Deletes a pair in braces, with one of the commas around it.
    fn delete_in_braces(&self, at: usize, end: usize) -> Result<TokenEdit, EditRefusal> {
        let key = &self.pairs[at].0;
        let (range, left) = match (at.checked_sub(1), self.pairs.get(at + 1)) {
            (Some(previous), _) => {
                let (key, value) = &self.pairs[previous];
                let gap = if value.span.is_empty() { AFTER_COLON } else { "" };
                (end_of(self.text, key, value)?..end, gap)
            }
            (None, Some((next, _))) => (key.span.start..next.span.start, ""),
            (None, None) => return Err(unsupported(key, "the only key of an entry")),
        };
        match self.text.get(range.clone()) {
            Some(deleted) if !deleted.contains('#') => Ok(TokenEdit::replace(range, left)),
            _ => Err(unsupported(key, "a comment next to a key to be removed")),
        }
    }

    /// Returns the range of a pair that has lines of its own.
    fn lines_range(&self, at: usize, end: usize) -> Result<Range<usize>, EditRefusal> {
        let key = &self.pairs[at].0;
        let before = lines::before_on_line(self.text, key.span.start);
        if before.trim().is_empty() {
            return Ok(lines::whole(self.text, key.span.start, end));
        }
        // The dash of the entry is on this line: the next key moves up to it.
        let below = lines::below(self.text, end);
        match self.pairs.get(at + 1) {
            Some((next, _)) if self.text.get(below..next.span.start).is_some_and(is_blank) => {
                Ok(key.span.start..next.span.start)
            }
            _ => Err(unsupported(key, "a comment below a key to be removed")),
        }
    }
}

fn in_the_quotes_of(token: &YamlNode<'_>, value: &str) -> String {
    match token.kind {
        NodeKind::Scalar {
            style: ScalarStyle::SingleQuoted,
            ..
        } => format!("'{value}'"),
        NodeKind::Scalar {
            style: ScalarStyle::DoubleQuoted,
            ..
        } => format!("\"{value}\""),
        _ => plain_or_quoted(value),
    }
}

fn is_blank(text: &str) -> bool {
    text.trim_matches([' ', '\t', '\r', '\n']).is_empty()
}
