//! The only HTTP client: timeouts, retries, limits, redirects, redaction.
//!
//! `contract` owns the raw transport, this crate every policy. What comes back is an [`Answer`] with
//! any status that is an answer (200, 401, 404, …), or a [`FetchError`] when there was none: no
//! connection, no end, a server that failed or wanted us to wait longer than we may.

mod answer;
mod authorities;
mod error;
mod redirect_policy;
mod retry;
mod stream;

use std::time::Duration;

use contract::{
    World, asking,
    world::{Header, HttpRequest, HttpResponse, Tls},
};
use tokio::time::{Instant, timeout};
use url::Url;

pub use self::{
    answer::Answer,
    authorities::authorities,
    error::FetchError,
    redirect_policy::is_loopback,
    stream::{Opened, Stream},
};

/// How long a server may take to answer with a head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a body may pause.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);
/// What one answer may weigh unless the caller says otherwise: the distribution specification asks
/// registries to accept manifests of 4 MiB, and no API of ours answers with more.
const LIMIT: usize = 4 << 20;
/// How many redirects are followed; blobs need one.
const REDIRECTS: usize = 5;

/// Makes requests to one system, with what that system's flags say about trust.
#[derive(Clone)]
pub struct Fetch<'w> {
    world: &'w World,
    tls: Tls,
}

impl<'w> Fetch<'w> {
    /// Makes a client that trusts the public certificate authorities, and the system's.
    pub fn new(world: &'w World) -> Self {
        Self {
            world,
            tls: Tls::default(),
        }
    }

    /// Trusts the certificate authorities of this PEM text as well.
    #[must_use]
    pub fn trusting(mut self, pem: Option<Vec<u8>>) -> Self {
        self.tls.authorities = pem.map(Into::into);
        self
    }

    /// Starts a GET, which is safe to repeat.
    pub fn get(&self, url: Url) -> Request<'_> {
        self.request("GET", url, true)
    }

    /// Starts a HEAD, which is safe to repeat.
    pub fn head(&self, url: Url) -> Request<'_> {
        self.request("HEAD", url, true)
    }

    /// Starts a POST, which is repeated only when it cannot have been carried out.
    pub fn post(&self, url: Url, body: Vec<u8>) -> Request<'_> {
        let mut request = self.request("POST", url, false);
        request.body = body;
        request
    }

    fn request(&self, method: &'static str, url: Url, repeatable: bool) -> Request<'_> {
        Request {
            fetch: self,
            method,
            url,
            headers: Vec::new(),
            body: Vec::new(),
            repeatable,
            limit: LIMIT,
        }
    }
}

/// A request that is being put together.
pub struct Request<'f> {
    fetch: &'f Fetch<'f>,
    method: &'static str,
    url: Url,
    headers: Vec<Header>,
    body: Vec<u8>,
    repeatable: bool,
    limit: usize,
}

impl Request<'_> {
    /// Adds a header; the name is lowercase.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push(Header {
            name,
            value: value.into(),
            sensitive: false,
        });
        self
    }

    /// Adds a header that carries a secret. It goes to this host only, not to one that the server
    /// redirects to, and never over plain http but on loopback.
    #[must_use]
    pub fn secret_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push(Header {
            name,
            value: value.into(),
            sensitive: true,
        });
        self
    }

    /// Sets how many bytes the body may have.
    #[must_use]
    pub fn limit(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    /// Says that repeating does no harm although the method is POST.
    #[must_use]
    pub fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// Sends it, again where that is safe and may help, within the time that one exchange has.
    ///
    /// # Errors
    /// A [`FetchError`] when there was no answer.
    pub async fn send(self) -> Result<Answer, FetchError> {
        let world = self.fetch.world;
        let end = Instant::now() + world.deadline().exchange();
        let mut attempts = 1;
        loop {
            let result = self.attempt(end).await;
            let pause = match retry::after(&result, self.repeatable, attempts, world) {
                Some(pause) if Instant::now() + pause < end => pause,
                _ => return self.finish(result, attempts),
            };
            if pause >= Duration::from_secs(1) {
                let host = self.url.host_str().unwrap_or_default();
                world.waiting_for(format!("{host}: {}, asking again", retry::why(&result)));
            }
            tokio::time::sleep(pause).await;
            attempts += 1;
        }
    }

    /// Turns a status that means "no answer" into the error that it is.
    fn finish(
        &self,
        result: Result<Answer, FetchError>,
        attempts: u32,
    ) -> Result<Answer, FetchError> {
        let answer = result.map_err(|error| error.after(attempts))?;
        if retry::is_rate_limit(&answer) {
            let wait = retry::asked_for(&answer, self.fetch.world)
                .map(|wait| format!(", for {} s", wait.as_secs()));
            let text = format!(
                "{} wants fewer requests{}",
                answer.source(),
                wait.unwrap_or_default()
            );
            return Err(FetchError::new(asking::RATE_LIMITED, text).after(attempts));
        }
        if answer.status() >= 500 || answer.status() == 408 {
            let text = format!(
                "{} answered {}{}",
                answer.source(),
                answer.status(),
                answer.quoted()
            );
            return Err(FetchError::new(asking::SERVER_ERROR, text).after(attempts));
        }
        Ok(answer)
    }

    /// One attempt, redirects included.
    async fn attempt(&self, end: Instant) -> Result<Answer, FetchError> {
        let mut url = self.url.clone();
        for _ in 0..=REDIRECTS {
            let answer = self.once(&url, end).await?;
            match answer.redirect(&url) {
                Some(next) if matches!(self.method, "GET" | "HEAD") => url = next,
                _ => return Ok(answer),
            }
        }
        Err(FetchError::new(
            asking::NOT_THE_API,
            format!("`{}` redirects more than {REDIRECTS} times", self.shown()),
        ))
    }

    async fn once(&self, url: &Url, end: Instant) -> Result<Answer, FetchError> {
        let left = end.saturating_duration_since(Instant::now());
        let response = self.head_of(url, left.min(HEAD_TIMEOUT)).await?;
        self.read(response, url, end).await
    }

    /// Sends one request and waits for the head of its answer.
    async fn head_of(&self, url: &Url, limit: Duration) -> Result<HttpResponse, FetchError> {
        let request = HttpRequest {
            method: self.method.to_owned(),
            url: url.clone(),
            headers: redirect_policy::headers_for(&self.headers, &self.url, url, self.fetch.world),
            body: self.body.clone(),
            tls: self.fetch.tls.clone(),
        };
        let head = timeout(limit, self.fetch.world.http(request)).await;
        head.map_err(|_| self.timed_out("no answer"))?
            .map_err(|error| self.transport(&error))
    }

    async fn read(
        &self,
        mut response: HttpResponse,
        url: &Url,
        end: Instant,
    ) -> Result<Answer, FetchError> {
        let announced = response
            .header("content-length")
            .and_then(|length| length.parse::<usize>().ok());
        if self.method != "HEAD" && announced.is_some_and(|length| length > self.limit) {
            return Err(self.too_large());
        }
        let mut body = Vec::new();
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let chunk = timeout(left.min(IDLE_TIMEOUT), response.body.next()).await;
            let chunk = chunk.map_err(|_| self.timed_out("the answer stopped half-way"))?;
            match chunk.map_err(|error| self.transport(&error))? {
                Some(chunk) if body.len() + chunk.len() > self.limit => {
                    return Err(self.too_large());
                }
                Some(chunk) => body.extend_from_slice(&chunk),
                None => break,
            }
        }
        Ok(Answer::new(
            response.status,
            response.headers,
            body,
            url.clone(),
        ))
    }

    fn transport(&self, error: &contract::world::TransportError) -> FetchError {
        FetchError::transport(error, &self.shown())
    }

    fn timed_out(&self, what: &str) -> FetchError {
        FetchError::new(
            asking::TIMED_OUT,
            format!("`{}`: {what} in time", self.shown()),
        )
    }

    fn too_large(&self) -> FetchError {
        let text = format!(
            "`{}` answered with more than {} bytes",
            self.shown(),
            self.limit
        );
        FetchError::new(asking::NOT_THE_API, text)
    }

    /// The address without its query, which may carry what nobody needs to read.
    fn shown(&self) -> String {
        let mut url = self.url.clone();
        url.set_query(None);
        self.fetch.world.redact(url.as_str())
    }
}
