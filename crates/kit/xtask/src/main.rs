//! The project's own chores: set up and run the tests, fuzz the editor, generate the actions.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a chore talks to people"
)]

mod fuzz;
mod generate;
mod setup;
mod test;
mod testbed;

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use clap::Parser as _;

/// The project's own chores
#[derive(Debug, clap::Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, clap::Subcommand)]
enum Chore {
    /// Set up what the tests need, then run all of them
    ///
    /// Tools go into a cache folder outside the repository (`$XDG_CACHE_HOME/dex-actions`, else
    /// `~/.cache/dex-actions`), Debian packages through apt-get where that needs no password. What
    /// could not be set up is named, with the command to do it by hand; with CI=true that fails.
    /// The last line is the count: `N passed, N failed`.
    Test {
        /// Further arguments for `cargo test`, such as `-p overlay`, or `-- --nocapture`
        #[arg(last = true, value_name = "ARGUMENT")]
        further: Vec<String>,
    },
    /// Write `actions/<step>/action.yml` and `actions/<step>/README.md` of every step
    Generate {
        /// Write nothing; fail, and show how, when a file is not current
        #[arg(long)]
        check: bool,
    },
    /// Look for a text that the editor of overlays does not bear
    ///
    /// Starts from its cases, and follows what reaches new places in it. What does not hold is left as a
    /// file, which can be tried again alone.
    Fuzz(#[command(flatten)] fuzz::Options),
    /// Start, show and end real Kubernetes and Argo CD on this machine
    Testbed {
        #[command(subcommand)]
        task: testbed::Task,
    },
}

fn main() -> ExitCode {
    let done = match Cli::parse().chore {
        Chore::Test { further } => test::run(&further),
        Chore::Generate { check } => generate::run(&root(), check),
        Chore::Fuzz(options) => fuzz::run(&options),
        Chore::Testbed { task } => testbed::run(&task),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

/// The root of the repository, from whatever folder the chore is called.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../..")
        .canonicalize()
        .expect("the repository that this is of")
}

/// Returns Cargo as if nobody had called it yet: some build scripts (ring's) run again whenever the
/// variables change that `cargo run` sets for this program.
fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root());
    let set_by_cargo = [
        "CARGO_PKG_",
        "CARGO_MANIFEST_",
        "CARGO_BIN_",
        "CARGO_CRATE_",
        "CARGO_PRIMARY_",
    ];
    for (name, _) in std::env::vars_os() {
        if name
            .to_str()
            .is_some_and(|name| set_by_cargo.iter().any(|prefix| name.starts_with(prefix)))
        {
            cargo.env_remove(name);
        }
    }
    cargo
}
