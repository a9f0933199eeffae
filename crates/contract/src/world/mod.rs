//! The only door to effects: network, processes, files, clock, random, and what other libraries ask.
//!
//! A step gets a [`World`] and nothing else, so that what it saw can be recorded and run again on a
//! laptop, offline, with the same verdict. Three things answer behind it: [`Real`] does the effects,
//! [`Recorder`] wraps it, [`Tape`] answers from a recording under tokio's paused clock.

mod deadline;
mod effects;
mod http;
mod real;
mod recorder;
mod tape;
mod transport;

use std::{
    cell::{Cell, RefCell},
    future::Future,
    io,
    path::Path,
    rc::Rc,
    time::{Duration, SystemTime},
};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use tokio::time::Instant;

pub use self::{
    deadline::Deadline,
    effects::{Effects, FileKind, Live, LiveHttp, LocalFuture, Output, Spawn},
    http::{
        Body, BodyStream, Header, HttpRequest, HttpResponse, Tls, TransportError,
        TransportErrorKind,
    },
    real::Real,
    recorder::{Recorder, TAPE_FILE},
    tape::Tape,
};
use crate::{Facts, Failure, Redactor, Secret, Subject, Vars, progress::Progress};

/// What a step may do to the world and what it says while it runs.
pub struct World {
    effects: Rc<dyn Effects>,
    vars: Vars,
    redactor: Redactor,
    progress: Rc<Progress>,
    deadline: Deadline,
    requests: Cell<u64>,
    known: RefCell<Known>,
    is_public: bool,
}

/// What is known so far, for the report of a run that fails or is interrupted.
#[derive(Debug, Default, Clone)]
pub(crate) struct Known {
    pub(crate) facts: Map<String, Value>,
    pub(crate) subjects: Vec<Subject>,
    pub(crate) notices: Vec<String>,
    /// Names of the secret variables that were found, for `reproduce`.
    pub(crate) secrets: Vec<&'static str>,
}

impl World {
    pub(crate) fn new(
        effects: Rc<dyn Effects>,
        vars: Vars,
        redactor: Redactor,
        progress: Rc<Progress>,
        deadline: Deadline,
        is_public: bool,
    ) -> Self {
        Self {
            effects,
            vars,
            redactor,
            progress,
            deadline,
            requests: Cell::new(0),
            known: RefCell::default(),
            is_public,
        }
    }

    /// Makes a world of real effects without variables and with a deadline, for tests of the crates
    /// that need one.
    pub fn for_tests(timeout: Duration) -> Self {
        Self::for_tests_with(timeout, Vars::default())
    }

    /// Makes a world of real effects with these variables, for tests.
    pub fn for_tests_with(timeout: Duration, vars: Vars) -> Self {
        let redactor = Redactor::default();
        let progress = Rc::new(Progress::silent());
        Self::new(
            Rc::new(Real::default()),
            vars,
            redactor,
            progress,
            Deadline::after(timeout),
            false,
        )
    }

    /// Sends one HTTP request and returns the head of the answer; the body comes chunk by chunk.
    ///
    /// `fetch` is the only caller: it owns timeouts, retries, limits and redirects.
    ///
    /// # Errors
    /// A [`TransportError`] when no head of an answer arrived.
    pub async fn http(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let (method, url) = (
            request.method.clone(),
            self.redactor.apply(request.url.as_str()),
        );
        let started = Instant::now();
        let answer = Rc::clone(&self.effects).http(request).await;
        let took = started.elapsed().as_millis();
        let unsent =
            matches!(&answer, Err(error) if error.kind == TransportErrorKind::BadAuthorities);
        self.requests.set(self.requests.get() + u64::from(!unsent));
        match &answer {
            Ok(response) => tracing::debug!("{method} {url}: {} in {took} ms", response.status),
            Err(error) => tracing::debug!("{method} {url}: {error} after {took} ms"),
        }
        answer
    }

    /// Runs a program to its end.
    ///
    /// # Errors
    /// When it cannot be started, or does not end within its limit.
    pub async fn spawn(&self, spawn: Spawn) -> io::Result<Output> {
        tracing::debug!("run {}", self.redactor.apply(&spawn.to_string()));
        Rc::clone(&self.effects).spawn(spawn).await
    }

    /// Reads a whole file.
    ///
    /// # Errors
    /// As the operating system says, and `FileTooLarge` above `limit` bytes.
    pub fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        tracing::debug!("read {}", path.display());
        self.effects.read(path, limit)
    }

    /// Returns what is at a path, symbolic links not followed; `None` when there is nothing.
    ///
    /// # Errors
    /// As the operating system says, but for "not found".
    pub fn kind(&self, path: &Path) -> io::Result<Option<FileKind>> {
        self.effects.kind(path)
    }

    /// Replaces a file's content at once: a reader sees the old bytes or the new ones, never half
    /// of them. The file's mode stays, and its owner where that is allowed.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn write(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        tracing::debug!("write {}", path.display());
        self.effects.write(path, content)
    }

    /// Lets another library ask its system, and records question and answer: `kube` behind its tower
    /// layer, `git` whether gix or the program answers. `live` is only called when the world is real;
    /// what it does with the effects that it is given is not recorded once more.
    ///
    /// # Errors
    /// An `internal` [`Failure`] when a recording has no such answer, or one of another shape. What
    /// the system itself refuses belongs into `T`.
    pub async fn exchange<'a, T, F, L>(
        &'a self,
        kind: &'static str,
        request: &impl Serialize,
        live: L,
    ) -> Result<T, Failure>
    where
        T: Serialize + DeserializeOwned,
        F: Future<Output = T> + 'a,
        L: FnOnce(Rc<dyn Effects>) -> F + 'a,
    {
        let request = serde_json::to_value(request).map_err(Failure::internal)?;
        tracing::debug!("{kind} {}", self.redactor.apply(&request.to_string()));
        let live: Live<'a> = Box::new(move |effects| {
            Box::pin(
                async move { serde_json::to_value(live(effects).await).map_err(io::Error::other) },
            )
        });
        let answer = Rc::clone(&self.effects)
            .exchange(kind, request, live)
            .await
            .map_err(Failure::internal)?;
        serde_json::from_value(answer).map_err(Failure::internal)
    }

    /// Lets another library send an HTTP request by itself, and records it as [`http`](Self::http) does:
    /// `kube`, which owns authentication and TLS. What is asked holds nothing secret; `live` is only
    /// called when the world is real.
    ///
    /// # Errors
    /// A [`TransportError`] when no head of an answer arrived.
    pub async fn exchange_http<'a, F, L>(
        &'a self,
        kind: &'static str,
        request: &impl Serialize,
        live: L,
    ) -> Result<HttpResponse, TransportError>
    where
        F: Future<Output = Result<HttpResponse, TransportError>> + 'a,
        L: FnOnce() -> F + 'a,
    {
        let request = serde_json::to_value(request)
            .map_err(|error| TransportError::new(TransportErrorKind::Broken, error))?;
        let (said, started) = (self.redactor.apply(&request.to_string()), Instant::now());
        let live: LiveHttp<'a> = Box::new(move || Box::pin(live()));
        let answer = Rc::clone(&self.effects)
            .exchange_http(kind, request, live)
            .await;
        let took = started.elapsed().as_millis();
        self.requests.set(self.requests.get() + 1);
        match &answer {
            Ok(response) => tracing::debug!("{kind} {said}: {} in {took} ms", response.status),
            Err(error) => tracing::debug!("{kind} {said}: {error} after {took} ms"),
        }
        answer
    }

    /// Returns the wall clock's time.
    pub fn now(&self) -> SystemTime {
        self.effects.now()
    }

    /// Waits, at most until the deadline.
    pub async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration.min(self.deadline.left())).await;
    }

    /// Returns a random number between 0 and 1, for jitter.
    pub fn random(&self) -> f64 {
        let mut bytes = [0; 4];
        self.effects.random(&mut bytes);
        f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX)
    }

    /// Returns a variable of the environment; an empty one is absent, as GitHub passes `""` for an
    /// input that was left out.
    pub fn var(&self, name: &str) -> Option<String> {
        self.effects.var(&self.vars, name, false)
    }

    /// Returns a secret from the environment: `name`, else `conventional`. From here on no output
    /// contains it, and on a runner it is masked before anything else is printed.
    ///
    /// # Errors
    /// A `usage` [`Failure`] when it has a line break, which no header can carry and no mask can hide.
    pub fn secret(
        &self,
        name: &'static str,
        conventional: Option<&'static str>,
    ) -> Result<Option<Secret>, Failure> {
        for name in [Some(name), conventional].into_iter().flatten() {
            let Some(value) = self.effects.var(&self.vars, name, true) else {
                continue;
            };
            if value.contains(['\n', '\r']) {
                self.hide(&value);
                let error = anyhow::anyhow!("the secret in `{name}` has a line break");
                return Err(Failure::usage(error).hinted(format!(
                    "set `{name}` without one, for example by `printf %s` instead of `echo`"
                )));
            }
            let mut known = self.known.borrow_mut();
            if !known.secrets.contains(&name) {
                known.secrets.push(name);
            }
            drop(known);
            return Ok(Some(self.hide(&value)));
        }
        Ok(None)
    }

    /// Makes a secret of a value that was derived from one, such as a registry's bearer token.
    pub fn hide(&self, value: &str) -> Secret {
        if self.redactor.add(value) {
            self.progress.mask(value);
        }
        Secret::new(value)
    }

    /// Returns the text without secrets.
    pub fn redact(&self, text: &str) -> String {
        self.redactor.apply(text)
    }

    /// Returns the run's deadline: one for everything that the step waits for.
    pub fn deadline(&self) -> &Deadline {
        &self.deadline
    }

    /// Returns whether everybody can read the output of this run: the payload of the workflow's
    /// event says that the repository is public.
    pub fn is_public(&self) -> bool {
        self.is_public
    }

    /// Says what the step waits for, as a noun phrase ("the tag to appear: not there, asked 3 times").
    /// Shown once per change, once a minute while it stays, and live on a terminal.
    pub fn waiting_for(&self, what: impl Into<String>) {
        self.progress.update(self.redactor.apply(&what.into()));
    }

    /// Remembers facts, so that a run that fails or is interrupted later still reports them.
    pub fn learn<F: Facts>(&self, facts: &F) {
        self.known.borrow_mut().facts = facts.to_map();
    }

    /// Remembers subjects, as [`learn`](Self::learn) does for facts.
    pub fn learn_subjects(&self, subjects: &[Subject]) {
        self.known.borrow_mut().subjects = subjects.to_vec();
    }

    /// Adds a notice to whatever report comes out.
    pub fn notice(&self, notice: impl Into<String>) {
        let notice = notice.into();
        let mut known = self.known.borrow_mut();
        if !known.notices.contains(&notice) {
            known.notices.push(notice);
        }
    }

    /// Returns how many HTTP requests were sent.
    pub fn requests(&self) -> u64 {
        self.requests.get()
    }

    pub(crate) fn known(&self) -> Known {
        self.known.borrow().clone()
    }
}

#[cfg(test)]
mod tests;
