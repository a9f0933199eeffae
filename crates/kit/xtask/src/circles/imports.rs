//! The imports of a file, read from its tokens.

use std::collections::BTreeMap;

use crate::source::{SourceToken, tokens, without_tests};

/// A path as it is written, from the file's own module: `["super", "a", "B"]`.
type NamePath = Vec<String>;

/// The paths of one file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Imports {
    /// Of its `use` items.
    pub(super) uses: Vec<NamePath>,
    /// Of its code.
    pub(super) paths: Vec<NamePath>,
    /// Of its `pub use` items, by the name that they export.
    pub(super) exports: BTreeMap<String, NamePath>,
}

/// Returns what a file imports; its tests do not count.
pub(super) fn imports(text: &str) -> Imports {
    let tokens = without_tests(&tokens(text));
    let mut reader = ImportReader {
        tokens: tokens.into_iter().map(|(_, token)| token).collect(),
        at: 0,
        inline: Vec::new(),
        depth: 0,
        found: Imports::default(),
    };
    reader.read();
    reader.found
}

struct ImportReader {
    tokens: Vec<SourceToken>,
    at: usize,
    /// The inline modules (`mod a { … }`) around this place, and how deep their blocks are.
    inline: Vec<(String, usize)>,
    depth: usize,
    found: Imports,
}

impl ImportReader {
    fn read(&mut self) {
        let mut is_public = false;
        while let Some(token) = self.tokens.get(self.at).cloned() {
            match token {
                SourceToken::Word(word) if word == "use" => self.read_use(is_public),
                SourceToken::Word(word) if word == "mod" => self.read_mod(),
                SourceToken::Word(word) if word == "pub" => {
                    is_public = true;
                    self.skip_visibility();
                    continue;
                }
                SourceToken::Word(_) => self.read_path(),
                SourceToken::Mark('{') => self.open(),
                SourceToken::Mark('}') => self.close(),
                _ => self.at += 1,
            }
            is_public = false;
        }
    }

    /// Goes over `pub`, `pub(crate)` or `pub(in path)`.
    fn skip_visibility(&mut self) {
        self.at += 1;
        if self.next_is('(') {
            while self.at < self.tokens.len() && !self.next_is(')') {
                self.at += 1;
            }
            self.at += 1;
        }
    }

    fn next_is(&self, mark: char) -> bool {
        self.tokens.get(self.at) == Some(&SourceToken::Mark(mark))
    }

    fn open(&mut self) {
        self.depth += 1;
        self.at += 1;
    }

    fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.inline.retain(|(_, depth)| *depth <= self.depth);
        self.at += 1;
    }

    fn read_mod(&mut self) {
        let name = self.tokens.get(self.at + 1).and_then(SourceToken::word);
        let name = name.unwrap_or_default().to_owned();
        self.at += 2;
        if self.next_is('{') {
            self.inline.push((name, self.depth + 1));
        }
    }

    fn read_use(&mut self, is_public: bool) {
        self.at += 1;
        let mut leaves = Vec::new();
        self.read_tree(&NamePath::new(), &mut leaves);
        for (name, path) in leaves {
            let path = self.in_file(path);
            if is_public {
                self.found.exports.insert(name, path);
            } else {
                self.found.uses.push(path);
            }
        }
    }

    /// Reads `a::{b as c, d::*}` into its leaves, each with the name that it brings into scope.
    fn read_tree(&mut self, before: &NamePath, leaves: &mut Vec<(String, NamePath)>) {
        let mut path = before.clone();
        while let Some(token) = self.tokens.get(self.at).cloned() {
            match token {
                SourceToken::Word(word) if word == "as" => {
                    let name = self.tokens.get(self.at + 1).and_then(SourceToken::word);
                    leaves.push((name.unwrap_or_default().to_owned(), path));
                    self.at += 2;
                    return;
                }
                SourceToken::Word(word) => path.push(word),
                SourceToken::Mark('*') => path.push("*".to_owned()),
                SourceToken::Mark('{') => return self.read_branches(&path, leaves),
                SourceToken::Separator => {}
                SourceToken::Mark(_) => break,
            }
            self.at += 1;
        }
        if let Some(name) = path.last().filter(|_| path.len() > before.len()) {
            leaves.push((name.clone(), path));
        }
    }

    fn read_branches(&mut self, path: &NamePath, leaves: &mut Vec<(String, NamePath)>) {
        self.at += 1;
        while self.at < self.tokens.len() && !self.next_is('}') {
            self.read_tree(path, leaves);
            if self.next_is(',') {
                self.at += 1;
            }
        }
        self.at += 1;
    }

    /// Reads `a::b::c` in the code; a single word is no path to another file.
    fn read_path(&mut self) {
        let is_method = self.at > 0 && self.tokens[self.at - 1] == SourceToken::Mark('.');
        let mut path = NamePath::new();
        while let Some(word) = self.tokens.get(self.at).and_then(SourceToken::word) {
            path.push(word.to_owned());
            self.at += 1;
            if self.tokens.get(self.at) != Some(&SourceToken::Separator) {
                break;
            }
            self.at += 1;
        }
        if path.len() > 1 && !is_method {
            let path = self.in_file(path);
            self.found.paths.push(path);
        }
    }

    /// Returns a path as the file itself would write it: inline modules are no files.
    fn in_file(&self, path: NamePath) -> NamePath {
        let above = path.iter().take_while(|word| *word == "super").count();
        let inline = self.inline.len();
        match path.first().map(String::as_str) {
            Some("crate") | None => path,
            Some("super") if above > inline => path[inline..].to_vec(),
            _ if inline == 0 => path,
            Some("super" | "self") => {
                let after = path[above..].iter().filter(|word| *word != "self");
                let kept = self.inline[..inline - above].iter().map(|(name, _)| name);
                let own = "self".to_owned();
                std::iter::once(&own)
                    .chain(kept)
                    .chain(after)
                    .cloned()
                    .collect()
            }
            // A name in scope, or of another crate: neither is a file's.
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(paths: &[NamePath]) -> Vec<String> {
        paths.iter().map(|path| path.join("::")).collect()
    }

    #[test]
    fn a_tree_of_imports_is_all_its_leaves() {
        let found = imports("use crate::{a::{B, c::*}, d::E as F}; use super::g; fn f() {}");
        assert_eq!(
            joined(&found.uses),
            ["crate::a::B", "crate::a::c::*", "crate::d::E", "super::g"]
        );
    }

    #[test]
    fn an_export_is_known_by_its_name() {
        let found = imports("pub use a::{B, C as D}; pub(crate) use self::e::F; use g::H;");
        let exports: Vec<_> = found.exports.keys().map(String::as_str).collect();
        assert_eq!(exports, ["B", "D", "F"]);
        assert_eq!(found.exports["D"], ["a", "C"]);
        assert_eq!(joined(&found.uses), ["g::H"]);
    }

    #[test]
    fn a_path_in_the_code_counts() {
        let found = imports("fn f(a: crate::a::B) { child::c(); x.child::<D>(); y }");
        assert_eq!(joined(&found.paths), ["crate::a::B", "child::c"]);
    }

    #[test]
    fn an_inline_module_is_part_of_its_file() {
        let found = imports(
            "pub mod a { use super::B; use super::super::C; use self::d::E; mod f { use super::G; } } \
             use super::H;",
        );
        assert_eq!(
            joined(&found.uses),
            [
                "self::B",
                "super::C",
                "self::a::d::E",
                "self::a::G",
                "super::H"
            ]
        );
    }

    #[test]
    fn comments_strings_and_tests_import_nothing() {
        let found = imports(
            "//! [`crate::a`]\nconst A: &str = \"crate::b\"; #[cfg(test)] mod tests { use crate::c; }",
        );
        assert_eq!(found, Imports::default());
    }
}
