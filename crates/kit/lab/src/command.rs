//! Runs a program in an empty world: a home of its own, no inherited settings, a time limit.
//!
//! The result is checked with [`assert_cmd`]:
//!
//! ```no_run
//! lab::HermeticCommand::new("check-image").arg("--help").assert().success().stderr("");
//! ```
//!
//! Tests that need the texts themselves take the [`ProgramRun`]:
//!
//! ```no_run
//! let run = lab::HermeticCommand::new("check-image").args(["--format", "json"]).run();
//! assert_eq!(run.json()["verdict"], "usage", "{run}");
//! ```

mod run;
mod running;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use assert_cmd::assert::Assert;
use tempfile::TempDir;

pub use run::ProgramRun;
pub use running::Running;

/// How long a program may run before it is killed and the test fails.
pub const TIME_LIMIT: Duration = Duration::from_secs(120);

/// A program to run, with nothing of the caller's environment but `PATH`.
///
/// Each command has a home of its own (`HOME`, with `TMPDIR` next to it), which stays the same over
/// several runs of the same value: a second run sees what the first one left there.
#[must_use = "run it, assert something about it, or spawn it"]
#[derive(Clone, Debug)]
pub struct HermeticCommand {
    program: OsString,
    args: Vec<OsString>,
    env: Vec<(OsString, Option<OsString>)>,
    directory: Option<PathBuf>,
    stdin: Vec<u8>,
    limit: Duration,
    world: Arc<TempDir>,
}

impl HermeticCommand {
    /// Prepares a run of `program`: a path, or a name to be found on `PATH`.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        let world = tempfile::Builder::new()
            .prefix("lab-home-")
            .tempdir()
            .expect("a temporary folder");
        for folder in ["home", "tmp"] {
            std::fs::create_dir(world.path().join(folder))
                .expect("a folder in the temporary folder");
        }
        Self {
            program: program.as_ref().to_owned(),
            args: Vec::new(),
            env: Vec::new(),
            directory: None,
            stdin: Vec::new(),
            limit: TIME_LIMIT,
            world: Arc::new(world),
        }
    }

    /// Adds one argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args
            .extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets an environment variable; the last value for a name counts.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env
            .push((name.as_ref().to_owned(), Some(value.as_ref().to_owned())));
        self
    }

    /// Removes an environment variable that is set by default (`PATH`, `HOME`, `GIT_*`).
    pub fn without_env(mut self, name: impl AsRef<OsStr>) -> Self {
        self.env.push((name.as_ref().to_owned(), None));
        self
    }

    /// Runs the program in `directory` instead of in its home.
    pub fn current_dir(mut self, directory: impl AsRef<Path>) -> Self {
        self.directory = Some(directory.as_ref().to_owned());
        self
    }

    /// Gives the program these bytes on its standard input (by default: none).
    pub fn stdin(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.stdin = bytes.as_ref().to_vec();
        self
    }

    /// Kills the program after `limit` instead of after [`TIME_LIMIT`].
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Returns the program's `HOME`: tests fill it before the run and look into it afterwards.
    #[must_use]
    pub fn home(&self) -> PathBuf {
        self.world.path().join("home")
    }

    /// Returns the program's `TMPDIR`; a file in it after a run is one that the program left
    /// behind.
    #[must_use]
    pub fn temp(&self) -> PathBuf {
        self.world.path().join("tmp")
    }

    /// Runs the program to its end.
    ///
    /// # Panics
    ///
    /// If it cannot be started, or does not end within the time limit.
    pub fn run(&self) -> ProgramRun {
        self.spawn().wait()
    }

    /// Runs the program to its end, for checks with `assert_cmd`.
    ///
    /// # Panics
    ///
    /// If it cannot be started, or does not end within the time limit.
    #[must_use]
    pub fn assert(&self) -> Assert {
        self.run().assert()
    }

    /// Starts the program and returns at once.
    ///
    /// # Panics
    ///
    /// If it cannot be started.
    pub fn spawn(&self) -> Running {
        Running::start(self)
    }

    /// Returns the standard library's command, with the environment in place.
    fn prepared(&self) -> std::process::Command {
        let mut command = std::process::Command::new(&self.program);
        command
            .args(&self.args)
            .current_dir(self.directory.as_deref().unwrap_or(&self.home()))
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .env("LANG", "C.UTF-8")
            .env("HOME", self.home())
            .env("TMPDIR", self.temp())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0");
        for (name, value) in &self.env {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}
