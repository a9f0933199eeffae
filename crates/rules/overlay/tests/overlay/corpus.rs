//! Real files: `DEX_CORPUS=DIR cargo test -p overlay corpus -- --nocapture` reads every
//! kustomization below DIR; without the variable the texts of the cases stand in.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use overlay::{EditOptions, EntryOutcome, ImageUpdate, edit, is_kustomization, read};
use similar::{DiffTag, TextDiff};

#[test]
fn every_file_of_a_corpus_changes_by_its_line_or_refuses() {
    let mut table = BTreeMap::<String, Vec<String>>::new();
    for (name, text) in corpus() {
        table
            .entry(bump_the_first(&name, &text))
            .or_default()
            .push(name);
    }
    println!("{:>5}  outcome", "files");
    for (outcome, names) in &table {
        println!("{:>5}  {outcome}  ({})", names.len(), names[0]);
    }
    assert!(!table.is_empty(), "a corpus without files");
}

/// Returns a row of the table; panics where more changes than was asked.
fn bump_the_first(name: &str, text: &[u8]) -> String {
    let entries = match read(text) {
        Ok(entries) => entries,
        Err(refusal) => return format!("not read, {}: {}", refusal.kind, refusal.message),
    };
    let Some(first) = entries.first() else {
        return "no images".to_owned();
    };
    let repository = first
        .value
        .new_name
        .clone()
        .unwrap_or_else(|| first.name.clone());
    let has_digest = first.value.digest.is_some();
    let update = ImageUpdate {
        names: vec![repository],
        tag: Some("sha-0ddba11".to_owned()),
        digest: has_digest.then(|| format!("sha256:{}", "0".repeat(64))),
        entry: Some(first.name.clone()),
    };
    match edit(text, &[update], &EditOptions::default()) {
        Err(refusal) => format!("refused, {}: {}", refusal.kind, refusal.message),
        Ok(edited) => {
            let (removed, added) = changed_lines(text, &edited.text);
            let most = 1 + usize::from(has_digest);
            let inserts = edited.entries[0].outcome == EntryOutcome::Inserted;
            assert!(
                removed <= most && added <= most && added >= removed,
                "{name}: -{removed} +{added}"
            );
            assert!(
                inserts || added == removed,
                "{name}: {:?}, -{removed} +{added}",
                edited.entries[0].outcome
            );
            format!("{:?} -{removed} +{added}", edited.entries[0].outcome)
        }
    }
}

/// Lines without their ends: below a last line that has none, an insertion is one new line too.
fn changed_lines(old: &[u8], new: &[u8]) -> (usize, usize) {
    let lines = |text: &[u8]| {
        String::from_utf8_lossy(text)
            .lines()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let (old, new) = (lines(old), lines(new));
    let diff = TextDiff::configure()
        .diff_slices(&borrowed(&old), &borrowed(&new))
        .ops()
        .to_vec();
    let removed = diff
        .iter()
        .filter(|op| op.tag() != DiffTag::Equal)
        .map(|op| op.old_range().len());
    let added = diff
        .iter()
        .filter(|op| op.tag() != DiffTag::Equal)
        .map(|op| op.new_range().len());
    (removed.sum(), added.sum())
}

fn borrowed(lines: &[String]) -> Vec<&str> {
    lines.iter().map(String::as_str).collect()
}

fn corpus() -> Vec<(String, Vec<u8>)> {
    let Some(root) = std::env::var_os("DEX_CORPUS") else {
        return crate::cases::texts()
            .into_iter()
            .map(|text| ("case".to_owned(), text.into_bytes()))
            .collect();
    };
    let mut files = Vec::new();
    collect(Path::new(&root), &mut files);
    files.sort();
    files
        .iter()
        .map(|path| (path.display().to_string(), fs::read(path).expect("a file")))
        .collect()
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory)
        .expect("a directory")
        .map(|entry| entry.expect("an entry"))
    {
        let path = entry.path();
        let kind = entry.file_type().expect("a kind");
        if kind.is_dir() {
            collect(&path, files);
        } else if kind.is_file() && entry.file_name().to_str().is_some_and(is_kustomization) {
            files.push(path);
        }
    }
}
