//! A program to run, and its result.

use std::{collections::BTreeMap, ffi::OsString, fmt, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

/// A program to run: without a shell and with a time limit.
#[derive(Debug, Clone)]
pub struct Spawn {
    /// The program, looked up in `PATH`.
    pub program: OsString,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Its working directory; that of this process when `None`.
    pub directory: Option<PathBuf>,
    /// Variables set in addition to those of this process.
    pub environment: BTreeMap<OsString, OsString>,
    /// Variables of this process that the program does not get.
    pub without: Vec<OsString>,
    /// Its standard input.
    pub input: Vec<u8>,
    /// The time after which it is killed.
    pub limit: Duration,
}

/// The result of a program that ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: Vec<u8>,
}

impl Spawn {
    /// Makes a spawn without arguments or input, with a limit of 30 s.
    pub fn new(program: impl Into<OsString>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            directory: None,
            environment: BTreeMap::new(),
            without: Vec::new(),
            input: Vec::new(),
            limit: Duration::from_secs(30),
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Sets a variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.insert(name.into(), value.into());
        self
    }
}

impl fmt::Display for Spawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.program.to_string_lossy())?;
        self.arguments
            .iter()
            .try_for_each(|argument| write!(f, " {}", argument.to_string_lossy()))
    }
}

impl Output {
    /// Returns whether the program ended with 0.
    pub fn is_good(&self) -> bool {
        self.code == Some(0)
    }
}
