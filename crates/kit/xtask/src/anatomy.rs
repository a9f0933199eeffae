//! The anatomy of a step: the same files in every `crates/steps/<step>/src`, and which are pure.

use std::{collections::BTreeSet, fs, io, path::Path};

use crate::{
    repository::{file_names, rust_files},
    source::{SourceToken, tokens},
};

/// The files that every step has at the top of `src`.
pub const FILES: [&str; 7] = [
    "lib.rs",
    "main.rs",
    "request.rs",
    "reasons.rs",
    "observe.rs",
    "judge.rs",
    "report.rs",
];

/// The file of steps that write.
pub const WRITE: &str = "write.rs";

/// Files that hold functions of values: they, and the files below them, do not name `World`.
const PURE: [&str; 2] = ["judge", "report"];

/// Returns what is wrong with the step that has this `src`, a sentence for each violation.
///
/// # Errors
/// When a file cannot be read.
pub fn violations(src: &Path) -> io::Result<Vec<String>> {
    let step = src.parent().and_then(Path::file_name).unwrap_or_default();
    let step = step.to_string_lossy();
    let entries = file_names(src)?;
    let mut found = Vec::new();
    for file in FILES {
        if !entries.contains(file) {
            found.push(format!("{step}: `src/{file}` is missing"));
        }
    }
    for name in &entries {
        let is_folder = src.join(name).is_dir();
        if let Some(violation) = misplaced(name, is_folder, &entries) {
            found.push(format!("{step}: {violation}"));
        }
    }
    for file in rust_files(src)? {
        let name = file.strip_prefix(src).unwrap_or(&file);
        if is_pure(name) {
            let lines = lines_with_world(&fs::read_to_string(&file)?);
            let name = name.display();
            found.extend(lines.into_iter().map(|line| {
                format!("{step}: `src/{name}` names `World` in line {line}: it is to be pure")
            }));
        }
    }
    Ok(found)
}

/// Returns why this entry of `src` may not be there, if so.
fn misplaced(name: &str, is_folder: bool, entries: &BTreeSet<String>) -> Option<String> {
    let is_of_the_anatomy = |file: &str| FILES.contains(&file) || file == WRITE;
    if !is_folder {
        return (!is_of_the_anatomy(name)).then(|| {
            format!("`src/{name}` is not of the anatomy: move it below the file that uses it")
        });
    }
    let file = format!("{name}.rs");
    if matches!(name, "lib" | "main") || !is_of_the_anatomy(&file) {
        return Some(format!("the folder `src/{name}` is not of the anatomy"));
    }
    (!entries.contains(&file)).then(|| format!("the folder `src/{name}` has no `src/{file}`"))
}

fn is_pure(file: &Path) -> bool {
    let top = file.iter().next().map(Path::new).unwrap_or(file);
    let stem = top.file_stem().unwrap_or_default().to_string_lossy();
    PURE.contains(&stem.as_ref())
}

/// Returns the lines that name `World`, a test's included: a pure function is tested with values.
fn lines_with_world(text: &str) -> Vec<usize> {
    let named = |(line, token): (usize, SourceToken)| token.is("World").then_some(line);
    tokens(text).into_iter().filter_map(named).collect()
}
