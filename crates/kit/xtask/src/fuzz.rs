//! `cargo xtask fuzz`: libFuzzer searches for a text on which the overlay editor fails.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a task talks to people"
)]

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, ensure};

use crate::repository::{cargo, root, target};

/// The flags of `cargo fuzz`, which count the places that an input reaches; stable Rust has them
/// all.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing";

/// How the lines start that libFuzzer prints while all is well.
const CHATTER: [&str; 7] = [
    "WARNING: Failed to find function",
    "INFO: ",
    "\tNEW_FUNC",
    "###### ",
    "Dictionary: ",
    "\"",
    "stat::",
];

/// How the line starts that says how many inputs were run.
const INPUTS: &str = "stat::number_of_executed_units:";

/// How long to search, and where to start.
#[derive(Debug, clap::Args)]
pub(crate) struct FuzzOptions {
    /// How long to search
    #[arg(long, default_value = "30", value_name = "N")]
    seconds: u64,
    /// Stop after this many inputs, whatever the time
    #[arg(long, conflicts_with = "seconds", value_name = "N")]
    inputs: Option<u64>,
    /// Start with this number, to repeat a run [default: another one each time]
    #[arg(long, value_name = "N")]
    seed: Option<u32>,
    /// Run this input alone, such as one that an earlier run has left
    #[arg(value_name = "FILE")]
    input: Option<PathBuf>,
}

/// Builds the target with coverage, and runs it.
pub(crate) fn run(options: &FuzzOptions) -> anyhow::Result<ExitCode> {
    let folder = target().join("fuzz-inputs");
    fs::create_dir_all(&folder)
        .with_context(|| format!("could not make `{}`", folder.display()))?;
    let mut fuzz = cargo();
    fuzz.args(["run", "--quiet", "--locked", "--profile", "fuzz"])
        // With a target of its own, build scripts are built without the flags.
        .args(["--target", "host-tuple"])
        .args(["-p", "overlay-fuzz", "--bin", "edit", "--"])
        .env("RUSTFLAGS", FLAGS);
    match &options.input {
        Some(input) => run_one(fuzz.arg(input)),
        None => search(&mut fuzz, options, &folder),
    }
}

fn run_one(fuzz: &mut Command) -> anyhow::Result<ExitCode> {
    let status = fuzz.status().context("could not run cargo")?;
    Ok(exit_code(status.success()))
}

fn exit_code(is_success: bool) -> ExitCode {
    if is_success {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn search(fuzz: &mut Command, options: &FuzzOptions, folder: &Path) -> anyhow::Result<ExitCode> {
    let seed = options.seed.unwrap_or_else(any_number);
    println!("seed {seed}");
    let mut child = fuzz
        .args(flags(seed, options))
        .arg(folder)
        .stderr(Stdio::piped())
        .spawn()
        .context("could not run cargo")?;
    let stderr = child.stderr.take().context("no standard error")?;
    let count = relay(BufReader::new(stderr))?;
    let status = child.wait().context("could not wait for libFuzzer")?;
    let outcome = if status.success() {
        "none failed"
    } else {
        "the last one failed"
    };
    println!("{count} inputs, {outcome}");
    ensure!(!status.success() || count > 0, "no input was run");
    Ok(exit_code(status.success()))
}

fn flags(seed: u32, options: &FuzzOptions) -> Vec<String> {
    let end = match options.inputs {
        Some(count) => format!("-runs={count}"),
        None => format!("-max_total_time={}", options.seconds),
    };
    let words = root().join("crates/rules/overlay/fuzz/words.dict");
    vec![
        format!("-seed={seed}"),
        end,
        "-timeout=10".to_owned(),
        "-verbosity=0".to_owned(),
        "-print_final_stats=1".to_owned(),
        format!("-dict={}", words.display()),
        format!("-artifact_prefix={}/", target().display()),
    ]
}

/// Passes on what libFuzzer prints, without its chatter, and returns the number of inputs.
fn relay(stderr: impl BufRead) -> anyhow::Result<u64> {
    let mut count = 0;
    for line in stderr.lines() {
        let line = line.context("could not read the output of libFuzzer")?;
        if let Some(number) = line.strip_prefix(INPUTS) {
            count = number
                .trim()
                .parse()
                .context("libFuzzer counts in another way")?;
        } else if !CHATTER.iter().any(|start| line.starts_with(start)) {
            eprintln!("{line}");
        }
    }
    Ok(count)
}

fn any_number() -> u32 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(1, |now| now.subsec_nanos())
}
