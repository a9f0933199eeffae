//! The trait behind which every effect happens.

use std::{io, path::Path, rc::Rc, time::SystemTime};

use serde_json::Value;

use crate::{
    FileKind, HttpRequest, HttpResponse, LocalFuture, Output, Spawn, TransportError, Vars,
};

/// The live part of an exchange, called only when the effects are real; its argument are effects
/// that are not recorded.
pub type Live<'a> = Box<dyn FnOnce(Rc<dyn Effects>) -> LocalFuture<'a, io::Result<Value>> + 'a>;

/// The live part of an exchange whose answer arrives as an HTTP response, chunk by chunk.
pub type LiveHttp<'a> =
    Box<dyn FnOnce() -> LocalFuture<'a, Result<HttpResponse, TransportError>> + 'a>;

/// The effects of a step: real, recorded, or answered from a tape.
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
    /// Asks a system through another library that has an HTTP client of its own.
    fn exchange_http<'a>(
        self: Rc<Self>,
        kind: &'static str,
        request: Value,
        live: LiveHttp<'a>,
    ) -> LocalFuture<'a, Result<HttpResponse, TransportError>>;
    /// Reads a whole file of at most `limit` bytes.
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>>;
    /// Returns the kind of file at a path.
    fn kind(&self, path: &Path) -> io::Result<Option<FileKind>>;
    /// Replaces a file's content atomically.
    fn write(&self, path: &Path, content: &[u8]) -> io::Result<()>;
    /// Returns the time of the wall clock.
    fn now(&self) -> SystemTime;
    /// Fills a buffer with random bytes.
    fn random(&self, bytes: &mut [u8]);
    /// Looks up a variable; an empty one is absent. Of a secret, a recording keeps only that it was
    /// set.
    fn var(&self, vars: &Vars, name: &str, secret: bool) -> Option<String>;
}
