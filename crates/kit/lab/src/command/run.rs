//! The end of a program.

use std::fmt::{self, Display, Formatter};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Output};
use std::time::Duration;

use assert_cmd::assert::Assert;

/// How a program ended, and everything that it wrote.
#[must_use = "check the exit code or the output"]
#[derive(Clone, Debug)]
pub struct ProgramRun {
    /// The exit code; 128 + N if signal N ended it.
    pub code: i32,
    /// The whole standard output.
    pub stdout: String,
    /// The whole standard error.
    pub stderr: String,
    /// The time from its start to its end.
    pub elapsed: Duration,
    /// The peak of its memory, if it ran long enough to be measured.
    pub max_rss_kib: Option<u64>,
}

impl ProgramRun {
    /// Returns the run for checks with `assert_cmd`; a signal N counts as exit code 128 + N.
    #[must_use]
    pub fn assert(&self) -> Assert {
        let output = Output {
            // The second byte of a wait status is the exit code.
            status: ExitStatus::from_raw((self.code & 0xff) << 8),
            stdout: self.stdout.clone().into_bytes(),
            stderr: self.stderr.clone().into_bytes(),
        };
        Assert::new(output).append_context("elapsed", format!("{:?}", self.elapsed))
    }

    /// Returns the standard output, read as exactly one JSON document.
    ///
    /// # Panics
    ///
    /// If the output is anything else.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("stdout is not one JSON document: {error}\n{self}"))
    }

    /// Returns the run itself if it ended with `code`.
    ///
    /// # Panics
    ///
    /// With the whole output, if it ended with another code.
    #[track_caller]
    pub fn expect_code(&self, code: i32) -> &Self {
        let _ = self.assert().code(code);
        self
    }
}

impl Display for ProgramRun {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self {
            code,
            stdout,
            stderr,
            elapsed,
            ..
        } = self;
        write!(
            f,
            "exit {code} after {elapsed:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}"
        )
    }
}
