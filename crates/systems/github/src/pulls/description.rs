//! Title and description of a pull request, as steps write and read them.

use serde_json::json;

/// The mark in the description of a pull request that a later one replaced.
pub(super) const SUPERSEDED: &str = "<!-- runbook: superseded -->";

/// Returns the line that tells later runs which files the pull request changes.
pub(super) fn marker(set: &[String]) -> String {
    format!("<!-- runbook: {} -->", json!(set))
}

/// Returns the files of a marker line.
pub(super) fn files(line: &str) -> Option<Vec<String>> {
    serde_json::from_str(line.strip_prefix("<!-- runbook: ")?.strip_suffix(" -->")?).ok()
}

/// Shortens a title to the most that GitHub stores.
pub(super) fn shortened(title: &str) -> String {
    const MAX_TITLE_LENGTH: usize = 256;
    match title.char_indices().nth(MAX_TITLE_LENGTH) {
        None => title.to_owned(),
        Some(_) => title
            .chars()
            .take(MAX_TITLE_LENGTH - 1)
            .chain(['…'])
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_shortened_to_githubs_limit() {
        assert_eq!(shortened(&"ä".repeat(300)).chars().count(), 256);
        assert_eq!(shortened(&"ä".repeat(256)), "ä".repeat(256));
    }

    #[test]
    fn marker_lines_are_read_back() {
        let set = ["a/b".to_owned(), "c, \"d\"".to_owned()];
        assert_eq!(files(&marker(&set)).unwrap(), set);
        assert_eq!(files(SUPERSEDED), None);
    }
}
