//! Runs every file of `cases/` and lists the cases that fail.

use std::path::Path;

use overlay::{EditRefusal, EditResult, edit};

use crate::{
    case::{EditCase, cases},
    oracle,
};

/// The folders of `cases/`.
const TOPICS: [&str; 31] = [
    "aliases",
    "anchors",
    "chains",
    "comments",
    "create",
    "digests",
    "document-markers",
    "duplicate-entries",
    "duplicate-keys",
    "flow-style",
    "flux",
    "inline-versions",
    "invalid-text",
    "kinds",
    "look-alikes",
    "matching",
    "missing-tag",
    "names-with-tags",
    "non-ascii",
    "other-references",
    "quotes",
    "rename",
    "repeated-tags",
    "several-documents",
    "several-images",
    "tag-suffix",
    "unchanged",
    "unusual-scalars",
    "values",
    "whitespace",
    "wrong-types",
];

#[test]
fn every_case_passes() {
    assert_all(check);
}

#[test]
fn every_topic_has_a_case() {
    let mut topics: Vec<String> = Vec::new();
    for (name, _) in all() {
        let (topic, _) = name.split_once('/').expect("a topic");
        topics.push(topic.to_owned());
    }
    topics.dedup();
    assert_eq!(topics, TOPICS);
}

#[test]
fn every_case_satisfies_the_oracle() {
    assert_all(|case| {
        let Some(update) = case.updates.first() else {
            return Ok(());
        };
        oracle::check(case.before.as_bytes(), update, &case.options)
    });
}

/// Fails with the complaint about every case that the check rejects.
fn assert_all(check: impl Fn(&EditCase) -> Result<(), String>) {
    let mut failed = Vec::new();
    for (name, case) in all() {
        if let Err(complaint) = check(&case) {
            failed.push(format!("{name}: {complaint}"));
        }
    }
    assert!(
        failed.is_empty(),
        "{} failed:\n\n{}",
        failed.len(),
        failed.join("\n\n")
    );
}

/// The texts of all cases, as material for other tests.
pub(crate) fn texts() -> Vec<String> {
    all().into_iter().map(|(_, case)| case.before).collect()
}

fn all() -> Vec<(String, EditCase)> {
    cases(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases"))
}

fn check(case: &EditCase) -> Result<(), String> {
    let result = edit(case.before.as_bytes(), &case.updates, &case.options);
    let verdict = case.verdict.split(' ').next().unwrap_or_default();
    let complaint = match (verdict, result) {
        ("after", Ok(edited)) => edited_as_expected(case, &edited),
        ("unchanged", Ok(edited)) => unchanged(case, &edited),
        ("refused", Err(refusal)) => refused_as_expected(case, &refusal),
        (_, Ok(edited)) => Some(format!("was edited:\n{}", shown(&edited.text))),
        (_, Err(refusal)) => Some(format!("was refused, {}: {refusal}", refusal.kind)),
    };
    match complaint {
        Some(complaint) => Err(complaint),
        None => Ok(()),
    }
}

fn edited_as_expected(case: &EditCase, edited: &EditResult) -> Option<String> {
    if edited.text != case.expected.as_bytes() {
        return Some(format!(
            "expected:\n{}\nbut got:\n{}",
            shown(case.expected.as_bytes()),
            shown(&edited.text)
        ));
    }
    if !edited.changed {
        return Some("was not changed".to_owned());
    }
    let again = edit(&edited.text, &case.updates, &case.options);
    match again {
        Ok(EditResult { changed: false, .. }) => missing_notice(case, edited),
        again => Some(format!("a second edit gives {again:?}")),
    }
}

fn unchanged(case: &EditCase, edited: &EditResult) -> Option<String> {
    let same = !edited.changed && edited.text == case.before.as_bytes();
    if same {
        missing_notice(case, edited)
    } else {
        Some(format!("was changed:\n{}", shown(&edited.text)))
    }
}

fn missing_notice(case: &EditCase, edited: &EditResult) -> Option<String> {
    let notices: Vec<_> = edited
        .entries
        .iter()
        .flat_map(|entry| &entry.notices)
        .collect();
    let missing = case.notices.iter().find(|line| !notices.contains(line));
    missing.map(|line| format!("notice {line:?} is not among {notices:?}"))
}

/// The first line below is part of the message, the others are parts of the hint.
fn refused_as_expected(case: &EditCase, refusal: &EditRefusal) -> Option<String> {
    let found = match refusal.line {
        Some(line) => format!("refused {} line {line}", refusal.kind),
        None => format!("refused {}", refusal.kind),
    };
    let hint = refusal.hint.clone().unwrap_or_default();
    let Some((message, hints)) = case.expected.split_once('\n') else {
        return Some("the case expects no message".to_owned());
    };
    let is_expected = found == case.verdict
        && refusal.message.contains(message)
        && hints.lines().all(|words| hint.contains(words));
    (!is_expected).then(|| format!("{found}\n{}\n{hint}", refusal.message))
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .replace('\r', "␍")
        .replace('\t', "␉")
        .replace('\u{FEFF}', "⟨BOM⟩")
}
