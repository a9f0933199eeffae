//! The binary: exit codes, first lines, JSON, and the content of the branch afterwards.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod bad_input;
mod branch;
mod checkout;
mod corpus;
mod editing;
mod flags;
mod freeze;
mod github;
mod guards;
mod history;
mod kills;
mod pull_requests;
mod remotes;
mod replay;
mod secrets;

use lab::{
    GitRemote, ProgramRun,
    overlays::{self, SampleOverlay},
};

/// Where the overlays of the tests are.
const STAGE: &str = "infra/argocd/overlays/stage/kustomization.yaml";
const PROD: &str = "infra/argocd/overlays/prod/kustomization.yaml";

/// The tag that is deployed, and the image to deploy.
const OLD: &str = "sha-9b04d52a";
const NEW: &str = "registry.example/example/dex:sha-51c0cc9c";

fn bump() -> lab::HermeticCommand {
    lab::HermeticCommand::new(env!("CARGO_BIN_EXE_bump-overlay"))
}

/// A remote with stage and prod on `main`; prod is executable.
fn remote() -> GitRemote {
    started(true)
}

/// A remote without executable files, which the API can write.
fn ordinary() -> GitRemote {
    started(false)
}

fn started(executable: bool) -> GitRemote {
    let remote = GitRemote::new();
    let (stage, prod) = (
        SampleOverlay::stage(OLD).text(),
        SampleOverlay::prod(OLD).text(),
    );
    remote.commit(
        "main",
        &[(STAGE, &stage, false), (PROD, &prod, executable)],
        "feat: start\n",
    );
    remote
}

/// Runs ten writers at once, each with its own overlay; all of them land, in a linear history.
fn ten_writers(remote: &GitRemote, writer: impl Fn(lab::HermeticCommand) -> lab::HermeticCommand) {
    let paths: Vec<String> = (0..10)
        .map(|n| format!("overlays/e{n}/kustomization.yaml"))
        .collect();
    let text = SampleOverlay::dev(OLD).text();
    let files: Vec<_> = paths
        .iter()
        .map(|path| (path.as_str(), text.as_str(), false))
        .collect();
    remote.commit("main", &files, "feat: start\n");
    let flags = |path| ["--overlay", path, "--image", NEW, "--branch", "main"];
    let writers: Vec<_> = paths
        .iter()
        .map(|path| writer(bump().args(flags(path))).spawn())
        .collect();
    for writer in writers {
        writer.wait().expect_code(0);
    }
    let log = remote.log("main");
    assert_eq!(log.len(), 11);
    assert!(log[..10].iter().all(|commit| commit.parents.len() == 1));
    assert!(
        paths
            .iter()
            .all(|path| remote.file("main", path) == Some(overlays::dev("sha-51c0cc9c")))
    );
    remote.fsck();
}

/// Stage and prod on `main` of the remote.
fn both(remote: &GitRemote) -> lab::HermeticCommand {
    on(remote, &["stage", "prod"])
}

fn on(remote: &GitRemote, environments: &[&str]) -> lab::HermeticCommand {
    at(&remote.path().display().to_string(), environments)
}

/// These environments on `main` of the remote at this address.
fn at(url: &str, environments: &[&str]) -> lab::HermeticCommand {
    writing(&["--remote", url], environments)
}

/// These environments on `main` of the remote that these flags name.
fn writing(flags: &[&str], environments: &[&str]) -> lab::HermeticCommand {
    let command = bump()
        .args(["--image", NEW, "--branch", "main"])
        .args(flags);
    environments.iter().fold(command, |command, environment| {
        command.args([
            "--overlay".to_owned(),
            format!("infra/argocd/overlays/{environment}"),
        ])
    })
}

/// Returns the output for people, without everything that differs from run to run.
fn said(run: &ProgramRun, remote: &GitRemote) -> String {
    let mut text = tidy(&run.stderr).replace(&remote.path().display().to_string(), "REMOTE");
    for commit in remote.log("main") {
        text = text
            .replace(&commit.id, "COMMIT")
            .replace(&commit.id[..8], "COMMIT");
    }
    text
}

/// Removes blanks at the ends of lines, which do not belong in a snapshot.
fn tidy(text: &str) -> String {
    text.lines()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect()
}

/// Returns the first line after those about waiting, which people read first.
fn first_line(run: &ProgramRun, remote: &GitRemote) -> String {
    said(run, remote)
        .lines()
        .find(|line| !line.starts_with('['))
        .unwrap_or_default()
        .to_owned()
}

/// Asserts that no temporary file is left.
fn left_nothing(command: &lab::HermeticCommand) {
    let left: Vec<_> = std::fs::read_dir(command.temp()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}
