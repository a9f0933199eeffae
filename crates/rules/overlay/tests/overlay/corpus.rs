//! Real files: `DEX_CORPUS=DIR cargo test -p overlay corpus -- --nocapture` reads every
//! kustomization below DIR; without the variable the test uses the texts of the cases.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use overlay::{EditOptions, EntryOutcome, ImageUpdate, edit, is_kustomization, read};
use similar::{DiffTag, TextDiff};

#[test]
fn real_files_change_by_one_line_or_refuse() {
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

/// Returns a row of the table; panics if the edit changes more than requested.
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

/// Counts removed and added lines without their ends: an insertion below an unfinished last line is
/// one line too.
fn changed_lines(old: &[u8], new: &[u8]) -> (usize, usize) {
    let (old, new) = (String::from_utf8_lossy(old), String::from_utf8_lossy(new));
    let (old, new): (Vec<_>, Vec<_>) = (old.lines().collect(), new.lines().collect());
    let diff = TextDiff::configure().diff_slices(&old, &new);
    let (mut removed, mut added) = (0, 0);
    for op in diff.ops() {
        if op.tag() != DiffTag::Equal {
            removed += op.old_range().len();
            added += op.new_range().len();
        }
    }
    (removed, added)
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
    for entry in fs::read_dir(directory).expect("a directory") {
        let entry = entry.expect("an entry");
        let path = entry.path();
        let kind = entry.file_type().expect("a kind");
        if kind.is_dir() {
            collect(&path, files);
        } else if kind.is_file() && entry.file_name().to_str().is_some_and(is_kustomization) {
            files.push(path);
        }
    }
}
