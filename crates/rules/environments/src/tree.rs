//! A YAML text as a tree with its lines, for the programs that write a branch: they have this parser
//! for their overlays, and `serde-saphyr` would make each of them a tenth larger.

use granit_parser::{Event, Parser};

use crate::InvalidFile;

/// A value, and the line where it stands, from 1.
#[derive(Debug)]
pub(crate) struct TreeNode {
    pub(crate) line: u64,
    kind: TreeKind,
}

#[derive(Debug)]
enum TreeKind {
    Text(String),
    List(Vec<TreeNode>),
    Map(Vec<TreePair>),
}

/// A key of a mapping, its line, and its value.
#[derive(Debug)]
struct TreePair {
    line: u64,
    name: String,
    value: TreeNode,
}

/// A collection whose end was not read yet; the keys of a mapping stand between its values.
struct OpenNode {
    line: u64,
    is_map: bool,
    nodes: Vec<TreeNode>,
}

impl TreeNode {
    /// Reads a text with one document.
    ///
    /// # Errors
    /// When it is not YAML, is empty, has a key twice, or has an anchor, an alias, a tag or a second
    /// document, which a file of these few keys never needs.
    pub(crate) fn read(text: &str) -> Result<Self, InvalidFile> {
        let mut open = vec![OpenNode::new(1, false)];
        let options = granit_parser::options! { emit_comments: false };
        for event in Parser::new_from_str_with_options(text, options) {
            let (event, span) = event
                .map_err(|error| InvalidFile::on(error.marker().line() as u64, error.info()))?;
            let line = span.start.line() as u64;
            let done = match event {
                Event::Scalar(value, _, 0, None) => Self {
                    line,
                    kind: TreeKind::Text(value.into_owned()),
                },
                Event::SequenceStart(_, 0, None) => {
                    open.push(OpenNode::new(line, false));
                    continue;
                }
                Event::MappingStart(_, 0, None) => {
                    open.push(OpenNode::new(line, true));
                    continue;
                }
                Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                    Some(node) => node.close()?,
                    None => continue,
                },
                Event::StreamStart
                | Event::StreamEnd
                | Event::DocumentStart(..)
                | Event::DocumentEnd => continue,
                _ => return Err(InvalidFile::on(line, "an anchor, an alias or a tag")),
            };
            if let Some(around) = open.last_mut() {
                around.nodes.push(done);
            }
        }
        let documents = open.pop().map(|root| root.nodes).unwrap_or_default();
        match <[Self; 1]>::try_from(documents) {
            Ok([document]) => Ok(document),
            Err(_) => Err(InvalidFile::on(1, "expected one YAML document")),
        }
    }

    /// Returns the text of a scalar.
    pub(crate) fn text(&self) -> Result<&str, InvalidFile> {
        match &self.kind {
            TreeKind::Text(text) => Ok(text),
            _ => Err(InvalidFile::on(self.line, "expected a text")),
        }
    }

    /// Returns the items of a list.
    pub(crate) fn list(&self) -> Result<&[Self], InvalidFile> {
        match &self.kind {
            TreeKind::List(items) => Ok(items),
            _ => Err(InvalidFile::on(self.line, "expected a list")),
        }
    }

    /// Returns the texts of a list.
    pub(crate) fn texts(&self) -> Result<Vec<String>, InvalidFile> {
        let items = self.list()?.iter();
        items.map(|item| item.text().map(str::to_owned)).collect()
    }

    /// Returns the value of a key of a mapping, if there is one.
    pub(crate) fn find(&self, key: &str) -> Result<Option<&Self>, InvalidFile> {
        let found = self.map()?.iter().find(|pair| pair.name == key);
        Ok(found.map(|pair| &pair.value))
    }

    /// Returns the value of a key of a mapping.
    pub(crate) fn get(&self, key: &str) -> Result<&Self, InvalidFile> {
        let missing = || InvalidFile::on(self.line, format!("the key `{key}` is missing"));
        self.find(key)?.ok_or_else(missing)
    }

    /// Refuses every key of a mapping that is none of these.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), InvalidFile> {
        let is_unknown = |pair: &&TreePair| !known.contains(&pair.name.as_str());
        match self.map()?.iter().find(is_unknown) {
            Some(pair) => Err(InvalidFile::unknown_key(pair.line, &pair.name, known)),
            None => Ok(()),
        }
    }

    fn map(&self) -> Result<&[TreePair], InvalidFile> {
        match &self.kind {
            TreeKind::Map(pairs) => Ok(pairs),
            _ => Err(InvalidFile::on(self.line, "expected keys with values")),
        }
    }
}

impl OpenNode {
    fn new(line: u64, is_map: bool) -> Self {
        Self {
            line,
            is_map,
            nodes: Vec::new(),
        }
    }

    fn close(self) -> Result<TreeNode, InvalidFile> {
        let line = self.line;
        if !self.is_map {
            let kind = TreeKind::List(self.nodes);
            return Ok(TreeNode { line, kind });
        }
        let mut pairs: Vec<TreePair> = Vec::new();
        let mut nodes = self.nodes.into_iter();
        while let (Some(key), Some(value)) = (nodes.next(), nodes.next()) {
            let (line, name) = (key.line, key.text()?.to_owned());
            if pairs.iter().any(|earlier| earlier.name == name) {
                return Err(InvalidFile::on(
                    line,
                    format!("the key `{name}` stands there twice"),
                ));
            }
            pairs.push(TreePair { line, name, value });
        }
        let kind = TreeKind::Map(pairs);
        Ok(TreeNode { line, kind })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        match TreeNode::read(text) {
            Ok(node) => panic!("{node:?}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_tree_has_lines() {
        let tree = TreeNode::read("a: 1\nb:\n- x\n- [y, z] # c\n").unwrap();
        assert_eq!(tree.get("a").unwrap().text().unwrap(), "1");
        let list = tree.get("b").unwrap().list().unwrap();
        assert_eq!((list[0].line, list[1].line), (3, 4));
        assert_eq!(list[1].texts().unwrap(), ["y", "z"]);
        assert!(tree.find("c").unwrap().is_none());
    }

    #[test]
    fn every_other_text_is_refused() {
        for (text, expected) in [
            ("", "line 1: expected one YAML document"),
            ("a\n---\nb\n", "line 1: expected one YAML document"),
            ("a: 1\na: 2\n", "line 2: the key `a` stands there twice"),
            ("a: &x 1\nb: *x\n", "line 1: an anchor, an alias or a tag"),
            ("a: !!str 1\n", "line 1: an anchor, an alias or a tag"),
            ("a: [\n", "line "),
            ("a:\n\tb: 1\n", "line "),
            (&"[".repeat(100_000), "line "),
        ] {
            let refusal = refusal(text);
            assert!(refusal.starts_with(expected), "{refusal}");
        }
        let tree = TreeNode::read("a: 1\n").unwrap();
        assert!(tree.list().is_err() && tree.text().is_err() && tree.get("b").is_err());
    }
}
