//! git, without the settings of this machine.

use std::path::Path;
use std::process::{Command, Stdio};

/// The date of the first commit; each further one is a minute later.
pub(super) const FIRST_DATE: u64 = 1_735_689_600;

/// Returns git with no settings but the repository's own, and a fixed author and date.
pub(super) fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.args(args).current_dir(folder).env_clear();
    command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    command
        .env("LANG", "C.UTF-8")
        .env("HOME", folder)
        .env("GIT_TERMINAL_PROMPT", "0");
    command
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1");
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "Somebody");
        command.env(format!("GIT_{who}_EMAIL"), "somebody@example.com");
        command.env(format!("GIT_{who}_DATE"), format!("{FIRST_DATE} +0000"));
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs git and returns its output, or why it failed.
pub(super) fn attempt(folder: &Path, args: &[&str]) -> Result<Vec<u8>, String> {
    let output = command(folder, args).output().expect("`git` on PATH");
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("git {}: {said}", args.join(" ")))
}

pub(super) fn git(folder: &Path, args: &[&str]) -> String {
    let said = attempt(folder, args).unwrap_or_else(|error| panic!("{error}"));
    String::from_utf8_lossy(&said).into_owned()
}

pub(super) fn try_git(folder: &Path, args: &[&str]) -> Option<Vec<u8>> {
    attempt(folder, args).ok()
}

/// Runs git with an input.
pub(super) fn run(folder: &Path, args: &[&str], input: Vec<u8>) {
    let mut file = tempfile::tempfile().expect("a temporary file");
    std::io::Write::write_all(&mut file, &input).expect("a temporary file");
    std::io::Seek::rewind(&mut file).expect("a temporary file");
    let output = command(folder, args)
        .stdin(file)
        .output()
        .expect("`git` on PATH");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {}: {said}", args.join(" "));
}
