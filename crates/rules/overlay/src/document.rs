//! The text as a tree whose nodes know their bytes.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use branch::MAX_FILE_SIZE;
use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, StructureStyle};

use crate::refusal::{EditRefusal, EditRefusalKind};

/// One YAML document, the only one with content in its text.
pub(crate) struct YamlDocument<'t> {
    pub(crate) text: &'t str,
    /// `None` for a text without content.
    pub(crate) root: Option<YamlNode<'t>>,
    /// Every `*alias` in the document: the anchor's number and the line of the alias.
    pub(crate) aliases: Vec<(usize, usize)>,
}

/// A node and its place in the text.
pub(crate) struct YamlNode<'t> {
    pub(crate) kind: NodeKind<'t>,
    /// The bytes of the content, with quotes, without anchor and tag. Inexact for block scalars.
    pub(crate) span: Range<usize>,
    /// Counted from 1.
    pub(crate) line: usize,
    /// The anchor's number; 0 for none.
    pub(crate) anchor: usize,
    pub(crate) tag: YamlTag,
}

pub(crate) enum NodeKind<'t> {
    Scalar {
        value: Cow<'t, str>,
        style: ScalarStyle,
    },
    Alias {
        anchor: usize,
    },
    Sequence {
        items: Vec<YamlNode<'t>>,
        flow: bool,
    },
    Mapping {
        pairs: Vec<(YamlNode<'t>, YamlNode<'t>)>,
        flow: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum YamlTag {
    None,
    /// `!!str`
    Text,
    Other,
}

impl<'t> YamlDocument<'t> {
    /// Reads a text; refuses invalid UTF-8, invalid YAML, several documents, and a large file.
    pub(crate) fn parse(bytes: &'t [u8]) -> Result<Self, EditRefusal> {
        let text = readable(bytes)?;
        let mut builder = Builder {
            text,
            ..Builder::default()
        };
        for event in Parser::new_from_str_with_options(text, options()) {
            let (event, span) = event.map_err(|error| not_yaml(text, &error))?;
            builder.take(event, span)?;
        }
        let root = only_document(builder.documents)?;
        Ok(Self {
            text,
            root,
            aliases: builder.aliases,
        })
    }

    /// Returns the anchored nodes by their number.
    pub(crate) fn anchors(&self) -> HashMap<usize, &YamlNode<'t>> {
        let mut found = HashMap::new();
        if let Some(root) = &self.root {
            root.collect_anchors(&mut found);
        }
        found
    }
}

impl<'t> YamlNode<'t> {
    pub(crate) fn is_null(&self) -> bool {
        const NULLS: [&str; 5] = ["", "~", "null", "Null", "NULL"];
        match &self.kind {
            NodeKind::Scalar { value, style } => {
                *style == ScalarStyle::Plain
                    && self.tag == YamlTag::None
                    && NULLS.contains(&value.as_ref())
            }
            _ => false,
        }
    }

    /// Returns the value of a key; `None` for what is no mapping.
    pub(crate) fn get(&self, wanted: &str) -> Option<&Self> {
        let NodeKind::Mapping { pairs, .. } = &self.kind else {
            return None;
        };
        let (_, value) = pairs.iter().find(|(key, _)| key.scalar() == Some(wanted))?;
        Some(value)
    }

    /// Returns the value of a scalar of any style.
    pub(crate) fn scalar(&self) -> Option<&str> {
        match &self.kind {
            NodeKind::Scalar { value, .. } => Some(value),
            _ => None,
        }
    }

    /// Whether this is a collection in braces or brackets.
    pub(crate) fn is_flow(&self) -> bool {
        matches!(
            self.kind,
            NodeKind::Sequence { flow: true, .. } | NodeKind::Mapping { flow: true, .. }
        )
    }

    /// Whether this is a block scalar, `|` or `>`.
    pub(crate) fn is_block_scalar(&self) -> bool {
        matches!(
            self.kind,
            NodeKind::Scalar {
                style: ScalarStyle::Literal | ScalarStyle::Folded,
                ..
            }
        )
    }

    fn collect_anchors<'n>(&'n self, found: &mut HashMap<usize, &'n Self>) {
        if self.anchor != 0 {
            found.insert(self.anchor, self);
        }
        match &self.kind {
            NodeKind::Sequence { items, .. } => {
                for item in items {
                    item.collect_anchors(found);
                }
            }
            NodeKind::Mapping { pairs, .. } => {
                for (key, value) in pairs {
                    key.collect_anchors(found);
                    value.collect_anchors(found);
                }
            }
            NodeKind::Scalar { .. } | NodeKind::Alias { .. } => {}
        }
    }
}

/// Keeps the parser's depth limits (255): they make recursion over the tree safe.
fn options() -> granit_parser::Options {
    // No edit touches a comment; as events, more than 96 in a row would be an error.
    granit_parser::options! { emit_comments: false }
}

/// What git keeps in the place of a file that a filter changes: its start, what it is, and the way out.
const STAND_INS: [(&[u8], &str, &str); 2] = [
    (
        b"version https://git-lfs.github.com/spec/",
        "this is a pointer of Git LFS, not the file",
        "take the file out of Git LFS with `git lfs untrack`; in a checkout `git lfs pull` also helps",
    ),
    (
        b"\0GITCRYPT\0",
        "git-crypt has encrypted the file",
        "run `git-crypt unlock` in a checkout, and edit the file there",
    ),
];

fn readable(bytes: &[u8]) -> Result<&str, EditRefusal> {
    if let Some((_, message, hint)) = STAND_INS
        .iter()
        .find(|(start, ..)| bytes.starts_with(start))
    {
        let refusal = EditRefusalKind::UnsupportedYaml.because(*message);
        return Err(refusal.at(1).hint(*hint));
    }
    if bytes.len() > MAX_FILE_SIZE {
        let message = format!("{} bytes exceed the limit of 4 MiB", bytes.len());
        return Err(EditRefusalKind::UnsupportedYaml.because(message));
    }
    if bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF") {
        let refusal = EditRefusalKind::UnsupportedYaml.because("the text is UTF-16");
        return Err(refusal.at(1).hint("save the file as UTF-8"));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| not_utf8(bytes, error.valid_up_to()))?;
    match unreadable_at(bytes) {
        Some(at) => Err(unreadable_character(text, at)),
        None => Ok(text),
    }
}

/// Finds U+0000, U+0085, U+2028, U+2029, and a byte order mark that is not at the start.
fn unreadable_at(bytes: &[u8]) -> Option<usize> {
    (0..bytes.len()).find(|at| match &bytes[*at..] {
        [0, ..] | [0xC2, 0x85, ..] | [0xE2, 0x80, 0xA8 | 0xA9, ..] => true,
        [0xEF, 0xBB, 0xBF, ..] => *at > 0,
        _ => false,
    })
}

fn not_utf8(bytes: &[u8], at: usize) -> EditRefusal {
    let message = format!("byte 0x{:02X} is not UTF-8", bytes[at]);
    EditRefusalKind::UnsupportedYaml
        .because(message)
        .at(line_of(bytes, at))
        .hint("save the file as UTF-8")
}

/// Refuses a character that YAML parsers read differently.
///
/// NUL is invalid in YAML. U+0085, U+2028 and U+2029 are line breaks in kustomize's YAML 1.1 and
/// text in YAML 1.2. A byte order mark may begin a document in YAML 1.2, and is text to libyaml.
fn unreadable_character(text: &str, at: usize) -> EditRefusal {
    let code = text[at..].chars().next().map_or(0, u32::from);
    let message = format!("the character U+{code:04X}, which YAML parsers read differently");
    EditRefusalKind::UnsupportedYaml
        .because(message)
        .at(line_of(text.as_bytes(), at))
        .hint("remove the character")
}

fn line_of(bytes: &[u8], at: usize) -> usize {
    1 + bytes[..at].iter().filter(|byte| **byte == b'\n').count()
}

fn not_yaml(text: &str, error: &ScanError) -> EditRefusal {
    if let Some(line) = conflict_marker(text).filter(|line| *line <= error.marker().line()) {
        return EditRefusalKind::UnsupportedYaml
            .because("not valid YAML: a marker of an unresolved merge conflict")
            .at(line)
            .hint("resolve the conflict, and commit the file");
    }
    let message = format!("not valid YAML: {}", error.info());
    EditRefusalKind::UnsupportedYaml
        .because(message)
        .at(error.marker().line())
        .hint("correct the YAML first")
}

/// Returns the line of git's first marker of a merge conflict.
fn conflict_marker(text: &str) -> Option<usize> {
    let is_marker = |line: &str| line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> ");
    text.lines().position(is_marker).map(|at| at + 1)
}

/// kustomize reads the first document and ignores the others, so only the first may have content.
fn only_document(documents: Vec<YamlNode<'_>>) -> Result<Option<YamlNode<'_>>, EditRefusal> {
    let mut documents = documents.into_iter();
    let first = documents.next().filter(|node| !node.is_null());
    match documents.find(|node| !node.is_null()) {
        None => Ok(first),
        Some(other) => {
            let message = "a second YAML document, and kustomize reads only the first one";
            let refusal = EditRefusalKind::UnsupportedYaml
                .because(message)
                .at(other.line);
            Err(refusal.hint("split the file, one document each"))
        }
    }
}

/// Builds a tree from the flat events, with an explicit stack.
#[derive(Default)]
struct Builder<'t> {
    text: &'t str,
    documents: Vec<YamlNode<'t>>,
    /// The collections around the next node, each with the key that still lacks its value.
    open: Vec<(YamlNode<'t>, Option<YamlNode<'t>>)>,
    aliases: Vec<(usize, usize)>,
}

impl<'t> Builder<'t> {
    fn take(&mut self, event: Event<'t>, span: Span) -> Result<(), EditRefusal> {
        self.check_anchor_name(&event, &span)?;
        match event {
            Event::Scalar(value, style, anchor, tag) => {
                self.check_question_mark(&value, style, &span)?;
                let kind = NodeKind::Scalar { value, style };
                self.place(node(kind, span, anchor, tag.as_deref())?);
            }
            Event::Alias(anchor) => {
                self.aliases.push((anchor, span.start.line()));
                self.place(node(NodeKind::Alias { anchor }, span, 0, None)?);
            }
            Event::SequenceStart(style, anchor, tag) => {
                let kind = NodeKind::Sequence {
                    items: Vec::new(),
                    flow: is_flow(style),
                };
                self.open
                    .push((node(kind, span, anchor, tag.as_deref())?, None));
            }
            Event::MappingStart(style, anchor, tag) => {
                let kind = NodeKind::Mapping {
                    pairs: Vec::new(),
                    flow: is_flow(style),
                };
                self.open
                    .push((node(kind, span, anchor, tag.as_deref())?, None));
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(&span)?,
            _ => {}
        }
        Ok(())
    }

    /// To libyaml, and so to kustomize, the name of an anchor ends before a character that is not a
    /// letter, a digit, `-` or `_`, and the rest belongs to the value. In YAML 1.2 it ends at a blank.
    fn check_anchor_name(&self, event: &Event<'t>, span: &Span) -> Result<(), EditRefusal> {
        let range = bytes_of(span)?;
        let name = match event {
            Event::Alias(_) => self.text[range].trim_start_matches('*'),
            Event::Scalar(_, _, anchor, _)
            | Event::SequenceStart(_, anchor, _)
            | Event::MappingStart(_, anchor, _)
                if *anchor != 0 =>
            {
                anchor_name(&self.text[..range.start])
            }
            _ => return Ok(()),
        };
        if name.bytes().all(is_of_anchor_name) {
            return Ok(());
        }
        let message = format!("the anchor `{name}`, which YAML parsers read differently");
        let refusal = EditRefusalKind::UnsupportedYaml
            .because(message)
            .at(span.start.line());
        Err(refusal.hint("name it with letters, digits, `-` and `_`"))
    }

    /// Inside braces and brackets libyaml, and so kustomize, reads a leading `?` as an explicit
    /// key.
    fn check_question_mark(
        &self,
        value: &str,
        style: ScalarStyle,
        span: &Span,
    ) -> Result<(), EditRefusal> {
        let is_in_flow = self.open.iter().any(|(node, _)| node.is_flow());
        if style != ScalarStyle::Plain || !value.starts_with('?') || !is_in_flow {
            return Ok(());
        }
        let message =
            format!("`{value}` in braces or brackets, which YAML parsers read differently");
        let refusal = EditRefusalKind::UnsupportedYaml
            .because(message)
            .at(span.start.line());
        Err(refusal.hint("quote it, or remove the `?`"))
    }

    fn close(&mut self, span: &Span) -> Result<(), EditRefusal> {
        if let Some((mut node, _)) = self.open.pop() {
            node.span.end = bytes_of(span)?.end;
            self.place(node);
        }
        Ok(())
    }

    fn place(&mut self, node: YamlNode<'t>) {
        let Some((parent, waiting)) = self.open.last_mut() else {
            return self.documents.push(node);
        };
        match &mut parent.kind {
            NodeKind::Sequence { items, .. } => items.push(node),
            NodeKind::Mapping { pairs, .. } => match waiting.take() {
                Some(key) => pairs.push((key, node)),
                None => *waiting = Some(node),
            },
            NodeKind::Scalar { .. } | NodeKind::Alias { .. } => {}
        }
    }
}

/// Returns the name of the last anchor in the text before its value: `a` of `k: &a !!str `.
fn anchor_name(before: &str) -> &str {
    let words = before.rsplit(char::is_whitespace);
    let mut anchors = words.filter_map(|word| word.split_once('&'));
    anchors.next().map_or("", |(_, name)| name)
}

fn is_of_anchor_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

fn node<'t>(
    kind: NodeKind<'t>,
    span: Span,
    anchor: usize,
    tag: Option<&granit_parser::Tag>,
) -> Result<YamlNode<'t>, EditRefusal> {
    let tag = match tag {
        None => YamlTag::None,
        Some(tag) if tag.is_yaml_core_schema_tag("str") => YamlTag::Text,
        Some(_) => YamlTag::Other,
    };
    Ok(YamlNode {
        kind,
        span: bytes_of(&span)?,
        line: span.start.line(),
        anchor,
        tag,
    })
}

fn bytes_of(span: &Span) -> Result<Range<usize>, EditRefusal> {
    match span.byte_range() {
        Some(range) => Ok(range),
        None => Err(EditRefusalKind::UnsupportedYaml
            .because("the parser does not know where a value is")
            .at(span.start.line())),
    }
}

fn is_flow(style: StructureStyle) -> bool {
    style == StructureStyle::Flow
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_filter_of_git_left_is_named() {
        for (bytes, word) in [
            (
                &b"version https://git-lfs.github.com/spec/v1\noid sha256:a\n"[..],
                "Git LFS",
            ),
            (&b"\0GITCRYPT\0\xff\x01"[..], "git-crypt"),
        ] {
            let refusal = YamlDocument::parse(bytes).err().unwrap();
            assert_eq!(refusal.kind, EditRefusalKind::UnsupportedYaml);
            assert!(refusal.message.contains(word) && refusal.hint.is_some());
        }
    }
}
