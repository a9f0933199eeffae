//! What is written into a pull request, and read from it again.

use serde_json::json;

/// What the description of a pull request has that another one replaced.
pub(super) const SUPERSEDED: &str = "<!-- runbook: superseded -->";

/// Returns the line by which later runs know what is proposed.
pub(super) fn marker(set: &[String]) -> String {
    format!("<!-- runbook: {} -->", json!(set))
}

/// Reads such a line.
pub(super) fn files(line: &str) -> Option<Vec<String>> {
    serde_json::from_str(line.strip_prefix("<!-- runbook: ")?.strip_suffix(" -->")?).ok()
}

/// GitHub has no longer titles.
pub(super) fn shortened(title: &str) -> String {
    const LONGEST: usize = 256;
    match title.char_indices().nth(LONGEST) {
        None => title.to_owned(),
        Some(_) => title.chars().take(LONGEST - 1).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_as_long_as_github_has_it() {
        assert_eq!(shortened(&"ä".repeat(300)).chars().count(), 256);
        assert_eq!(shortened(&"ä".repeat(256)), "ä".repeat(256));
    }

    #[test]
    fn the_set_is_read_as_it_was_written() {
        let set = ["a/b".to_owned(), "c, \"d\"".to_owned()];
        assert_eq!(files(&marker(&set)).unwrap(), set);
        assert_eq!(files(SUPERSEDED), None);
    }
}
