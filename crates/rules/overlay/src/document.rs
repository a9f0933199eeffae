//! The text as a tree in which every node knows its bytes.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use contract::editing;
use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, StructureStyle};

use crate::refusal::{Refusal, RefusalKind};

/// One YAML document, the only one with content in its text.
pub(crate) struct Document<'t> {
    pub(crate) text: &'t str,
    /// `None` for a text without content.
    pub(crate) root: Option<Node<'t>>,
    /// Every `*alias` in the document: the anchor's number and the line of the alias.
    pub(crate) aliases: Vec<(usize, usize)>,
}

/// A node and where it is.
pub(crate) struct Node<'t> {
    pub(crate) kind: Kind<'t>,
    /// Bytes of the content, quotes included, anchor and tag not. Exact but for block scalars.
    pub(crate) span: Range<usize>,
    /// Counted from 1.
    pub(crate) line: usize,
    /// The anchor's number; 0 for none.
    pub(crate) anchor: usize,
    pub(crate) tag: Tag,
}

pub(crate) enum Kind<'t> {
    Scalar {
        value: Cow<'t, str>,
        style: ScalarStyle,
    },
    Alias {
        anchor: usize,
    },
    Sequence {
        items: Vec<Node<'t>>,
        flow: bool,
    },
    Mapping {
        pairs: Vec<(Node<'t>, Node<'t>)>,
        flow: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tag {
    None,
    /// `!!str`
    Text,
    Other,
}

impl<'t> Document<'t> {
    /// Reads a text; refuses what is not UTF-8, too large, not YAML, or more than one document.
    pub(crate) fn parse(bytes: &'t [u8]) -> Result<Self, Refusal> {
        let text = readable(bytes)?;
        let mut builder = Builder::default();
        for event in Parser::new_from_str_with_options(text, options()) {
            let (event, span) = event.map_err(|error| not_yaml(&error))?;
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
    pub(crate) fn anchors(&self) -> HashMap<usize, &Node<'t>> {
        let mut found = HashMap::new();
        if let Some(root) = &self.root {
            root.collect_anchors(&mut found);
        }
        found
    }
}

impl<'t> Node<'t> {
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Scalar { value, style: ScalarStyle::Plain }
            if self.tag == Tag::None && ["", "~", "null", "Null", "NULL"].contains(&value.as_ref()))
    }

    /// Returns the value of a scalar of any style.
    pub(crate) fn scalar(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { value, .. } => Some(value),
            _ => None,
        }
    }

    fn collect_anchors<'n>(&'n self, found: &mut HashMap<usize, &'n Self>) {
        if self.anchor != 0 {
            found.insert(self.anchor, self);
        }
        match &self.kind {
            Kind::Sequence { items, .. } => {
                items.iter().for_each(|item| item.collect_anchors(found))
            }
            Kind::Mapping { pairs, .. } => {
                pairs
                    .iter()
                    .flat_map(|(key, value)| [key, value])
                    .for_each(|node| node.collect_anchors(found));
            }
            Kind::Scalar { .. } | Kind::Alias { .. } => {}
        }
    }
}

/// The parser's depth limits (255) stay: they are what makes recursion over the tree safe.
fn options() -> granit_parser::Options {
    // Comments are bytes that nothing touches; as events, more than 96 in a row would be an error.
    granit_parser::options! { emit_comments: false }
}

fn readable(bytes: &[u8]) -> Result<&str, Refusal> {
    if bytes.len() > editing::LARGEST {
        let message = format!("{} bytes is more than the 4 MiB that are read", bytes.len());
        return Err(RefusalKind::UnsupportedYaml.because(message));
    }
    if bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF") {
        let refusal = RefusalKind::UnsupportedYaml.because("the text is UTF-16");
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
    let is_unreadable = |at: usize| match bytes[at] {
        0 => true,
        0xC2 => bytes.get(at + 1) == Some(&0x85),
        0xE2 => matches!(bytes.get(at + 1..at + 3), Some([0x80, 0xA8 | 0xA9])),
        0xEF => at > 0 && bytes.get(at + 1..at + 3) == Some(&[0xBB, 0xBF]),
        _ => false,
    };
    (0..bytes.len()).find(|at| is_unreadable(*at))
}

fn not_utf8(bytes: &[u8], at: usize) -> Refusal {
    let message = format!("byte 0x{:02X} is not UTF-8", bytes[at]);
    RefusalKind::UnsupportedYaml
        .because(message)
        .at(line_of(bytes, at))
        .hint("save the file as UTF-8")
}

/// NUL is no YAML; the others are line breaks to kustomize's YAML 1.1 and text to YAML 1.2, but for the byte
/// order mark, which may begin a document to YAML 1.2 and is text to libyaml.
fn unreadable_character(text: &str, at: usize) -> Refusal {
    let code = text[at..].chars().next().map_or(0, u32::from);
    let message = format!("the character U+{code:04X}, which YAML parsers read differently");
    RefusalKind::UnsupportedYaml
        .because(message)
        .at(line_of(text.as_bytes(), at))
        .hint("remove the character")
}

fn line_of(bytes: &[u8], at: usize) -> usize {
    1 + bytes[..at].iter().filter(|byte| **byte == b'\n').count()
}

fn not_yaml(error: &ScanError) -> Refusal {
    let message = format!("not valid YAML: {}", error.info());
    RefusalKind::UnsupportedYaml
        .because(message)
        .at(error.marker().line())
        .hint("correct the YAML first")
}

/// kustomize reads the first document and ignores the others, so only the first may have content.
fn only_document(documents: Vec<Node<'_>>) -> Result<Option<Node<'_>>, Refusal> {
    let mut documents = documents.into_iter();
    let first = documents.next().filter(|node| !node.is_null());
    match documents.find(|node| !node.is_null()) {
        None => Ok(first),
        Some(other) => {
            let message = "a second YAML document, and kustomize reads only the first one";
            let refusal = RefusalKind::UnsupportedYaml.because(message).at(other.line);
            Err(refusal.hint("split the file, one document each"))
        }
    }
}

/// Makes a tree of the flat events, with a stack of its own.
#[derive(Default)]
struct Builder<'t> {
    documents: Vec<Node<'t>>,
    open: Vec<(Node<'t>, Option<Node<'t>>)>,
    aliases: Vec<(usize, usize)>,
}

impl<'t> Builder<'t> {
    fn take(&mut self, event: Event<'t>, span: Span) -> Result<(), Refusal> {
        match event {
            Event::Scalar(value, style, anchor, tag) => {
                self.is_no_key_to_libyaml(&value, style, &span)?;
                let kind = Kind::Scalar { value, style };
                self.place(node(kind, span, anchor, tag.as_deref())?);
            }
            Event::Alias(anchor) => {
                self.aliases.push((anchor, span.start.line()));
                self.place(node(Kind::Alias { anchor }, span, 0, None)?);
            }
            Event::SequenceStart(style, anchor, tag) => {
                let kind = Kind::Sequence {
                    items: Vec::new(),
                    flow: is_flow(style),
                };
                self.open
                    .push((node(kind, span, anchor, tag.as_deref())?, None));
            }
            Event::MappingStart(style, anchor, tag) => {
                let kind = Kind::Mapping {
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

    /// In braces and brackets libyaml, and so kustomize, takes every `?` at the start for the mark of a key.
    fn is_no_key_to_libyaml(
        &self,
        value: &str,
        style: ScalarStyle,
        span: &Span,
    ) -> Result<(), Refusal> {
        let in_flow = |(node, _): &(Node<'t>, Option<Node<'t>>)| {
            matches!(
                node.kind,
                Kind::Sequence { flow: true, .. } | Kind::Mapping { flow: true, .. }
            )
        };
        if style != ScalarStyle::Plain || !value.starts_with('?') || !self.open.iter().any(in_flow)
        {
            return Ok(());
        }
        let message =
            format!("`{value}` in braces or brackets, which YAML parsers read differently");
        let refusal = RefusalKind::UnsupportedYaml
            .because(message)
            .at(span.start.line());
        Err(refusal.hint("quote it, or remove the `?`"))
    }

    fn close(&mut self, span: &Span) -> Result<(), Refusal> {
        if let Some((mut node, _)) = self.open.pop() {
            node.span.end = bytes_of(span)?.end;
            self.place(node);
        }
        Ok(())
    }

    fn place(&mut self, node: Node<'t>) {
        let Some((parent, waiting)) = self.open.last_mut() else {
            return self.documents.push(node);
        };
        match &mut parent.kind {
            Kind::Sequence { items, .. } => items.push(node),
            Kind::Mapping { pairs, .. } => match waiting.take() {
                Some(key) => pairs.push((key, node)),
                None => *waiting = Some(node),
            },
            Kind::Scalar { .. } | Kind::Alias { .. } => {}
        }
    }
}

fn node<'t>(
    kind: Kind<'t>,
    span: Span,
    anchor: usize,
    tag: Option<&granit_parser::Tag>,
) -> Result<Node<'t>, Refusal> {
    let tag = match tag {
        None => Tag::None,
        Some(tag) if tag.is_yaml_core_schema_tag("str") => Tag::Text,
        Some(_) => Tag::Other,
    };
    Ok(Node {
        kind,
        span: bytes_of(&span)?,
        line: span.start.line(),
        anchor,
        tag,
    })
}

fn bytes_of(span: &Span) -> Result<Range<usize>, Refusal> {
    span.byte_range().ok_or_else(|| {
        RefusalKind::UnsupportedYaml
            .because("a place in the text is not known")
            .at(span.start.line())
    })
}

fn is_flow(style: StructureStyle) -> bool {
    style == StructureStyle::Flow
}
