//! The command line of `cargo xtask`.
#![expect(clippy::print_stderr, reason = "the command line talks to people")]

use std::process::ExitCode;

use clap::Parser as _;

use crate::{fuzz, generate, new_step, repository::root, test, testbed};

/// The project's own tasks
#[derive(Debug, clap::Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
struct CommandLine {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, clap::Subcommand)]
enum Task {
    /// Install the programs that the tests need, then run all tests
    ///
    /// Tools go into a cache folder outside the repository (`$XDG_CACHE_HOME/dex-actions`, else
    /// `~/.cache/dex-actions`); Debian packages are installed where apt-get needs no password. A
    /// program that could not be installed is named, with the command to install it by hand; with
    /// CI=true that is an error. The last line is the count: `N passed, N failed`.
    Test {
        /// Further arguments for `cargo test`, such as `-p overlay`, or `-- --nocapture`
        #[arg(last = true, value_name = "ARGUMENT")]
        further: Vec<String>,
    },
    /// Write the files that are made from the steps and from the table of arrows
    ///
    /// These are `actions/<step>/action.yml`, `actions/<step>/README.md` and rows of `.deny.toml`.
    Generate {
        /// Write nothing; fail and show the difference when a file is not current
        #[arg(long)]
        check: bool,
    },
    /// Add a step: its crate with tests that pass, and every registration
    NewStep(#[command(flatten)] new_step::NewStepOptions),
    /// Search for a text on which the overlay editor fails
    ///
    /// Starts from the editor's test cases and follows inputs that reach new code. An input that
    /// fails is left as a file, which can be run again alone.
    Fuzz(#[command(flatten)] fuzz::FuzzOptions),
    /// Start, show and end real Kubernetes and Argo CD on this machine
    Testbed {
        #[command(subcommand)]
        task: testbed::TestbedTask,
    },
}

/// Runs `cargo xtask`.
pub fn main() -> ExitCode {
    let done = match CommandLine::parse().task {
        Task::Test { further } => test::run(&further),
        Task::Generate { check } => generate::run(&root(), check),
        Task::NewStep(options) => new_step::run(&root(), &options),
        Task::Fuzz(options) => fuzz::run(&options),
        Task::Testbed { task } => testbed::run(&task),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
