//! Real overlays, from the directory that `DEX_CORPUS` names.

use std::{fs, path::PathBuf};

use super::{bump, remote};

/// Returns the overlays of `$DEX_CORPUS/dex/*/infra/argocd/overlays/*`, with their texts.
fn overlays() -> Vec<(String, String)> {
    let Some(corpus) = std::env::var_os("DEX_CORPUS").map(PathBuf::from) else {
        return Vec::new();
    };
    let below = |folder: PathBuf| {
        fs::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
    };
    let environments =
        below(corpus.join("dex")).flat_map(|moment| below(moment.join("infra/argocd/overlays")));
    let files = environments
        .map(|folder| folder.join("kustomization.yaml"))
        .filter(|path| path.is_file());
    let named = files.map(|path| {
        let name = path.strip_prefix(&corpus).unwrap().display().to_string();
        (name, fs::read_to_string(path).unwrap())
    });
    named.collect()
}

/// Returns what the first entry deploys: its `newName`, else its `name`.
fn image(text: &str) -> Option<String> {
    let images = text.split_once("\nimages:")?.1;
    let value = |key: &str| {
        let line = images
            .lines()
            .find_map(|line| line.trim_start_matches(['-', ' ']).strip_prefix(key))?;
        Some(line.split('#').next()?.trim().to_owned())
    };
    value("newName:").or_else(|| value("name:"))
}

#[test]
fn one_line_of_every_overlay_in_use_changes() {
    for (path, text) in overlays() {
        let Some(image) = image(&text) else { continue };
        let remote = remote();
        remote.commit("main", &[(&path, &text, false)], "feat: as it is\n");
        let command = bump().args([
            "--overlay",
            &path,
            "--image",
            &format!("{image}:sha-0123abcd"),
        ]);
        let run = command
            .args(["--branch", "main", "--format", "json", "--remote"])
            .arg(remote.path())
            .run();
        run.expect_code(0);
        assert_eq!(run.json()["facts"]["lines"], 1, "{path}\n{run}");
        println!("{path}: {}", run.json()["summary"]);
        remote.fsck();
    }
}
