//! Rust source as tokens: just enough to tell code from comments, strings and tests.

/// A piece of code; comments, strings and whitespace are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceToken {
    /// A keyword, a name or a number.
    Word(String),
    /// `::`
    Separator,
    /// Any other character.
    Mark(char),
}

impl SourceToken {
    /// Returns the word, if it is one.
    pub fn word(&self) -> Option<&str> {
        match self {
            Self::Word(word) => Some(word),
            Self::Separator | Self::Mark(_) => None,
        }
    }

    /// Returns whether it is this word.
    pub fn is(&self, word: &str) -> bool {
        self.word() == Some(word)
    }
}

/// Returns the tokens of a file, and the number of the line of each.
pub fn tokens(text: &str) -> Vec<(usize, SourceToken)> {
    let mut rest = text;
    let mut line = 1;
    let mut tokens = Vec::new();
    while let Some(first) = rest.chars().next() {
        let length = token_length(rest, first);
        if let Some(token) = token(&rest[..length]) {
            tokens.push((line, token));
        }
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    tokens
}

/// Returns how many bytes the first token, comment, string or blank has.
fn token_length(rest: &str, first: char) -> usize {
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return block_comment(rest);
    }
    if let Some(hashes) = raw_string(rest) {
        let end = format!("\"{}", "#".repeat(hashes));
        let start = rest.find('"').unwrap_or_default() + 1;
        return rest[start..]
            .find(&end)
            .map_or(rest.len(), |at| start + at + end.len());
    }
    if first == '"' {
        return quoted(rest, '"');
    }
    if first == '\'' {
        return apostrophe(rest);
    }
    if is_word(first) {
        return rest.find(|next| !is_word(next)).unwrap_or(rest.len());
    }
    if rest.starts_with("::") {
        return 2;
    }
    first.len_utf8()
}

fn token(text: &str) -> Option<SourceToken> {
    let first = text.chars().next()?;
    let is_string = raw_string(text).is_some() || (text.len() > 1 && text.ends_with('"'));
    if is_string || text.starts_with("//") || text.starts_with("/*") || first.is_whitespace() {
        return None;
    }
    // A character, not the start of a lifetime.
    if first == '\'' && text.len() > 1 {
        return None;
    }
    Some(match text {
        "::" => SourceToken::Separator,
        _ if is_word(first) => SourceToken::Word(text.to_owned()),
        _ => SourceToken::Mark(first),
    })
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// Block comments nest in Rust.
fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest[at..].starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// Returns the number of `#` when a raw string starts here: `r"`, `br#"`.
fn raw_string(rest: &str) -> Option<usize> {
    let after = rest
        .strip_prefix("br")
        .or_else(|| rest.strip_prefix("cr"))
        .or_else(|| rest.strip_prefix('r'))?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    after[hashes..].starts_with('"').then_some(hashes)
}

/// Returns the length of a quoted text, quotes included; a backslash escapes the next character.
fn quoted(rest: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, letter) in rest.char_indices().skip(1) {
        if is_escaped {
            is_escaped = false;
        } else if letter == '\\' {
            is_escaped = true;
        } else if letter == quote {
            return at + 1;
        }
    }
    rest.len()
}

/// `'a'` and `'\n'` are characters, `'a` is the name of a lifetime or a label.
fn apostrophe(rest: &str) -> usize {
    let mut letters = rest.char_indices().skip(1);
    let is_escape = letters.next().is_some_and(|(_, letter)| letter == '\\');
    let closes = letters.next().filter(|(_, letter)| *letter == '\'');
    match closes {
        _ if is_escape => quoted(rest, '\''),
        Some((at, _)) => at + 1,
        None => 1,
    }
}

/// Returns the tokens without the items that `#[cfg(test)]` marks.
pub fn without_tests(tokens: &[(usize, SourceToken)]) -> Vec<(usize, SourceToken)> {
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if is_test_attribute(&tokens[at..]) {
            at = end_of_item(tokens, at + TEST_ATTRIBUTE.len());
        } else {
            kept.push(tokens[at].clone());
            at += 1;
        }
    }
    kept
}

const TEST_ATTRIBUTE: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];

fn is_test_attribute(tokens: &[(usize, SourceToken)]) -> bool {
    let same = |((_, token), wanted): (&(usize, SourceToken), &&str)| match token {
        SourceToken::Word(word) => word == wanted,
        SourceToken::Mark(mark) => wanted.starts_with(*mark),
        SourceToken::Separator => false,
    };
    tokens.len() >= TEST_ATTRIBUTE.len() && tokens.iter().zip(&TEST_ATTRIBUTE).all(same)
}

/// An item ends with its block, or with a semicolon outside of every bracket.
fn end_of_item(tokens: &[(usize, SourceToken)], start: usize) -> usize {
    let mut depth = 0_usize;
    for (at, (_, token)) in tokens.iter().enumerate().skip(start) {
        match token {
            SourceToken::Mark('{' | '(' | '[') => depth += 1,
            SourceToken::Mark(')' | ']') => depth = depth.saturating_sub(1),
            SourceToken::Mark('}') => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            SourceToken::Mark(';') if depth == 0 => return at + 1,
            _ => {}
        }
    }
    tokens.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let tokens = tokens(text).into_iter();
        tokens
            .filter_map(|(_, token)| token.word().map(str::to_owned))
            .collect()
    }

    #[test]
    fn comments_and_strings_are_no_code() {
        let text = r##"let a = "World"; // World
            /* World /* World */ World */ let b = r#"World "World" "#;
            let c = "\"World"; let d = br"World";"##;
        assert_eq!(
            words(text),
            ["let", "a", "let", "b", "let", "c", "let", "d"]
        );
    }

    #[test]
    fn a_lifetime_does_not_open_a_character() {
        assert_eq!(
            words(r"fn f<'a>(x: &'a World) -> char { '\'' } fn g() { ('\\', '\u{1F}', 'x') }"),
            ["fn", "f", "a", "x", "a", "World", "char", "fn", "g"]
        );
    }

    #[test]
    fn a_token_knows_its_line() {
        let tokens = tokens("/* one\ntwo */\na::b");
        assert_eq!(tokens[0], (3, SourceToken::Word("a".into())));
        assert_eq!(tokens[1], (3, SourceToken::Separator));
    }

    #[test]
    fn items_for_tests_are_left_out() {
        let text = "use a; #[cfg(test)] mod tests { fn f() { g([0; 2]); } } use b; \
            #[cfg(test)] use c::{d, e}; #[cfg(test)] mod tests; use f;";
        let kept = without_tests(&tokens(text));
        let words: Vec<_> = kept.iter().filter_map(|(_, token)| token.word()).collect();
        assert_eq!(words, ["use", "a", "use", "b", "use", "f"]);
    }
}
