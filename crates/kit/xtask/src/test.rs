//! `cargo xtask test`: set-up, the binaries, every test, one line that counts.

use std::{
    ffi::OsStr,
    io::{BufRead as _, BufReader, Write as _},
    process::{Command, ExitCode, Stdio},
};

use anyhow::{Context as _, bail, ensure};

use crate::{cargo, setup};

/// Sets up what the tests need and runs them; `further` goes to `cargo test`.
pub(crate) fn run(further: &[String]) -> anyhow::Result<ExitCode> {
    let cache = setup::cache()?;
    let missing = setup::run(&cache);
    for missing in &missing {
        eprintln!("warning: {missing}");
    }
    if !missing.is_empty() && std::env::var("CI").is_ok_and(|ci| ci == "true") {
        bail!(
            "{} of the tools could not be set up, and with CI=true nothing is left out",
            missing.len()
        );
    }
    let path = setup::search_path(&cache)?;
    // The tests of the actions and of the pipelines run the binaries as they are shipped.
    succeed(cargo().args(["build", "--workspace", "--bins", "--locked"]))?;
    // Apart from the run, so that a failed build is never counted as a failed test.
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

fn test_arguments<'a>(own: &[&'a str], further: &'a [String]) -> Vec<&'a str> {
    let is_package =
        |argument: &str| argument.starts_with("-p") || argument.starts_with("--package");
    let further: Vec<&str> = further.iter().map(String::as_str).collect();
    let chosen = further
        .iter()
        .take_while(|argument| **argument != "--")
        .any(|argument| is_package(argument));
    let all: &[&str] = if chosen { &[] } else { &["--workspace"] };
    [&["test", "--locked"], all, own, &further].concat()
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

/// How many tests there were.
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

/// Runs the tests, passes on what they say, and returns the count and whether Cargo was content.
fn count(command: &mut Command) -> anyhow::Result<(Count, bool)> {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .context("could not run cargo")?;
    let said = BufReader::new(child.stdout.take().context("a pipe that we asked for")?);
    let mut count = Count::default();
    for line in said.split(b'\n') {
        let line = line?;
        let mut out = std::io::stdout().lock();
        out.write_all(&line)
            .and_then(|()| out.write_all(b"\n"))
            .and_then(|()| out.flush())?;
        count.add(&String::from_utf8_lossy(&line));
    }
    let success = child.wait()?.success();
    if !success && count.failed == 0 {
        eprintln!("error: a test program ended without a result; it counts as one failure");
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
    fn the_count_is_the_sum_over_all_test_programs() {
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
    fn what_a_test_prints_is_not_counted() {
        assert_eq!(
            count(&["  test result: ok. 3 passed; 0 failed"]).to_string(),
            "0 passed, 0 failed"
        );
    }

    #[test]
    fn a_package_of_choice_replaces_the_workspace() {
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
