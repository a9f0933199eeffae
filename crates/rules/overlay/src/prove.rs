//! Proof by a second parser: the new text differs from the old one exactly as requested.

use std::collections::HashMap;
use std::ops::Range;

use yaml_rust2::parser::{Event, Parser, Tag};
use yaml_rust2::scanner::TScalarStyle;

use crate::actions::{Action, Actions};
use crate::images::Key;
use crate::quote::reads_as_other;
use crate::refusal::{EditRefusal, EditRefusalKind};

/// Size in bytes from which a second thread saves more time than it costs.
const MIN_SIZE_FOR_THREAD: usize = 64 * 1024;

/// The difference that an edit should make to the data.
pub(crate) struct ExpectedEdits<'a> {
    /// Entries by their position, and the actions on their keys.
    pub(crate) edited: Vec<(usize, &'a Actions)>,
    /// Entries appended to the list.
    pub(crate) created: Vec<&'a [(Key, String)]>,
}

/// Refuses unless the data of the new text are those of the old one with exactly these changes.
pub(crate) fn prove(old: &str, new: &str, expected: &ExpectedEdits<'_>) -> Result<(), EditRefusal> {
    let (before, after) = read_both(old, new)?;
    let edits = before.expect(expected).ok_or_else(unproven)?;
    match before.edited(edits) {
        Some(expected) if expected == after.tokens => Ok(()),
        _ => Err(unproven()),
    }
}

/// Reads both texts, large ones at the same time.
fn read_both(old: &str, new: &str) -> Result<(Model, Model), EditRefusal> {
    if old.len() < MIN_SIZE_FOR_THREAD {
        return Ok((Model::read(old)?, Model::read(new)?));
    }
    std::thread::scope(|scope| {
        let before = scope.spawn(|| Model::read(old));
        let after = Model::read(new);
        match before.join() {
            Ok(before) => Ok((before?, after?)),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

fn unproven() -> EditRefusal {
    let message = "the edit could not be proven to change this image and nothing else";
    let hint = "write the entry with one `key: value` a line, without anchors, aliases and tags";
    EditRefusalKind::UnsupportedYaml.because(message).hint(hint)
}

/// A text as the flat tokens of its data, without style, comments and names of anchors.
#[derive(Default)]
struct Model {
    tokens: Vec<ModelToken>,
    /// The collections that an alias repeats: a change inside them changes the alias too.
    repeated: Vec<Range<usize>>,
}

#[derive(Clone, PartialEq, Eq)]
enum ModelToken {
    Document,
    /// A scalar, or an alias of a scalar.
    Scalar {
        value: String,
        reads: Reads,
    },
    Open {
        is_mapping: bool,
        tag: Option<String>,
    },
    Close,
    /// An alias of a collection, by the number of its anchor.
    Repeat(usize),
}

/// Text whatever its quotes; plain scalars that may be numbers or null; tagged values.
#[derive(Clone, PartialEq, Eq)]
enum Reads {
    Text,
    Other,
    Tagged(String),
}

/// A range of tokens and the tokens that replace it.
type ExpectedEdit = (Range<usize>, Vec<ModelToken>);

impl Model {
    fn read(text: &str) -> Result<Self, EditRefusal> {
        // The parser rejects a tab between `:` and a plain value, so it reads both texts with a
        // blank there. An edited value never contains a tab.
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        let with_blanks = text.contains('\t').then(|| text.replace(":\t", ": "));
        let mut parser = Parser::new_from_str(with_blanks.as_deref().unwrap_or(text));
        let mut reader = Reader::default();
        loop {
            match parser.next_token() {
                Ok((Event::StreamEnd, _)) => return Ok(reader.model),
                Ok((event, _)) => reader.take(event).ok_or_else(unproven)?,
                Err(error) => return Err(unproven().at(error.marker().line())),
            }
        }
    }

    /// Returns the edits of the tokens, in order; `None` if the text has another shape.
    fn expect(&self, expected: &ExpectedEdits<'_>) -> Option<Vec<ExpectedEdit>> {
        match self.tokens.get(1) {
            None => Some(vec![(
                0..0,
                [vec![ModelToken::Document], mapping(new_images(expected))].concat(),
            )]),
            Some(ModelToken::Scalar { .. }) => Some(vec![(1..2, mapping(new_images(expected)))]),
            Some(ModelToken::Open {
                is_mapping: true, ..
            }) => {
                let children = self.children(1);
                match self.pair(&children, &text("images")) {
                    Some(pair) => self.expect_list(pair[1].clone(), expected),
                    None => Some(vec![(self.close_of(1), new_images(expected))]),
                }
            }
            Some(_) => None,
        }
    }

    fn expect_list(
        &self,
        list: Range<usize>,
        expected: &ExpectedEdits<'_>,
    ) -> Option<Vec<ExpectedEdit>> {
        match &self.tokens[list.start] {
            ModelToken::Scalar { .. } => return Some(vec![(list, new_list(expected))]),
            ModelToken::Open {
                is_mapping: false, ..
            } => {}
            _ => return None,
        }
        let entries = self.children(list.start);
        let mut edits = Vec::new();
        for (at, actions) in &expected.edited {
            edits.extend(self.expect_entry(entries.get(*at)?.start, actions)?);
        }
        edits.push((self.close_of(list.start), new_entries(expected)));
        Some(edits)
    }

    fn expect_entry(&self, entry: usize, actions: &Actions) -> Option<Vec<ExpectedEdit>> {
        let ModelToken::Open {
            is_mapping: true, ..
        } = self.tokens[entry]
        else {
            return None;
        };
        let children = self.children(entry);
        let mut edits = Vec::new();
        for (key, action) in actions {
            let key = text(key.as_str());
            let pair = self.pair(&children, &key);
            edits.push(match (action, pair) {
                (Action::Set(value), Some(pair)) => (pair[1].clone(), vec![text(value)]),
                (Action::Set(value), None) => (self.close_of(entry), vec![key, text(value)]),
                (Action::Delete, Some(pair)) => (pair[0].start..pair[1].end, Vec::new()),
                (Action::Delete, None) => return None,
            });
        }
        edits.sort_by_key(|(range, _)| range.start);
        Some(edits)
    }

    /// Returns the nodes directly inside a collection.
    fn children(&self, open: usize) -> Vec<Range<usize>> {
        let mut children = Vec::new();
        let mut at = open + 1;
        while at < self.tokens.len() && self.tokens[at] != ModelToken::Close {
            let end = self.end_of(at);
            children.push(at..end);
            at = end;
        }
        children
    }

    /// Returns the key and the value of this key among the children of a mapping.
    fn pair<'c>(
        &self,
        children: &'c [Range<usize>],
        key: &ModelToken,
    ) -> Option<&'c [Range<usize>]> {
        children
            .chunks_exact(2)
            .find(|pair| self.tokens[pair[0].start] == *key)
    }

    fn end_of(&self, start: usize) -> usize {
        let mut depth = 0_usize;
        for (at, token) in self.tokens.iter().enumerate().skip(start) {
            match token {
                ModelToken::Open { .. } => depth += 1,
                ModelToken::Close => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                return at + 1;
            }
        }
        self.tokens.len()
    }

    /// Returns the empty range at the end of a collection, where new content goes.
    fn close_of(&self, open: usize) -> Range<usize> {
        let close = self.end_of(open).saturating_sub(1);
        close..close
    }

    /// Returns the tokens after the edits; `None` if an edit changes an alias elsewhere too.
    fn edited(self, edits: Vec<ExpectedEdit>) -> Option<Vec<ModelToken>> {
        let mut tokens = Vec::with_capacity(self.tokens.len() + 16);
        let mut old = self.tokens.into_iter();
        let mut done = 0;
        for (range, new) in edits {
            let is_edit = !range.is_empty() || !new.is_empty();
            if is_edit && is_inside(&self.repeated, range.start) {
                return None;
            }
            tokens.extend(old.by_ref().take(range.start.checked_sub(done)?));
            tokens.extend(new);
            old.by_ref().take(range.len()).for_each(drop);
            done = range.end;
        }
        tokens.extend(old);
        Some(tokens)
    }
}

fn is_inside(collections: &[Range<usize>], at: usize) -> bool {
    collections
        .iter()
        .any(|outer| outer.start < at && at < outer.end)
}

fn text(value: &str) -> ModelToken {
    ModelToken::Scalar {
        value: value.to_owned(),
        reads: Reads::Text,
    }
}

fn mapping(content: Vec<ModelToken>) -> Vec<ModelToken> {
    [
        vec![ModelToken::Open {
            is_mapping: true,
            tag: None,
        }],
        content,
        vec![ModelToken::Close],
    ]
    .concat()
}

fn new_images(expected: &ExpectedEdits<'_>) -> Vec<ModelToken> {
    [vec![text("images")], new_list(expected)].concat()
}

fn new_list(expected: &ExpectedEdits<'_>) -> Vec<ModelToken> {
    [
        vec![ModelToken::Open {
            is_mapping: false,
            tag: None,
        }],
        new_entries(expected),
        vec![ModelToken::Close],
    ]
    .concat()
}

fn new_entries(expected: &ExpectedEdits<'_>) -> Vec<ModelToken> {
    let mut tokens = Vec::new();
    for keys in &expected.created {
        let mut pairs = Vec::new();
        for (key, value) in *keys {
            pairs.extend([text(key.as_str()), text(value)]);
        }
        tokens.extend(mapping(pairs));
    }
    tokens
}

/// Converts the parser's events to tokens.
#[derive(Default)]
struct Reader {
    model: Model,
    /// Where the open collections start, and their anchors.
    open: Vec<(usize, usize)>,
    /// The tokens of each anchored node.
    anchors: HashMap<usize, Range<usize>>,
}

impl Reader {
    fn take(&mut self, event: Event) -> Option<()> {
        let at = self.model.tokens.len();
        let token = match event {
            Event::DocumentStart => ModelToken::Document,
            Event::Scalar(value, style, anchor, tag) => {
                self.anchor(anchor, at..at + 1);
                let reads = reads(&value, style, tag);
                ModelToken::Scalar { value, reads }
            }
            Event::Alias(anchor) => self.alias(anchor)?,
            Event::SequenceStart(anchor, tag) => self.start(false, anchor, tag),
            Event::MappingStart(anchor, tag) => self.start(true, anchor, tag),
            Event::SequenceEnd | Event::MappingEnd => {
                let (start, anchor) = self.open.pop()?;
                self.anchor(anchor, start..at + 1);
                ModelToken::Close
            }
            _ => return Some(()),
        };
        self.model.tokens.push(token);
        Some(())
    }

    fn start(&mut self, is_mapping: bool, anchor: usize, tag: Option<Tag>) -> ModelToken {
        self.open.push((self.model.tokens.len(), anchor));
        ModelToken::Open {
            is_mapping,
            tag: tag.map(|tag| tag.handle + &tag.suffix),
        }
    }

    fn anchor(&mut self, anchor: usize, range: Range<usize>) {
        if anchor != 0 {
            self.anchors.insert(anchor, range);
        }
    }

    /// Returns `None` for an alias inside its own anchor, which is not complete yet.
    fn alias(&mut self, anchor: usize) -> Option<ModelToken> {
        let target = self.anchors.get(&anchor)?;
        match &self.model.tokens[target.start] {
            scalar @ ModelToken::Scalar { .. } => Some(scalar.clone()),
            _ => {
                self.model.repeated.push(target.clone());
                Some(ModelToken::Repeat(anchor))
            }
        }
    }
}

fn reads(value: &str, style: TScalarStyle, tag: Option<Tag>) -> Reads {
    match tag {
        Some(tag) if tag.handle == "tag:yaml.org,2002:" && tag.suffix == "str" => Reads::Text,
        Some(tag) => Reads::Tagged(tag.handle + &tag.suffix),
        None if style == TScalarStyle::Plain && reads_as_other(value) => Reads::Other,
        None => Reads::Text,
    }
}
