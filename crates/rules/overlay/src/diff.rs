//! The difference between two texts, for people.

use similar::{DiffOp, TextDiff};

/// The difference between two texts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diff {
    /// The number of changed lines; a replaced line counts once.
    pub lines: usize,
    /// The unified diff.
    pub text: String,
}

impl Diff {
    /// Compares two texts of a file. The editor has already refused bytes that are not UTF-8.
    pub fn between(path: &str, old: &[u8], new: &[u8]) -> Self {
        if old == new {
            return Self::default();
        }
        let (old, new) = (String::from_utf8_lossy(old), String::from_utf8_lossy(new));
        let diff = TextDiff::from_lines(old.as_ref(), new.as_ref());
        let lines = diff.ops().iter().map(|op| match op {
            DiffOp::Equal { .. } => 0,
            _ => op.old_range().len().max(op.new_range().len()),
        });
        // As git does: a tab ends a path with a blank, which `patch` would cut at the blank.
        let end = if path.contains(' ') { "\t" } else { "" };
        let (from, to) = (format!("a/{path}{end}"), format!("b/{path}{end}"));
        let text = diff
            .unified_diff()
            .context_radius(3)
            .header(&from, &to)
            .to_string();
        Self {
            lines: lines.sum(),
            text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_a_blank_ends_with_a_tab() {
        let header = |path: &str| {
            let text = Diff::between(path, b"a\n", b"b\n").text;
            text.lines().take(2).collect::<Vec<_>>().join("|")
        };
        assert_eq!(
            header("a b/k.yaml"),
            "--- a/a b/k.yaml\t|+++ b/a b/k.yaml\t"
        );
        assert_eq!(header("a/k.yaml"), "--- a/a/k.yaml|+++ b/a/k.yaml");
    }
}
