//! The only door through which a step acts: network, processes, files, clock, randomness, and what
//! other libraries ask.
//!
//! A step gets a [`World`] and nothing else, so that its run can be recorded and replayed on a
//! laptop, offline, with the same verdict. The `effects` behind it are real, recorded, or answered
//! from a tape.

use std::{
    cell::{Cell, RefCell},
    future::Future,
    io,
    path::Path,
    rc::Rc,
    time::{Duration, SystemTime},
};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::time::Instant;

pub use effects::{
    Body, BodyStream, BoundSecret, Effects, FileKind, Header, HttpRequest, HttpResponse,
    JsonWeight, LocalFuture, Origin, Output, Reach, RefusedLead, Spawn, Tls, TransportError,
    TransportErrorKind, WithheldSecret,
};
use effects::{Deadline, Live, LiveHttp, Real};

use crate::{
    Facts, Failure, Redactor, Secret, Subject, Vars, known::KnownSoFar, progress::RunProgress,
};

/// Everything that a step may do, and everything that it says while it runs.
pub struct World {
    effects: Rc<dyn Effects>,
    vars: Vars,
    redactor: Redactor,
    progress: Rc<RunProgress>,
    deadline: Deadline,
    requests: Cell<u64>,
    known: RefCell<KnownSoFar>,
    is_public: bool,
}

impl World {
    pub(crate) fn new(
        effects: Rc<dyn Effects>,
        vars: Vars,
        redactor: Redactor,
        progress: Rc<RunProgress>,
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

    /// Makes a world of real effects without variables, for tests of other crates.
    pub fn for_tests(timeout: Duration) -> Self {
        Self::for_tests_with(timeout, Vars::default())
    }

    /// Makes a world of real effects with these variables, for tests of other crates.
    pub fn for_tests_with(timeout: Duration, vars: Vars) -> Self {
        Self::new(
            Rc::new(Real::default()),
            vars,
            Redactor::default(),
            Rc::new(RunProgress::silent()),
            Deadline::after(timeout),
            false,
        )
    }

    /// Sends one HTTP request and returns the head of the answer; the body arrives chunk by chunk.
    ///
    /// Only `fetch` calls this: it owns timeouts, retries, limits and redirects.
    ///
    /// # Errors
    /// A [`TransportError`] when no head of an answer arrived.
    pub async fn http(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let url = self.redactor.apply(&request.shown_url());
        let said = format!("{} {url}", request.method);
        let started = Instant::now();
        let answer = Rc::clone(&self.effects).http(request).await;
        log_answer(&said, &answer, started);
        // An invalid certificate file is found before anything is sent.
        let unsent =
            matches!(&answer, Err(error) if error.kind == TransportErrorKind::BadAuthorities);
        self.requests.set(self.requests.get() + u64::from(!unsent));
        answer
    }

    /// Runs a program to its end.
    ///
    /// # Errors
    /// When the program cannot be started or does not end within its limit.
    pub async fn spawn(&self, spawn: Spawn) -> io::Result<Output> {
        tracing::debug!("run {}", self.redactor.apply(&spawn.to_string()));
        Rc::clone(&self.effects).spawn(spawn).await
    }

    /// Reads a whole file.
    ///
    /// # Errors
    /// The error of the operating system, and `FileTooLarge` above `limit` bytes.
    pub fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        tracing::debug!("read {}", path.display());
        self.effects.read(path, limit)
    }

    /// Returns the kind of file at a path, `None` when it is missing; symbolic links are not followed.
    ///
    /// # Errors
    /// The error of the operating system, except "not found".
    pub fn kind(&self, path: &Path) -> io::Result<Option<FileKind>> {
        self.effects.kind(path)
    }

    /// Replaces a file's content atomically: a reader sees the old bytes or the new ones, never a
    /// mixture. The file's mode stays, and its owner where that is allowed.
    ///
    /// # Errors
    /// The error of the operating system.
    pub fn write(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        tracing::debug!("write {}", path.display());
        self.effects.write(path, content)
    }

    /// Lets another library ask its system, and records request and answer. `git`, for example, asks
    /// through gix or through the program. `live` is only called when the world is real; the effects
    /// that it gets are not recorded a second time.
    ///
    /// # Errors
    /// An `internal` [`Failure`] when a recording has no such answer, or one of another shape. A
    /// refusal by the system belongs into `T`.
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
        let live: Live<'a> = Box::new(move |effects| {
            Box::pin(
                async move { serde_json::to_value(live(effects).await).map_err(io::Error::other) },
            )
        });
        let answer = self.exchange_value(kind, request, live).await?;
        serde_json::from_value(answer).map_err(Failure::internal)
    }

    /// Does what does not depend on the types of an exchange: it is in the binary once.
    async fn exchange_value<'a>(
        &'a self,
        kind: &'static str,
        request: Value,
        live: Live<'a>,
    ) -> Result<Value, Failure> {
        tracing::debug!("{kind} {}", self.redactor.apply(&request.to_string()));
        Rc::clone(&self.effects)
            .exchange(kind, request, live)
            .await
            .map_err(Failure::internal)
    }

    /// Lets another library send an HTTP request, and records it as [`http`](Self::http) does. `kube`,
    /// for example, has its own authentication and TLS. The request must not contain a secret; `live`
    /// is only called when the world is real.
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
        let said = format!("{kind} {}", self.redactor.apply(&request.to_string()));
        let started = Instant::now();
        let live: LiveHttp<'a> = Box::new(move || Box::pin(live()));
        let exchange = Rc::clone(&self.effects).exchange_http(kind, request, live);
        let answer = exchange.await;
        log_answer(&said, &answer, started);
        self.requests.set(self.requests.get() + 1);
        answer
    }

    /// Returns the time of the wall clock.
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

    /// Returns a variable of the environment. An empty one is absent, since GitHub passes `""` for
    /// an input that is not given.
    pub fn var(&self, name: &str) -> Option<String> {
        self.effects.var(&self.vars, name, false)
    }

    /// Returns a secret from the environment: `name`, else `conventional`. From now on no output
    /// contains it, and a runner masks it before anything else is printed.
    ///
    /// # Errors
    /// A `usage` [`Failure`] when the secret has a line break, which headers and masks do not allow.
    pub fn secret(
        &self,
        name: &'static str,
        conventional: Option<&'static str>,
    ) -> Result<Option<Secret>, Failure> {
        for name in [Some(name), conventional].into_iter().flatten() {
            if let Some(value) = self.effects.var(&self.vars, name, true) {
                return self.checked_secret(name, &value).map(Some);
            }
        }
        Ok(None)
    }

    /// Returns a variable with text that has secrets in it, such as the JSON of Docker's credentials: a
    /// recording keeps only that it was set. A part of it is a secret only after
    /// [`hide`](Self::hide).
    pub fn text_with_secrets(&self, name: &str) -> Option<String> {
        self.effects.var(&self.vars, name, true)
    }

    fn checked_secret(&self, name: &'static str, value: &str) -> Result<Secret, Failure> {
        let secret = self.hide(value);
        if Secret::is_short(value) {
            self.notice(format!(
                "the secret in `{name}` has fewer than {} characters: too short to be masked \
                 safely, so `***` may hide other text as well",
                Secret::MIN_LENGTH
            ));
        }
        if value.contains(['\n', '\r']) {
            let error = anyhow::anyhow!("the secret in `{name}` has a line break");
            return Err(Failure::usage(error).hinted(format!(
                "set `{name}` without one, for example by `printf %s` instead of `echo`"
            )));
        }
        let mut known = self.known.borrow_mut();
        if !known.secrets.contains(&name) {
            known.secrets.push(name);
        }
        Ok(secret)
    }

    /// Makes a secret of a value that is derived from one, such as the bearer token of a registry.
    pub fn hide(&self, value: &str) -> Secret {
        if self.redactor.add(value) {
            self.progress.mask(value);
        }
        Secret::new(value)
    }

    /// Makes a secret of a value that a server chose, such as a bearer token. It never masks data:
    /// a server could otherwise decide which outputs of a step are readable.
    pub fn hide_foreign(&self, value: &str) -> Secret {
        if self.redactor.add_foreign(value) {
            self.progress.mask(value);
        }
        Secret::new(value)
    }

    /// Returns the text without secrets.
    pub fn redact(&self, text: &str) -> String {
        self.redactor.apply(text)
    }

    /// Does the same in place.
    pub fn redact_in_place(&self, text: &mut String) {
        self.redactor.apply_to(text);
    }

    /// Returns the beginning of a text from outside in one line: redacted first, then folded, then
    /// cut at this number of characters.
    pub fn excerpt(&self, text: &str, max_chars: usize) -> String {
        self.redactor.excerpt(text, max_chars)
    }

    /// Returns the redactor of the run, for a value that outlives a borrow of the world.
    pub fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// Returns the deadline of the run, shared by everything that the step waits for.
    pub fn deadline(&self) -> &Deadline {
        &self.deadline
    }

    /// Returns whether the output of this run is public: the payload of the workflow's event says
    /// that the repository is.
    pub fn is_public(&self) -> bool {
        self.is_public
    }

    /// Shows what the step waits for, a noun phrase ("the tag to appear: missing, asked 3 times"):
    /// at each change, once a minute without a change, and live on a terminal.
    pub fn waiting_for(&self, text: impl Into<String>) {
        self.progress.update(self.redactor.apply(&text.into()));
    }

    /// Remembers facts for the report of a run that fails or is interrupted later.
    pub fn learn<F: Facts>(&self, facts: &F) {
        self.known.borrow_mut().facts = facts.to_map();
    }

    /// Remembers subjects, as [`learn`](Self::learn) does for facts.
    pub fn learn_subjects(&self, subjects: &[Subject]) {
        self.known.borrow_mut().subjects = subjects.to_vec();
    }

    /// Adds a notice to the report, whether the run ends well or not.
    pub fn notice(&self, notice: impl Into<String>) {
        let notice = notice.into();
        let mut known = self.known.borrow_mut();
        if !known.notices.contains(&notice) {
            known.notices.push(notice);
        }
    }

    /// Returns the number of HTTP requests sent.
    pub fn requests(&self) -> u64 {
        self.requests.get()
    }

    pub(crate) fn known(&self) -> KnownSoFar {
        self.known.borrow().clone()
    }
}

/// Logs the status of an answer, or its error, and how long it took.
fn log_answer(said: &str, answer: &Result<HttpResponse, TransportError>, started: Instant) {
    let took = started.elapsed().as_millis();
    match answer {
        Ok(response) => tracing::debug!("{said}: {} in {took} ms", response.status),
        Err(error) => tracing::debug!("{said}: {error} after {took} ms"),
    }
}

#[cfg(test)]
mod tests;
