//! `cargo bench -p tests --bench bump`: what a bump costs, beside what people do today, in the same run.
//!
//! The program is the one that is shipped (profile `dist`). Times are medians of whole processes.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark fails by panicking, and prints a table"
)]

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use lab::{Remote, overlays::Overlay};
use tempfile::TempDir;

const OVERLAY: &str = "infra/argocd/overlays/prod";
/// The entry of the overlay, and what it deploys.
const ENTRY: &str = "example/dex";
const IMAGE: &str = "registry.example/example/dex";

fn main() {
    let bump = build();
    println!("{:<44} {:>12} {:>12} {:>8}", "", "bump-overlay", "peer", "ratio");
    in_place(
        "an overlay, in place (kustomize edit)",
        &Overlay::prod("sha-0").text(),
        [ENTRY, IMAGE],
        &bump,
        40,
    );
    in_place(
        "1 MiB, 5,000 images (kustomize edit)",
        &large(),
        ["registry.example/team/app4999"; 2],
        &bump,
        10,
    );
    big_repository(&bump);
}

/// Builds the program as it is shipped, and returns where it is.
fn build() -> PathBuf {
    let root = tests::root();
    let arguments = ["build", "--quiet", "--profile", "dist", "--locked", "-p", "bump-overlay"];
    assert!(Command::new(env!("CARGO")).args(arguments).current_dir(&root).status().unwrap().success());
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    target.join("dist/bump-overlay")
}

/// A kustomization of 1 MiB.
fn large() -> String {
    let mut text = "kind: Kustomization\napiVersion: kustomize.config.k8s.io/v1beta1\nimages:\n".to_owned();
    for at in 0..5_000 {
        let entry = format!("- name: registry.example/team/app{at:04}\n  newTag: sha-{at:08x}");
        text.push_str(&format!(
            "{entry:<150}# set by the pipeline, as it was asked to be done on that day\n"
        ));
    }
    text
}

/// Both edit the same file, which is fresh each time.
fn in_place(title: &str, text: &str, [entry, image]: [&str; 2], bump: &Path, times: usize) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kustomization.yaml");
    let edit = |command: &mut Command| {
        median(times, || std::fs::write(&file, text).unwrap(), || run(command.current_dir(folder.path())))
    };
    let ours = edit(Command::new(bump).args(["--overlay", ".", "--image", &format!("{image}:sha-1")]));
    let set = format!("{entry}=*:sha-1");
    let theirs = edit(Command::new(tests::tools::program("kustomize")).args(["edit", "set", "image", &set]));
    line(title, ours, theirs);
}

/// One commit on a repository of 20,000 files over HTTP, beside a shallow clone, an edit, and a push.
fn big_repository(bump: &Path) {
    let remote = Remote::with_files(20_000);
    remote.commit(
        "main",
        &[(&format!("{OVERLAY}/kustomization.yaml"), &Overlay::prod("sha-0").text(), false)],
        "start",
    );
    let git = remote.http_open();
    let mut tag = 0;
    let mut next = || {
        tag += 1;
        format!("sha-{tag}")
    };
    let ours = median(
        5,
        || git.forget_requests(),
        || {
            run(Command::new(bump).args([
                "--overlay",
                OVERLAY,
                "--image",
                &format!("{IMAGE}:{}", next()),
                "--branch",
                "main",
                "--remote",
                &git.url(),
            ]));
        },
    );
    let our_bytes = git.bytes_sent();
    let theirs = median(3, || git.forget_requests(), || clone_and_push(&git.url(), &next()));
    line("20,000 files over HTTP (git clone --depth 1)", ours, theirs);
    let (ours, theirs) = (our_bytes as f64 / 1e6, git.bytes_sent() as f64 / 1e6);
    println!("{:<44} {ours:>9.2} MB {theirs:>9.2} MB {:>8.3}", "  fetched", ours / theirs);
}

fn clone_and_push(url: &str, tag: &str) {
    let folder = TempDir::new().unwrap();
    let checkout = folder.path().join("checkout");
    let git = |arguments: &[&str]| run(Command::new("git").args(arguments).current_dir(&checkout));
    run(Command::new("git").args(["clone", "--quiet", "--depth", "1", url]).arg(&checkout));
    let kustomize = tests::tools::program("kustomize");
    run(Command::new(kustomize)
        .args(["edit", "set", "image", &format!("{ENTRY}=*:{tag}")])
        .current_dir(checkout.join(OVERLAY)));
    git(&[
        "-c",
        "user.name=bench",
        "-c",
        "user.email=bench@localhost",
        "commit",
        "--quiet",
        "--all",
        "-m",
        tag,
    ]);
    git(&["push", "--quiet", "origin", "HEAD:main"]);
}

fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&output.stderr));
}

fn median(times: usize, mut before: impl FnMut(), mut what: impl FnMut()) -> Duration {
    let mut all: Vec<Duration> = (0..times)
        .map(|_| {
            before();
            let start = Instant::now();
            what();
            start.elapsed()
        })
        .collect();
    all.sort();
    all[all.len() / 2]
}

fn line(title: &str, ours: Duration, theirs: Duration) {
    let (ours, theirs) = (ours.as_secs_f64() * 1e3, theirs.as_secs_f64() * 1e3);
    println!("{title:<44} {ours:>9.1} ms {theirs:>9.1} ms {:>8.3}", ours / theirs);
}
