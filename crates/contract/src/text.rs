//! Escapes text from outside, so that it cannot steer a terminal, a reader's eyes, or a runner.

/// Returns a text that stays on its line and hides nothing: line breaks become spaces, and control,
/// bidirectional and invisible characters are shown by their number, as `\u{202e}`.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    let mut last = ' ';
    for c in text.chars() {
        match c {
            '\n' | '\r' => line.push(' '),
            '\t' => line.push(c),
            _ if is_invisible(c) && (last.is_ascii() || !joins_emoji(c)) => {
                line.extend(c.escape_unicode());
            }
            _ => line.push(c),
        }
        last = c;
    }
    line
}

/// Returns whether a character is shown as nothing, or changes how others are shown: control
/// characters, and those of Unicode's list `Default_Ignorable_Code_Point`.
pub(crate) fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Returns whether a character belongs to the emoji before it.
fn joins_emoji(c: char) -> bool {
    matches!(c, '\u{200d}' | '\u{fe0e}' | '\u{fe0f}')
}

/// Returns a text from outside as one line that no runner takes for a command.
pub(crate) fn harmless(text: &str) -> String {
    inert(&one_line(text))
}

/// Returns a line that no runner takes for a command: `::x` counts at the start of a line, and what
/// [`for_any_agent`] breaks anywhere in it. A space breaks them. A zero-width space would not do: a
/// comparison that depends on the language ignores it.
pub(crate) fn inert(line: &str) -> String {
    let line = for_any_agent(line);
    if line.trim_start().starts_with("::") {
        line.replacen("::", ": :", 1)
    } else {
        line
    }
}

/// Returns a line without the commands that agents of other systems know as well: `##[x` (GitHub,
/// Azure Pipelines), `##vso[x` (Azure Pipelines), `##teamcity[x`. No person writes these words.
pub(crate) fn for_any_agent(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    for bracket in agent_brackets(line) {
        let at = bracket - (line.len() - rest.len());
        let hashes = rest[..at].trim_end_matches(|c: char| c.is_ascii_alphabetic());
        text.push_str(hashes);
        text.push(' ');
        text.push_str(&rest[hashes.len()..=at]);
        rest = &rest[at + 1..];
    }
    text + rest
}

/// Returns the places of the brackets of such commands.
pub(crate) fn agent_brackets(text: &str) -> impl Iterator<Item = usize> {
    text.match_indices('[').map(|(at, _)| at).filter(|at| {
        let name = text[..*at].trim_end_matches(|c: char| c.is_ascii_alphabetic());
        name.ends_with("##")
    })
}

/// Returns the data of a workflow command (`toolkit`, `escapeData`).
pub(crate) fn escape_data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// Returns a property of a workflow command (`toolkit`, `escapeProperty`).
pub(crate) fn escape_property(text: &str) -> String {
    escape_data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_eye_cannot_see_is_shown() {
        for (text, shown) in [
            ("a\u{202e}gnp.exe", "a\\u{202e}gnp.exe"),
            ("a\u{1b}[31m\r\nb\tc", "a\\u{1b}[31m  b\tc"),
            (
                "a\u{200b}\u{feff}\u{2028}b",
                "a\\u{200b}\\u{feff}\\u{2028}b",
            ),
            ("\u{26a0}\u{fe0f} ä", "\u{26a0}\u{fe0f} ä"),
        ] {
            assert_eq!(one_line(text), shown);
        }
    }

    #[test]
    fn a_command_is_broken_by_a_visible_space() {
        assert_eq!(harmless(" ::error::x"), " : :error::x");
        assert_eq!(harmless("a ##[error]x"), "a ## [error]x");
        assert_eq!(
            harmless("[1] ##vso[task.complete]a ###teamcity[b] #vso[c]"),
            "[1] ## vso[task.complete]a ### teamcity[b] #vso[c]"
        );
        assert_eq!(harmless("#\u{200b}#[error]x"), "#\\u{200b}#[error]x");
        assert_eq!(harmless(":\u{fe0f}:error::x"), ":\\u{fe0f}:error::x");
    }
}
