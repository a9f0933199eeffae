//! Runs every file of `cases/` and says which ones do not hold.

use std::path::Path;

use overlay::{EditRefusal, EditResult, edit};

use crate::{
    case::{Case, cases},
    oracle,
};

#[test]
fn every_case_holds() {
    let broken: Vec<String> = all()
        .iter()
        .filter_map(|(name, case)| check(name, case).err())
        .collect();
    assert!(
        broken.is_empty(),
        "{} broken:\n\n{}",
        broken.len(),
        broken.join("\n\n")
    );
}

#[test]
fn every_row_of_the_case_table_has_a_case() {
    let cases = all();
    // S23, S26, S31, S32, E26: what belongs to files, not to their text.
    let rows = (1..=34)
        .filter(|row| ![23, 26, 31, 32].contains(row))
        .map(|row| format!("S{row:02}-"));
    let missing: Vec<_> = rows
        .filter(|row| !cases.iter().any(|(name, _)| name.starts_with(row)))
        .collect();
    assert!(missing.is_empty(), "no case for {missing:?}");
}

#[test]
fn what_holds_of_every_edit_holds_of_every_case() {
    let judged = |(name, case): &(String, Case)| {
        let complaint =
            oracle::check(case.before.as_bytes(), case.updates.first()?, &case.options).err()?;
        Some(format!("{name}: {complaint}"))
    };
    let broken: Vec<String> = all().iter().filter_map(judged).collect();
    assert!(
        broken.is_empty(),
        "{} broken:\n\n{}",
        broken.len(),
        broken.join("\n\n")
    );
}

/// The texts of all cases, as material for other tests.
pub(crate) fn texts() -> Vec<String> {
    all().into_iter().map(|(_, case)| case.before).collect()
}

fn all() -> Vec<(String, Case)> {
    cases(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases"))
}

fn check(name: &str, case: &Case) -> Result<(), String> {
    let result = edit(case.before.as_bytes(), &case.updates, &case.options);
    let verdict = case.verdict.split(' ').next().unwrap_or_default();
    let complaint = match (verdict, result) {
        ("after", Ok(edited)) => edited_as_expected(case, &edited),
        ("unchanged", Ok(edited)) => unchanged(case, &edited),
        ("refused", Err(refusal)) => refused_as_expected(case, &refusal),
        (_, Ok(edited)) => Some(format!("was edited:\n{}", shown(&edited.text))),
        (_, Err(refusal)) => Some(format!("was refused, {}: {refusal}", refusal.kind)),
    };
    complaint.map_or(Ok(()), |complaint| Err(format!("{name}: {complaint}")))
}

fn edited_as_expected(case: &Case, edited: &EditResult) -> Option<String> {
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
    let settled = again.as_ref().is_ok_and(|again| !again.changed);
    missing_notice(case, edited)
        .or_else(|| (!settled).then(|| format!("a second edit gives {again:?}")))
}

fn unchanged(case: &Case, edited: &EditResult) -> Option<String> {
    let same = !edited.changed && edited.text == case.before.as_bytes();
    if same {
        missing_notice(case, edited)
    } else {
        Some(format!("was changed:\n{}", shown(&edited.text)))
    }
}

fn missing_notice(case: &Case, edited: &EditResult) -> Option<String> {
    let notices: Vec<_> = edited
        .entries
        .iter()
        .flat_map(|entry| &entry.notices)
        .collect();
    let missing = case.notices.iter().find(|line| !notices.contains(line));
    missing.map(|line| format!("notice {line:?} is not among {notices:?}"))
}

/// The first line below is part of the message, the others are parts of the hint.
fn refused_as_expected(case: &Case, refusal: &EditRefusal) -> Option<String> {
    let line = refusal
        .line
        .map_or(String::new(), |line| format!(" line {line}"));
    let found = format!("refused {}{line}", refusal.kind);
    let hint = refusal.hint.clone().unwrap_or_default();
    let mut words = case.expected.lines();
    let holds = words
        .next()
        .is_some_and(|words| refusal.message.contains(words));
    let hinted = words.all(|words| hint.contains(words));
    (found != case.verdict || !holds || !hinted)
        .then(|| format!("{found}\n{}\n{hint}", refusal.message))
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .replace('\r', "␍")
        .replace('\t', "␉")
        .replace('\u{FEFF}', "⟨BOM⟩")
}
