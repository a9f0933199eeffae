//! A program to run, and its result.

use std::{collections::BTreeMap, ffi::OsString, fmt, path::PathBuf, time::Duration};

/// A program to run: without a shell and with a time limit.
#[derive(Debug, Clone)]
pub struct Spawn {
    /// The program, looked up in `PATH`.
    pub program: OsString,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Its working directory; that of this process when `None`.
    pub directory: Option<PathBuf>,
    /// Variables set in addition to those of this process that it gets.
    pub environment: BTreeMap<OsString, OsString>,
    /// Variables of this process that it gets in addition to those that every program gets: a
    /// name, or the start of names and `*`, which does not match names that look like a secret.
    pub inherits: Vec<&'static str>,
    /// Variables of this process that the program does not get.
    pub without: Vec<OsString>,
    /// Its standard input.
    pub input: Vec<u8>,
    /// The time after which it is killed, with every program that it started.
    pub limit: Duration,
    /// The most bytes that it may write to standard output, and to standard error.
    pub output_limit: usize,
}

/// The result of a program that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: Vec<u8>,
}

impl Spawn {
    /// Makes a spawn without arguments or input, with limits of 30 s and 16 MiB.
    pub fn new(program: impl Into<OsString>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            directory: None,
            environment: BTreeMap::new(),
            inherits: Vec::new(),
            without: Vec::new(),
            input: Vec::new(),
            limit: Duration::from_secs(30),
            output_limit: 16 << 20,
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Lets it have further variables of this process, those of the system that it belongs to.
    #[must_use]
    pub fn inheriting(mut self, names: impl IntoIterator<Item = &'static str>) -> Self {
        self.inherits.extend(names);
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
