//! Actions on an entry as bytes: which range of the text becomes what.

use std::ops::Range;

use granit_parser::ScalarStyle;

use crate::document::{NodeKind, YamlNode, YamlTag};
use crate::images::{Field, FoundEntry, Key};
use crate::lines;
use crate::plan::{Action, Actions};
use crate::quote::plain_or_quoted;
use crate::refusal::{EditRefusal, EditRefusalKind};

/// What must follow the `:` of a key without value: to libyaml, and so to kustomize, `key:,` and `key:}` are
/// keys whose names end with a colon.
const COLON_ENDS: &str = " ";

/// A range of the old text and what takes its place.
#[derive(Debug)]
pub(crate) struct TokenEdit {
    pub(crate) range: Range<usize>,
    pub(crate) bytes: String,
}

/// Returns the new text: every byte outside of the patches is the old one.
pub(crate) fn apply(text: &str, mut token_edits: Vec<TokenEdit>) -> Result<String, EditRefusal> {
    token_edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
    let mut new = String::with_capacity(text.len() + token_edits.len() * 32);
    let mut done = 0;
    for TokenEdit { range, bytes } in token_edits {
        let between = text
            .get(done..range.start)
            .filter(|_| range.start <= range.end);
        let overlap = || EditRefusalKind::UnsupportedYaml.because("two edits of the same bytes");
        new.push_str(between.ok_or_else(overlap)?);
        new.push_str(&bytes);
        done = range.end;
    }
    new.push_str(&text[done..]);
    Ok(new)
}

/// Returns the patches for one entry. `follows` tells which aliases change with their anchor.
pub(crate) fn token_edits(
    text: &str,
    entry: &FoundEntry<'_>,
    actions: &Actions,
    follows: &dyn Fn(&YamlNode<'_>) -> bool,
) -> Result<Vec<TokenEdit>, EditRefusal> {
    let NodeKind::Mapping { pairs, flow } = &entry.node.kind else {
        return Err(unsupported(
            entry.node,
            "an entry that is no mapping of its own",
        ));
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
            (Action::Set(_), Some((field, _))) if follows(field.token) => {}
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

/// Returns where the content of a node ends, comments and blanks after it not included.
pub(crate) fn end_of(
    text: &str,
    key: &YamlNode<'_>,
    value: &YamlNode<'_>,
) -> Result<usize, EditRefusal> {
    match &value.kind {
        NodeKind::Scalar {
            style: ScalarStyle::Literal | ScalarStyle::Folded,
            ..
        } => Err(unsupported(value, "a block scalar at the end of an entry")),
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

pub(crate) fn unsupported(node: &YamlNode<'_>, message: &str) -> EditRefusal {
    let refusal =
        EditRefusalKind::UnsupportedYaml.because(format!("{message}, which is not edited"));
    refusal
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
    /// The value alone is replaced, in the quotes that it has.
    fn replace(&self, at: usize, field: &Field<'_>, value: &str) -> Result<TokenEdit, EditRefusal> {
        let (key, token) = (&self.pairs[at].0, field.token);
        let colon = colon(self.text, key)?;
        if token.tag == YamlTag::Other {
            return Err(unsupported(token, "a value with a tag"));
        }
        if token.span.is_empty() {
            let bare = token.anchor == 0 && token.tag == YamlTag::None;
            let edit = TokenEdit {
                range: colon..colon,
                bytes: format!(" {}", plain_or_quoted(value)),
            };
            return if bare {
                Ok(edit)
            } else {
                Err(unsupported(token, "an empty value with an anchor or tag"))
            };
        }
        let bytes = match &token.kind {
            NodeKind::Scalar {
                style: ScalarStyle::Literal | ScalarStyle::Folded,
                ..
            } => {
                return Err(unsupported(key, "a block scalar"));
            }
            NodeKind::Scalar {
                style: ScalarStyle::SingleQuoted,
                ..
            } => format!("'{value}'"),
            NodeKind::Scalar {
                style: ScalarStyle::DoubleQuoted,
                ..
            } => format!("\"{value}\""),
            _ => plain_or_quoted(value),
        };
        match self.text.get(token.span.clone()) {
            Some(source) if !source.contains(['\n', '\r']) => Ok(TokenEdit {
                range: token.span.clone(),
                bytes,
            }),
            _ => Err(unsupported(token, "a value over several lines")),
        }
    }

    /// After the last key of the entry: comment lines below it stay below.
    fn insert(&self, key: Key, value: &str) -> Result<TokenEdit, EditRefusal> {
        let Some((last_key, last_value)) = self.pairs.last() else {
            return Err(EditRefusalKind::UnsupportedYaml.because("an empty entry"));
        };
        let end = end_of(self.text, last_key, last_value)?;
        if self.flow {
            let json = self.text[last_key.span.clone()].starts_with('"');
            let gap = if last_value.span.is_empty() {
                COLON_ENDS
            } else {
                ""
            };
            let bytes = format!("{gap}, {}", flow_pair(key, value, json));
            return Ok(TokenEdit {
                range: end..end,
                bytes,
            });
        }
        let pair = format!(
            "{}{}: {}",
            self.indent(last_key),
            key.as_str(),
            plain_or_quoted(value)
        );
        Ok(lines::insert_below(self.text, end, &pair))
    }

    /// The indent of a key that stands alone, or the width of what is in front of it (`- `).
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
        if self
            .text
            .get(start..value.span.start)
            .is_some_and(|between| between.contains('#'))
        {
            return Err(unsupported(value, "a comment between a key and its value"));
        }
        let range = match self.flow {
            true => self.flow_pair_range(at, end)?,
            false => self.lines_range(at, end)?,
        };
        Ok(TokenEdit {
            range,
            bytes: String::new(),
        })
    }

    fn flow_pair_range(&self, at: usize, end: usize) -> Result<Range<usize>, EditRefusal> {
        let key = &self.pairs[at].0;
        let range = match (at.checked_sub(1), self.pairs.get(at + 1)) {
            (Some(previous), _) => {
                let (key, value) = &self.pairs[previous];
                let start = end_of(self.text, key, value)?;
                let keeps = value.span.is_empty() && self.text[start..].starts_with(COLON_ENDS);
                start + if keeps { COLON_ENDS.len() } else { 0 }..end
            }
            (None, Some((next, _))) => key.span.start..next.span.start,
            (None, None) => return Err(unsupported(key, "the only key of an entry")),
        };
        match self.text.get(range.clone()) {
            Some(deleted) if !deleted.contains('#') => Ok(range),
            _ => Err(unsupported(key, "a comment beside a key to be removed")),
        }
    }

    fn lines_range(&self, at: usize, end: usize) -> Result<Range<usize>, EditRefusal> {
        let key = &self.pairs[at].0;
        let below = lines::below(self.text, end);
        if lines::before_on_line(self.text, key.span.start)
            .trim()
            .is_empty()
        {
            return Ok(lines::whole(self.text, key.span.start, end));
        }
        // The dash of the entry is on this line: the next key moves up to it.
        match self.pairs.get(at + 1) {
            Some((next, _)) if self.text.get(below..next.span.start).is_some_and(is_blank) => {
                Ok(key.span.start..next.span.start)
            }
            _ => Err(unsupported(key, "a comment below a key to be removed")),
        }
    }
}

/// Returns `newTag: v1`, or `"newTag": "v1"` among keys that are written as in JSON.
pub(crate) fn flow_pair(key: Key, value: &str, json: bool) -> String {
    match json {
        true => format!("\"{}\": \"{value}\"", key.as_str()),
        false => format!("{}: {}", key.as_str(), plain_or_quoted(value)),
    }
}

fn is_blank(text: &str) -> bool {
    text.trim_matches([' ', '\t', '\r', '\n']).is_empty()
}
