//! The test programs that Cargo builds, and their order.

use std::{
    fmt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
};

use anyhow::{Context as _, ensure};
use serde_json::Value;

/// One test program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TestProgram {
    /// The name of its target: a crate's for unit tests, a file's for the others.
    name: String,
    /// The folder of its package, in which it runs.
    pub(super) folder: PathBuf,
    /// The file that runs.
    pub(super) executable: PathBuf,
}

impl fmt::Display for TestProgram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let package = self.folder.file_name().unwrap_or_default();
        write!(f, "{}: {}", package.to_string_lossy(), self.name)
    }
}

impl TestProgram {
    /// Reads a line of Cargo's messages; those that name no test program are `None`.
    fn parse(line: &str) -> Option<Self> {
        let message: Value = serde_json::from_str(line).ok()?;
        let is_test = message.pointer("/profile/test") == Some(&Value::Bool(true));
        let text = |pointer| message.pointer(pointer).and_then(Value::as_str);
        let folder = Path::new(text("/manifest_path")?).parent()?;
        is_test.then_some(Self {
            name: text("/target/name")?.to_owned(),
            folder: folder.to_owned(),
            executable: text("/executable")?.into(),
        })
    }

    /// Its place among the programs from short to long: those that start real systems, which are
    /// the programs `real` and the whole pipelines of the package `tests`, take longest; then those
    /// that run a step many times.
    fn length(&self) -> u8 {
        match self.name.as_str() {
            "real" => 2,
            _ if self.folder.ends_with("tests") => 2,
            "cli" | "new_step" => 1,
            _ => 0,
        }
    }
}

/// Builds the tests with this `cargo test --no-run`, and returns the programs.
pub(super) fn build(cargo: &mut Command) -> anyhow::Result<Vec<TestProgram>> {
    let output = cargo
        .arg("--message-format=json-render-diagnostics")
        .stderr(Stdio::inherit())
        .output()
        .context("could not run cargo")?;
    ensure!(output.status.success(), "the tests could not be built");
    let messages = String::from_utf8_lossy(&output.stdout);
    Ok(messages.lines().filter_map(TestProgram::parse).collect())
}

/// The programs that are still to run.
#[derive(Debug)]
pub(super) struct ProgramQueue(Mutex<Vec<TestProgram>>);

impl ProgramQueue {
    /// Those that take longest come first.
    pub(super) fn new(mut programs: Vec<TestProgram>) -> Self {
        programs.sort_by_key(TestProgram::length);
        Self(Mutex::new(programs))
    }

    /// Takes the next one.
    pub(super) fn next(&self) -> Option<TestProgram> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(name: &str) -> TestProgram {
        TestProgram {
            name: name.to_owned(),
            folder: "/crates/overlay".into(),
            executable: format!("/target/{name}").into(),
        }
    }

    #[test]
    fn only_test_programs_are_read() {
        let message = |is_test| {
            format!(
                r#"{{"reason":"compiler-artifact","manifest_path":"/crates/overlay/Cargo.toml",
                "target":{{"name":"cli"}},"profile":{{"test":{is_test}}},"executable":"/target/cli"}}"#
            )
        };
        assert_eq!(TestProgram::parse(&message(true)), Some(program("cli")));
        assert_eq!(TestProgram::parse(&message(false)), None);
        assert_eq!(TestProgram::parse(r#"{"reason":"build-finished"}"#), None);
        assert_eq!(TestProgram::parse("running 3 tests"), None);
    }

    #[test]
    fn long_programs_run_first() {
        let mut pipeline = program("deploy");
        pipeline.folder = "/tests".into();
        let programs = [
            pipeline.clone(),
            program("cli"),
            program("real"),
            program("overlay"),
        ];
        let queue = ProgramQueue::new(programs.into());
        assert_eq!(queue.next(), Some(program("real")));
        assert_eq!(queue.next(), Some(pipeline));
        assert_eq!(queue.next(), Some(program("cli")));
        assert_eq!(queue.next(), Some(program("overlay")));
        assert_eq!(queue.next(), None);
    }
}
