//! Exactly one JSON document on standard output, in every case.

use std::io::{self, Write};

use crate::{
    FinalReport,
    text::{agent_brackets, is_invisible},
};

/// Writes the document and a line break.
pub(crate) fn document(sink: &mut dyn Write, report: &FinalReport) -> io::Result<()> {
    let text = serde_json::to_string(report)?;
    writeln!(sink, "{}", inert(&text))
}

/// Escapes what steers a runner or a terminal; the document stays equal, since these characters
/// are only in its strings.
fn inert(document: &str) -> String {
    let mut text = String::with_capacity(document.len());
    let mut brackets = agent_brackets(document).peekable();
    for (at, c) in document.char_indices() {
        if brackets.next_if_eq(&at).is_some() {
            text.push_str("\\u005b");
        } else if is_invisible(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            text.push(c);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escaped_document_is_equal() {
        let value = serde_json::json!([
            "##[error]x",
            ["##vso[task.complete]"],
            "a\u{202e}b\u{e0001}\u{7f}",
            "ä"
        ]);
        let text = inert(&value.to_string());
        assert!(
            agent_brackets(&text).next().is_none() && !text.chars().any(is_invisible),
            "{text}"
        );
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&text).unwrap(),
            value
        );
    }
}
