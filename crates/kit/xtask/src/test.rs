//! `cargo xtask test`: installs programs, builds the binaries, runs every test, prints the count.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a task talks to people"
)]

mod programs;

use std::{
    ffi::OsStr,
    process::{Command, ExitCode, Output},
};

use anyhow::{Context as _, bail, ensure};

use self::programs::{ProgramQueue, TestProgram};
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
    // The tests of actions and pipelines run the binaries of this build. With the tests it is one
    // build: without them, Cargo would choose other features of the dependencies.
    succeed(cargo().args(["build", "--workspace", "--bins", "--tests", "--locked"]))?;
    let (for_cargo, for_tests) = split(further);
    let programs = programs::build(cargo().args(test_arguments(&["--no-run"], for_cargo)))?;
    let count = run_programs(ProgramQueue::new(programs), for_tests, &path)
        .plus(run_documentation(for_cargo, for_tests, &path)?);
    println!("\n{count}");
    Ok(if count.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Returns what is for Cargo, and what comes after `--` and is for the test programs.
fn split(further: &[String]) -> (&[String], &[String]) {
    let end = further
        .iter()
        .position(|argument| argument == "--")
        .unwrap_or(further.len());
    (&further[..end], further.get(end + 1..).unwrap_or_default())
}

/// Runs three programs at a time, one more than a small machine has cores: those that talk to real
/// systems mostly wait.
fn run_programs(queue: ProgramQueue, arguments: &[String], path: &OsStr) -> Count {
    std::thread::scope(|scope| {
        let workers = [(); 3].map(|()| scope.spawn(|| run_queue(&queue, arguments, path)));
        workers
            .into_iter()
            .filter_map(|worker| worker.join().ok())
            .fold(Count::default(), Count::plus)
    })
}

fn run_queue(queue: &ProgramQueue, arguments: &[String], path: &OsStr) -> Count {
    let mut count = Count::default();
    while let Some(program) = queue.next() {
        count = count.plus(run_program(&program, arguments, path));
    }
    count
}

/// Runs one program and prints its output as a whole, so that two programs do not mix theirs.
fn run_program(program: &TestProgram, arguments: &[String], path: &OsStr) -> Count {
    let started = std::time::Instant::now();
    let output = Command::new(&program.executable)
        .args(arguments)
        .current_dir(&program.folder)
        .env("CARGO_MANIFEST_DIR", &program.folder)
        .env("PATH", path)
        .output();
    let seconds = started.elapsed().as_secs();
    let heading = format!("{program} ({seconds} s)");
    match output {
        Ok(output) => count_output(&heading, &output),
        Err(error) => {
            eprintln!("error: could not run {program}: {error}");
            Count::failure()
        }
    }
}

/// Runs the examples of the documentation, unless other targets were chosen.
fn run_documentation(
    for_cargo: &[String],
    for_tests: &[String],
    path: &OsStr,
) -> anyhow::Result<Count> {
    if for_cargo.iter().any(|argument| is_target(argument)) {
        return Ok(Count::default());
    }
    let output = cargo()
        .args(test_arguments(&["--doc", "--quiet"], for_cargo))
        .arg("--")
        .args(for_tests)
        .env("PATH", path)
        .output()
        .context("could not run cargo")?;
    Ok(count_output("examples of the documentation", &output))
}

/// Prints what the tests printed, and counts it.
fn count_output(heading: &str, output: &Output) -> Count {
    let stdout = String::from_utf8_lossy(&output.stdout);
    println!("\n== {heading}\n{}", stdout.trim());
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    let mut count = Count::default();
    stdout.lines().for_each(|line| count.add(line));
    if !output.status.success() && count.failed == 0 {
        eprintln!("error: {heading} ended without a result; this counts as one failure");
        return count.plus(Count::failure());
    }
    count
}

/// Returns the arguments of Cargo: all packages, unless further arguments choose some.
fn test_arguments<'a>(own: &[&'a str], further: &'a [String]) -> Vec<&'a str> {
    let further: Vec<&str> = further.iter().map(String::as_str).collect();
    let all: &[&str] = if further.iter().any(is_package) {
        &[]
    } else {
        &["--workspace"]
    };
    [&["test", "--locked"], all, own, &further].concat()
}

fn is_package(argument: &&str) -> bool {
    argument.starts_with("-p") || argument.starts_with("--package")
}

fn is_target(argument: &str) -> bool {
    let targets = [
        "--lib",
        "--bin",
        "--test",
        "--example",
        "--bench",
        "--all-targets",
    ];
    targets.iter().any(|target| argument.starts_with(target))
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

impl Count {
    fn failure() -> Self {
        Self {
            failed: 1,
            ..Self::default()
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            ignored: self.ignored + other.ignored,
        }
    }

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
    }

    #[test]
    fn what_follows_two_dashes_is_for_the_tests() {
        let words = ["-p", "overlay", "--", "-p", "x"].map(str::to_owned);
        let (for_cargo, for_tests) = split(&words);
        assert_eq!((for_cargo, for_tests), (&words[..2], &words[3..]));
        assert_eq!(split(&words[..1]), (&words[..1], &[] as &[String]));
    }
}
