//! The seam: what a world must be able to do.

use std::{
    collections::BTreeMap, ffi::OsString, fmt, future::Future, io, path::Path, pin::Pin, rc::Rc,
    time::Duration, time::SystemTime,
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{HttpRequest, HttpResponse, TransportError};
use crate::Vars;

/// A future on this thread.
pub type LocalFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// What an exchange does when the world is real; it gets the effects that are not recorded.
pub type Live<'a> = Box<dyn FnOnce(Rc<dyn Effects>) -> LocalFuture<'a, io::Result<Value>> + 'a>;

/// The same for an exchange whose answer comes as an HTTP response, chunk by chunk.
pub type LiveHttp<'a> =
    Box<dyn FnOnce() -> LocalFuture<'a, Result<HttpResponse, TransportError>> + 'a>;

/// The effects behind a [`World`](super::World): the real ones, a recorder around them, or a tape.
pub trait Effects {
    /// Sends one request.
    fn http(
        self: Rc<Self>,
        request: HttpRequest,
    ) -> LocalFuture<'static, Result<HttpResponse, TransportError>>;
    /// Runs a program to its end.
    fn spawn(self: Rc<Self>, spawn: Spawn) -> LocalFuture<'static, io::Result<Output>>;
    /// Asks a system through another library.
    fn exchange<'a>(
        self: Rc<Self>,
        kind: &'static str,
        request: Value,
        live: Live<'a>,
    ) -> LocalFuture<'a, io::Result<Value>>;
    /// Asks a system through another library that speaks HTTP by itself.
    fn exchange_http<'a>(
        self: Rc<Self>,
        kind: &'static str,
        request: Value,
        live: LiveHttp<'a>,
    ) -> LocalFuture<'a, Result<HttpResponse, TransportError>>;
    /// Reads a whole file of at most `limit` bytes.
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>>;
    /// Tells what is at a path.
    fn kind(&self, path: &Path) -> io::Result<Option<FileKind>>;
    /// Replaces a file's content at once.
    fn write(&self, path: &Path, content: &[u8]) -> io::Result<()>;
    /// Tells the wall clock's time.
    fn now(&self) -> SystemTime;
    /// Fills with random bytes.
    fn random(&self, bytes: &mut [u8]);
    /// Looks a variable up; an empty one is absent. A recording keeps only that a secret was there.
    fn var(&self, vars: &Vars, name: &str, secret: bool) -> Option<String>;
}

/// What is at a path, links not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// Anything else.
    Other,
}

/// A program to run: no shell, a time limit, and only the variables it needs.
#[derive(Debug, Clone)]
pub struct Spawn {
    /// The program, looked up in `PATH`.
    pub program: OsString,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Where it runs; the current directory when `None`.
    pub directory: Option<std::path::PathBuf>,
    /// Variables set in addition to those of this process.
    pub environment: BTreeMap<OsString, OsString>,
    /// Variables taken away.
    pub without: Vec<OsString>,
    /// What it reads from standard input.
    pub input: Vec<u8>,
    /// When it is killed.
    pub limit: Duration,
}

/// What a program that ended left behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
}

impl Spawn {
    /// Makes a spawn with no arguments, no input and 30 s.
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
