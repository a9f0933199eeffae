//! Proof by a second parser: the difference between old and new is exactly what was asked.

use std::collections::HashMap;
use std::ops::Range;

use yaml_rust2::parser::{Event, Parser, Tag};
use yaml_rust2::scanner::TScalarStyle;

use crate::images::Key;
use crate::plan::{Action, Actions};
use crate::quote::reads_as_other;
use crate::refusal::{EditRefusal, EditRefusalKind};

/// From so many bytes on, a thread costs less than it saves.
const LARGE: usize = 64 * 1024;

/// What an edit is meant to do to the data.
pub(crate) struct ExpectedEdits<'a> {
    /// Entries by their position, and what becomes of their keys.
    pub(crate) edited: Vec<(usize, &'a Actions)>,
    /// Entries appended to the list.
    pub(crate) created: Vec<&'a [(Key, String)]>,
}

/// Refuses unless the new text's data are the old text's with exactly these changes.
pub(crate) fn prove(old: &str, new: &str, asked: &ExpectedEdits<'_>) -> Result<(), EditRefusal> {
    let (before, after) = read_both(old, new)?;
    let edits = before.expect(asked).ok_or_else(unproven)?;
    match before.edited(edits) {
        Some(expected) if expected == after.tokens => Ok(()),
        _ => Err(unproven()),
    }
}

/// Reads both texts, large ones at the same time.
fn read_both(old: &str, new: &str) -> Result<(Model, Model), EditRefusal> {
    if old.len() < LARGE {
        return Ok((Model::read(old)?, Model::read(new)?));
    }
    std::thread::scope(|scope| {
        let before = scope.spawn(|| Model::read(old));
        let after = Model::read(new);
        let before = before
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        Ok((before?, after?))
    })
}

fn unproven() -> EditRefusal {
    let message = "the edit could not be proven to change this image and nothing else";
    let hint = "write the entry with one `key: value` a line, without anchors, aliases and tags";
    EditRefusalKind::UnsupportedYaml.because(message).hint(hint)
}

/// A text as the flat tokens of its data: style, comments and anchors' names are gone.
#[derive(Default)]
struct Model {
    tokens: Vec<ModelToken>,
    /// The collections that some alias repeats: a change inside would be a change there too.
    repeated: Vec<Range<usize>>,
}

#[derive(Clone, PartialEq, Eq)]
enum ModelToken {
    YamlDocument,
    /// An alias of a scalar is this scalar.
    Scalar {
        value: String,
        reads: Reads,
    },
    Open {
        is_mapping: bool,
        tag: Option<String>,
    },
    Close,
    /// An alias of a collection, by the place of the collection among the anchored ones.
    Repeat(usize),
}

/// Text whatever its quotes; plain scalars that may be numbers or null; tagged values.
#[derive(Clone, PartialEq, Eq)]
enum Reads {
    Text,
    Other,
    Tagged(String),
}

/// A range of tokens and what takes its place.
type ExpectedEdit = (Range<usize>, Vec<ModelToken>);

impl Model {
    fn read(text: &str) -> Result<Self, EditRefusal> {
        // The parser takes a tab between `:` and a plain value for an error. Both texts are read
        // with a blank instead, and what is edited never holds a tab.
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

    /// Returns the edits of the tokens, in order; `None` if there is nothing of that shape.
    fn expect(&self, asked: &ExpectedEdits<'_>) -> Option<Vec<ExpectedEdit>> {
        match self.tokens.get(1) {
            None => Some(vec![(
                0..0,
                [vec![ModelToken::YamlDocument], mapping(new_images(asked))].concat(),
            )]),
            Some(ModelToken::Scalar { .. }) => Some(vec![(1..2, mapping(new_images(asked)))]),
            Some(ModelToken::Open {
                is_mapping: true, ..
            }) => {
                let children = self.children(1);
                match children
                    .chunks_exact(2)
                    .find(|pair| self.tokens[pair[0].start] == text("images"))
                {
                    Some(pair) => self.expect_list(pair[1].clone(), asked),
                    None => Some(vec![(self.close_of(1), new_images(asked))]),
                }
            }
            Some(_) => None,
        }
    }

    fn expect_list(
        &self,
        list: Range<usize>,
        asked: &ExpectedEdits<'_>,
    ) -> Option<Vec<ExpectedEdit>> {
        match &self.tokens[list.start] {
            ModelToken::Scalar { .. } => return Some(vec![(list, new_list(asked))]),
            ModelToken::Open {
                is_mapping: false, ..
            } => {}
            _ => return None,
        }
        let entries = self.children(list.start);
        let mut edits = Vec::new();
        for (at, actions) in &asked.edited {
            edits.extend(self.expect_entry(entries.get(*at)?.start, actions)?);
        }
        edits.push((self.close_of(list.start), new_entries(asked)));
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
            let pair = children
                .chunks_exact(2)
                .find(|pair| self.tokens[pair[0].start] == key);
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

    /// Returns the nodes right inside of a collection.
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

    /// Returns the place in front of the end of a collection, where new content goes.
    fn close_of(&self, open: usize) -> Range<usize> {
        let close = self.end_of(open).saturating_sub(1);
        close..close
    }

    /// Returns the tokens as they must be after the edits; `None` if those are not local.
    fn edited(self, edits: Vec<ExpectedEdit>) -> Option<Vec<ModelToken>> {
        let inside = |range: &Range<usize>| {
            self.repeated
                .iter()
                .any(|outer| outer.start < range.start && range.start < outer.end)
        };
        let mut tokens = Vec::with_capacity(self.tokens.len() + 16);
        let mut old = self.tokens.into_iter();
        let mut done = 0;
        for (range, new) in edits {
            if !(range.is_empty() && new.is_empty()) && inside(&range) {
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

fn new_images(asked: &ExpectedEdits<'_>) -> Vec<ModelToken> {
    [vec![text("images")], new_list(asked)].concat()
}

fn new_list(asked: &ExpectedEdits<'_>) -> Vec<ModelToken> {
    [
        vec![ModelToken::Open {
            is_mapping: false,
            tag: None,
        }],
        new_entries(asked),
        vec![ModelToken::Close],
    ]
    .concat()
}

fn new_entries(asked: &ExpectedEdits<'_>) -> Vec<ModelToken> {
    let pairs = |keys: &[(Key, String)]| -> Vec<ModelToken> {
        keys.iter()
            .flat_map(|(key, value)| [text(key.as_str()), text(value)])
            .collect()
    };
    asked
        .created
        .iter()
        .flat_map(|keys| mapping(pairs(keys)))
        .collect()
}

/// Makes tokens of the parser's events.
#[derive(Default)]
struct Reader {
    model: Model,
    /// Where the open collections start, and their anchors.
    open: Vec<(usize, usize)>,
    /// What an anchor stands for: its range of tokens.
    anchors: HashMap<usize, Range<usize>>,
}

impl Reader {
    fn take(&mut self, event: Event) -> Option<()> {
        let at = self.model.tokens.len();
        let token = match event {
            Event::DocumentStart => ModelToken::YamlDocument,
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

    /// An anchor that is not complete yet, an alias inside of itself, is not known here.
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
