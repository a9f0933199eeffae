//! Every line of the threat model names tests, and these exist.

use std::fs;

use xtask::repository::root;

/// Returns the lines of all tables, without headings.
fn rows(document: &str) -> Vec<&str> {
    let rows = document.lines().filter(|line| line.starts_with("| "));
    rows.filter(|line| !line.ends_with("| Test |")).collect()
}

/// Returns the named tests of a row: file and function.
///
/// The last cell is `file`: `function`, `function`; and so on.
fn tests(row: &str) -> Vec<(String, String)> {
    let cell = row.trim_end_matches(" |").rsplit(" | ").next();
    let mut file = String::new();
    let mut tests = Vec::new();
    for code in cell.unwrap_or_default().split('`').skip(1).step_by(2) {
        if code.contains('/') {
            code.clone_into(&mut file);
        } else {
            tests.push((file.clone(), code.to_owned()));
        }
    }
    tests
}

fn exists(file: &str, test: &str) -> bool {
    let source = fs::read_to_string(root().join(file)).unwrap_or_default();
    source.contains(&format!("fn {test}("))
}

#[test]
fn no_line_is_without_its_test() {
    let document = fs::read_to_string(root().join(".github/SECURITY.md")).unwrap();
    let rows = rows(&document);
    assert!(rows.len() > 20, "only {} lines", rows.len());
    for row in rows {
        let tests = tests(row);
        assert!(!tests.is_empty(), "no test: {row}");
        for (file, test) in tests {
            assert!(exists(&file, &test), "there is no `{test}` in `{file}`");
        }
    }
}

#[test]
fn a_row_names_several_tests() {
    let row = "| Text `a` | It is redacted | `x/a.rs`: `one`, `two`; `x/b.rs`: `three` |";
    let pair = |file: &str, test: &str| (file.to_owned(), test.to_owned());
    assert_eq!(
        tests(row),
        [
            pair("x/a.rs", "one"),
            pair("x/a.rs", "two"),
            pair("x/b.rs", "three")
        ]
    );
    assert!(!exists("crates/kit/xtask/tests/security.rs", "four"));
}
