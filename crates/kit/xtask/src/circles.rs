//! Circles of imports between the files of a crate.
//!
//! A file depends on another one by `use` and by paths in its code (`crate::a::b`, `child::f`); a
//! name that a file re-exports belongs to the file that defines it. Tests do not count.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
};

use crate::{
    circles::{
        graph::circles,
        imports::{Imports, imports},
    },
    repository::rust_files,
};

mod graph;
mod imports;

/// A module by its path below the crate: `["judge", "orbit"]`; the root has none.
type ModulePath = Vec<String>;

/// Returns the circles among the files of a crate, each as the arrows that close it.
///
/// The root of a step is its table of contents, with flags and facts that every file may name: it
/// is left out. In all other crates it counts like any file.
///
/// # Errors
/// When a file cannot be read.
pub fn of_crate(src: &Path, is_step: bool) -> io::Result<Vec<String>> {
    let mut files = BTreeMap::new();
    for file in rust_files(src)? {
        if let Some(module) = module(src, &file) {
            files.insert(module, imports(&fs::read_to_string(&file)?));
        }
    }
    let mut arrows = arrows(&files);
    if is_step {
        arrows.remove(&ModulePath::new());
    }
    Ok(circles(&arrows).iter().map(described(&arrows)).collect())
}

/// Returns the module of a file; `None` for tests and for a program beside its library.
fn module(src: &Path, file: &Path) -> Option<ModulePath> {
    let name = file.strip_prefix(src).ok()?.with_extension("");
    let mut module: ModulePath = name
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .collect();
    match module.last().map(String::as_str) {
        Some("tests") => return None,
        Some("mod") => drop(module.pop()),
        Some("lib") if module.len() == 1 => module.clear(),
        Some("main") if module.len() == 1 && src.join("lib.rs").is_file() => return None,
        Some("main") if module.len() == 1 => module.clear(),
        _ => {}
    }
    Some(module)
}

/// Returns for each file the files that it depends on.
fn arrows(files: &BTreeMap<ModulePath, Imports>) -> BTreeMap<ModulePath, BTreeSet<ModulePath>> {
    let mut arrows = BTreeMap::new();
    for (module, imports) in files {
        let paths = imports.uses.iter().chain(&imports.paths);
        let mut targets: BTreeSet<_> = paths
            .filter_map(|path| resolve(files, module, path, 0))
            .collect();
        targets.remove(module);
        arrows.insert(module.clone(), targets);
    }
    arrows
}

/// Re-exports that name each other have no end.
const MAX_DEPTH: usize = 6;

/// Returns the file that defines what a path names; `None` for another crate's.
fn resolve(
    files: &BTreeMap<ModulePath, Imports>,
    from: &ModulePath,
    path: &[String],
    depth: usize,
) -> Option<ModulePath> {
    let (mut module, mut rest) = start(files, from, path)?;
    while let [first, after @ ..] = rest {
        let child = [module.as_slice(), std::slice::from_ref(first)].concat();
        if !files.contains_key(&child) {
            break;
        }
        (module, rest) = (child, after);
    }
    let exported = rest
        .first()
        .and_then(|name| files.get(&module)?.exports.get(name));
    let defining = exported
        .filter(|_| depth < MAX_DEPTH)
        .and_then(|path| resolve(files, &module, path, depth + 1));
    Some(defining.unwrap_or(module))
}

/// Returns the module that the first words of a path mean, and the words after them.
fn start<'a>(
    files: &BTreeMap<ModulePath, Imports>,
    from: &ModulePath,
    path: &'a [String],
) -> Option<(ModulePath, &'a [String])> {
    let (first, after) = path.split_first()?;
    match first.as_str() {
        "crate" => Some((ModulePath::new(), after)),
        "self" => Some((from.clone(), after)),
        "super" => {
            let levels = path.iter().take_while(|word| *word == "super").count();
            let parent = from.get(..from.len().checked_sub(levels)?)?;
            Some((parent.to_vec(), &path[levels..]))
        }
        _ => {
            let child = [from.as_slice(), std::slice::from_ref(first)].concat();
            files.contains_key(&child).then(|| (from.clone(), path))
        }
    }
}

/// Returns how a circle is written: each of its files with those that it uses.
fn described(
    arrows: &BTreeMap<ModulePath, BTreeSet<ModulePath>>,
) -> impl Fn(&BTreeSet<ModulePath>) -> String {
    |circle| {
        let mut lines = Vec::new();
        for module in circle {
            let used = arrows[module].intersection(circle).map(name);
            lines.push(format!(
                "{} -> {}",
                name(module),
                used.collect::<Vec<_>>().join(", ")
            ));
        }
        lines.join("; ")
    }
}

fn name(module: &ModulePath) -> String {
    if module.is_empty() {
        return "the root".to_owned();
    }
    module.join("::")
}
