//! `cargo xtask fuzz`: libFuzzer looks for a text that the editor does not bear.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, ensure};

use crate::{cargo, root};

/// What `cargo fuzz` passes as well: the places that an input reaches are counted. Stable Rust has it all.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing";

/// What libFuzzer says of itself while all is well.
const CHATTER: [&str; 6] = [
    "WARNING: Failed to find function",
    "INFO: ",
    "\tNEW_FUNC",
    "###### ",
    "Dictionary: ",
    "\"",
];

/// What it says at its end in front of the number of inputs.
const TRIED: &str = "stat::number_of_executed_units:";

/// For how long, and from where on.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How long to look for one
    #[arg(long, default_value = "30", value_name = "N")]
    seconds: u64,
    /// Begin with this number, to see a run again [default: another one each time]
    #[arg(long, value_name = "N")]
    seed: Option<u32>,
    /// Try this input alone, such as one that a run has left
    #[arg(value_name = "FILE")]
    input: Option<PathBuf>,
}

/// Builds the target with its places counted, and runs it.
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let folder = target().join("fuzz-inputs");
    fs::create_dir_all(&folder)
        .with_context(|| format!("could not make `{}`", folder.display()))?;
    let mut fuzz = cargo();
    // With a target of its own, build scripts are built without the flags.
    fuzz.args([
        "run",
        "--quiet",
        "--locked",
        "--target",
        "host-tuple",
        "--profile",
        "fuzz",
    ]);
    fuzz.args(["-p", "overlay-fuzz", "--bin", "edit", "--"])
        .env("RUSTFLAGS", FLAGS);
    match &options.input {
        Some(input) => one(fuzz.arg(input)),
        None => many(fuzz, options, &folder),
    }
}

fn one(fuzz: &mut Command) -> anyhow::Result<ExitCode> {
    let status = fuzz.status().context("could not run cargo")?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn many(mut fuzz: Command, options: &Options, folder: &Path) -> anyhow::Result<ExitCode> {
    let seed = options.seed.unwrap_or_else(any_number);
    println!("seed {seed}");
    let words = root().join("crates/rules/overlay/fuzz/words.dict");
    fuzz.args([
        format!("-seed={seed}"),
        format!("-max_total_time={}", options.seconds),
    ]);
    fuzz.args(["-timeout=10", "-verbosity=0", "-print_final_stats=1"]);
    fuzz.args([
        format!("-dict={}", words.display()),
        format!("-artifact_prefix={}/", target().display()),
    ]);
    let mut fuzz = fuzz
        .arg(folder)
        .stderr(Stdio::piped())
        .spawn()
        .context("could not run cargo")?;
    let mut tried = 0;
    for line in BufReader::new(fuzz.stderr.take().context("no standard error")?).lines() {
        let line = line.context("could not read what libFuzzer says")?;
        match line.strip_prefix(TRIED) {
            Some(number) => {
                tried = number
                    .trim()
                    .parse()
                    .context("libFuzzer counts in another way")?
            }
            None if line.starts_with("stat::")
                || CHATTER.iter().any(|words| line.starts_with(words)) => {}
            None => eprintln!("{line}"),
        }
    }
    let held = fuzz
        .wait()
        .context("could not wait for libFuzzer")?
        .success();
    println!(
        "{tried} inputs tried, {}",
        if held {
            "and all held"
        } else {
            "and the last one did not hold"
        }
    );
    ensure!(!held || tried > 0, "nothing was tried");
    Ok(if held {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

fn any_number() -> u32 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(1, |now| now.subsec_nanos())
}
