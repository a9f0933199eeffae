//! This repository on the disk, its packages, and Cargo to build it.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, ensure};
use serde_json::Value;

/// Returns the root of the repository, whatever the current folder is.
///
/// # Panics
/// If the repository is gone.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../..")
        .canonicalize()
        .expect("the repository of this program")
}

/// Returns Cargo for the repository.
#[cfg(feature = "steps")]
pub(crate) fn cargo() -> Command {
    cargo_in(&root())
}

/// Returns Cargo without the variables that `cargo run` sets for this program: some build scripts
/// (ring's) run again whenever they change.
pub(crate) fn cargo_in(folder: &Path) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(folder);
    let set_by_cargo = [
        "CARGO_PKG_",
        "CARGO_MANIFEST_",
        "CARGO_BIN_",
        "CARGO_CRATE_",
        "CARGO_PRIMARY_",
    ];
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if set_by_cargo.iter().any(|prefix| name.starts_with(prefix)) {
            cargo.env_remove(name.as_ref());
        }
    }
    cargo
}

/// Returns the folder that Cargo builds into.
#[cfg(feature = "steps")]
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// One package of the workspace.
#[derive(Debug, Clone)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its folder, from the root of the repository.
    pub folder: String,
    /// The packages of the workspace that it uses.
    pub uses: Vec<Use>,
}

/// One package uses another one.
#[derive(Debug, Clone)]
pub struct Use {
    /// The folder of the other one.
    pub folder: String,
    /// Whether only tests use it.
    pub in_tests: bool,
}

/// Returns the packages of the workspace, in the order of their folders.
///
/// # Errors
/// When `cargo metadata` fails; `Cargo.lock` has to be current.
pub fn packages(root: &Path) -> anyhow::Result<Vec<Package>> {
    let metadata = metadata(root)?;
    let root = metadata["workspace_root"].as_str().unwrap_or_default();
    let all = list(&metadata["packages"]);
    let mut packages: Vec<Package> = all.iter().map(|value| package(value, root)).collect();
    packages.sort_by_key(|package| package.folder.clone());
    Ok(packages)
}

fn metadata(root: &Path) -> anyhow::Result<Value> {
    let mut cargo = cargo_in(root);
    let output = cargo
        .args(["metadata", "--no-deps", "--locked", "--format-version", "1"])
        .output()
        .context("could not run cargo")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "`cargo metadata` failed: {said}");
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn package(value: &Value, root: &str) -> Package {
    let manifest = value["manifest_path"].as_str().unwrap_or_default();
    let mut uses = Vec::new();
    for dependency in list(&value["dependencies"]) {
        // Only packages of the workspace have a path.
        if let Some(path) = dependency["path"].as_str() {
            uses.push(Use {
                folder: below(root, path),
                in_tests: dependency["kind"] == "dev",
            });
        }
    }
    Package {
        name: value["name"].as_str().unwrap_or_default().to_owned(),
        folder: below(root, manifest.trim_end_matches("/Cargo.toml")),
        uses,
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn below(root: &str, path: &str) -> String {
    let path = path.strip_prefix(root).unwrap_or(path);
    path.trim_start_matches('/').to_owned()
}

/// Returns all Rust files below a folder, in order.
///
/// # Errors
/// When a folder cannot be read.
pub fn rust_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for name in file_names(folder)? {
        let path = folder.join(name);
        if path.is_dir() {
            files.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(files)
}

/// Returns the names in a folder, in order.
pub(crate) fn file_names(folder: &Path) -> io::Result<BTreeSet<String>> {
    fs::read_dir(folder)?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect()
}
