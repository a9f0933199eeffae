//! Escapes text from outside, so that it cannot steer a terminal or a runner.

/// Returns a text that stays on its line and cannot steer a terminal: control characters, and with
/// them ANSI sequences, become spaces.
pub(crate) fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() && c != '\t' { ' ' } else { c })
        .collect()
}

/// Returns a line that no runner takes for a command: `::x` counts at the start of a line, `##[x`
/// anywhere in it. An invisible zero-width space breaks them.
pub(crate) fn harmless(text: &str) -> String {
    let line = one_line(text).replace("##[", "##\u{200b}[");
    if line.trim_start().starts_with("::") {
        line.replacen("::", ":\u{200b}:", 1)
    } else {
        line
    }
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
