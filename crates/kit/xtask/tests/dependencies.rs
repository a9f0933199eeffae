//! Every dependency of the workspace has a user, and is built once.
//!
//! cargo-machete finds unused dependencies of packages, but not of the table that they share.

use std::{collections::BTreeSet, fs, process::Command};

use xtask::repository::{packages, root};

/// Returns the names in a table of a manifest.
fn names<'a>(manifest: &'a str, table: &str) -> Vec<&'a str> {
    let start = manifest
        .find(table)
        .map_or(manifest.len(), |at| at + table.len());
    let lines = manifest[start..]
        .lines()
        .take_while(|line| !line.starts_with('['));
    lines
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(" = ").map(|(name, _)| name))
        .collect()
}

/// Returns the names in the shared table that no manifest mentions.
fn unused<'a>(workspace: &'a str, manifests: &[String]) -> Vec<&'a str> {
    let is_used = |name: &&str| {
        let starts = [
            format!("{name}.workspace ="),
            format!("{name} = {{ workspace"),
        ];
        let mut lines = manifests.iter().flat_map(|manifest| manifest.lines());
        lines.any(|line| starts.iter().any(|start| line.starts_with(start)))
    };
    let mut names = names(workspace, "\n[workspace.dependencies]\n");
    names.retain(|name| !is_used(name));
    names
}

#[test]
fn every_shared_dependency_has_a_user() {
    let workspace = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let manifests: Vec<String> = packages(&root())
        .unwrap()
        .iter()
        .map(|package| root().join(&package.folder).join("Cargo.toml"))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    assert!(manifests.len() > 10, "only {} packages", manifests.len());
    assert_eq!(unused(&workspace, &manifests), Vec::<&str>::new());
}

#[test]
fn a_dependency_without_a_user_is_found() {
    let workspace = "[workspace]\n[workspace.dependencies]\n# Text.\nanyhow = \"1\"\nserde = { version = \"1\" }\n\
        serde_json = \"1\"\n\n[profile.dev]\ndebug = 1\n";
    let manifests = ["anyhow.workspace = true\nserde_json = { workspace = true }\n".to_owned()];
    assert_eq!(unused(workspace, &manifests), ["serde"]);
}

/// Returns every package of a build with the features that Cargo chooses for it.
fn features(arguments: &[&str]) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--prefix=none", "--format={p} {f}"])
        .args(arguments)
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("names are text");
    let lines = text.lines();
    lines
        .map(|line| line.trim_end_matches(" (*)").to_owned())
        .collect()
}

/// A package with other features is built a second time, with all that depend on it.
#[test]
fn xtask_shares_one_build_with_all_tests() {
    let xtask = features(&["--package=xtask", "--edges=normal,build"]);
    let tests = features(&["--workspace", "--edges=normal,build,dev"]);
    assert!(xtask.len() > 100, "only {} packages", xtask.len());
    assert_eq!(
        xtask.difference(&tests).collect::<Vec<_>>(),
        Vec::<&String>::new()
    );
}
