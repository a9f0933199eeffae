//! Sentences of servers, without the names in them.

/// Returns the words of a sentence from outside without the names that it quotes, and without paths.
///
/// Where words decide what a server means, those of a name must not: a repository may be called
/// `acme/billing`, a branch `unsigned`.
pub fn without_names(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let unquoted = unquoted(line);
        let words = unquoted.split_whitespace();
        let words: Vec<&str> = words.filter(|word| !word.contains('/')).collect();
        words.join(" ")
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns a line without what stands in quotes. An apostrophe within a word is no quote.
fn unquoted(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(start) = rest.find(['`', '"', '\'']) {
        let (before, quoted) = rest.split_at(start);
        text.push_str(before);
        let is_in_word = before.ends_with(char::is_alphanumeric);
        let end = closing_quote(quoted).filter(|_| !is_in_word);
        let next = end.unwrap_or_else(|| {
            text.push_str(&quoted[..1]);
            1
        });
        rest = &quoted[next..];
    }
    text + rest
}

/// Returns where a quoted text ends, which begins with its quote.
fn closing_quote(quoted: &str) -> Option<usize> {
    let quote = quoted.chars().next()?;
    let ends = quoted.match_indices(quote).skip(1).map(|(at, _)| at + 1);
    let mut ends = ends.filter(|end| !quoted[*end..].starts_with(char::is_alphanumeric));
    ends.next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_paths_are_left_out() {
        for (text, words) in [
            (
                "Permission to acme/billing.git denied to bot.",
                "Permission to denied to bot.",
            ),
            (
                "Permission \"x.get\" denied on resource \"projects/policy\" (or it may not exist)",
                "Permission denied on resource (or it may not exist)",
            ),
            (
                "Could not resolve to a Repository with the name 'acme/archived'.",
                "Could not resolve to a Repository with the name .",
            ),
            (
                "the `blocked` organization has an IP allow list",
                "the organization has an IP allow list",
            ),
            (
                "GH006: update failed for refs/heads/unsigned.\n- Commits aren't signed",
                "GH006: update failed for\n- Commits aren't signed",
            ),
        ] {
            assert_eq!(without_names(text), words);
        }
    }

    #[test]
    fn an_apostrophe_is_no_quote() {
        for text in [
            "You can't push code to a read-only GitLab instance",
            "Committer's email is not the user's",
            "an odd ' and \" and `",
            "",
        ] {
            assert_eq!(without_names(text), text);
        }
    }
}
