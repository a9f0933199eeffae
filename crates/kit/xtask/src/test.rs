//! `cargo xtask test`: installs programs, builds the binaries, runs every test, prints the count.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a task talks to people"
)]

use std::{
    ffi::OsStr,
    io::{BufRead as _, BufReader, Write as _},
    process::{Command, ExitCode, Stdio},
};

use anyhow::{Context as _, bail, ensure};

use crate::{repository::cargo, setup};

/// Installs the programs that the tests need and runs the tests; `further` goes to `cargo test`.
pub(crate) fn run(further: &[String]) -> anyhow::Result<ExitCode> {
    let cache = setup::cache()?;
    let missing = setup::run(&cache);
    for missing in &missing {
        eprintln!("warning: {missing}");
    }
    if !missing.is_empty() && std::env::var("CI").is_ok_and(|ci| ci == "true") {
        bail!(
            "{} of the programs could not be installed, and with CI=true no test is left out",
            missing.len()
        );
    }
    let path = setup::search_path(&cache)?;
    // The tests of actions and pipelines run the binaries of this build.
    succeed(cargo().args(["build", "--workspace", "--bins", "--locked"]))?;
    // Separate from the run, so that a failed build does not count as a failed test.
    succeed(cargo().args(test_arguments(&["--no-run"], further)))?;
    let (count, success) = count(
        cargo()
            .args(test_arguments(&["--no-fail-fast"], further))
            .env("PATH", path),
    )?;
    println!("\n{count}");
    Ok(if success && count.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Returns the arguments of Cargo: all packages, unless further arguments choose some.
fn test_arguments<'a>(own: &[&'a str], further: &'a [String]) -> Vec<&'a str> {
    let further: Vec<&str> = further.iter().map(String::as_str).collect();
    let for_cargo = further.split(|argument| *argument == "--").next();
    let all: &[&str] = if for_cargo.unwrap_or_default().iter().any(is_package) {
        &[]
    } else {
        &["--workspace"]
    };
    [&["test", "--locked"], all, own, &further].concat()
}

fn is_package(argument: &&str) -> bool {
    argument.starts_with("-p") || argument.starts_with("--package")
}

fn succeed(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().context("could not run cargo")?;
    let words: Vec<&OsStr> = command.get_args().collect();
    ensure!(
        status.success(),
        "`cargo {}` failed",
        words.join(OsStr::new(" ")).to_string_lossy()
    );
    Ok(())
}

/// The numbers of tests.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Count {
    passed: usize,
    failed: usize,
    ignored: usize,
}

impl std::fmt::Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.ignored > 0 {
            write!(f, ", {} skipped", self.ignored)
        } else {
            Ok(())
        }
    }
}

/// Runs the tests, passes their output on, and returns the count and whether Cargo succeeded.
fn count(command: &mut Command) -> anyhow::Result<(Count, bool)> {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .context("could not run cargo")?;
    let stdout = BufReader::new(child.stdout.take().context("no standard output")?);
    let mut count = Count::default();
    for line in stdout.split(b'\n') {
        let line = line?;
        let mut out = std::io::stdout().lock();
        out.write_all(&line)
            .and_then(|()| out.write_all(b"\n"))
            .and_then(|()| out.flush())?;
        count.add(&String::from_utf8_lossy(&line));
    }
    let success = child.wait()?.success();
    if !success && count.failed == 0 {
        eprintln!("error: a test program ended without a result; this counts as one failure");
        count.failed = 1;
    }
    Ok((count, success))
}

impl Count {
    /// Adds one line's numbers: `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; …`.
    fn add(&mut self, line: &str) {
        let Some((_, numbers)) = line
            .strip_prefix("test result: ")
            .and_then(|rest| rest.split_once(". "))
        else {
            return;
        };
        for (number, word) in numbers
            .split(';')
            .filter_map(|part| part.trim().split_once(' '))
        {
            let number = number.parse().unwrap_or(0);
            match word {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(lines: &[&str]) -> Count {
        let mut count = Count::default();
        lines.iter().for_each(|line| count.add(line));
        count
    }

    #[test]
    fn the_count_sums_all_test_programs() {
        let count = count(&[
            "running 4 tests",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.01s",
            "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out",
        ]);
        assert_eq!(
            count,
            Count {
                passed: 4,
                failed: 2,
                ignored: 1
            }
        );
        assert_eq!(count.to_string(), "4 passed, 2 failed, 1 skipped");
    }

    #[test]
    fn output_of_a_test_is_not_counted() {
        assert_eq!(
            count(&["  test result: ok. 3 passed; 0 failed"]).to_string(),
            "0 passed, 0 failed"
        );
    }

    #[test]
    fn a_chosen_package_replaces_the_workspace() {
        let further = ["-p".to_owned(), "overlay".to_owned()];
        assert_eq!(
            test_arguments(&["--no-run"], &further),
            ["test", "--locked", "--no-run", "-p", "overlay"]
        );
        let further = ["--".to_owned(), "-p".to_owned()];
        assert_eq!(
            test_arguments(&[], &further),
            ["test", "--locked", "--workspace", "--", "-p"]
        );
    }
}
