//! One request: sent, retried, redirected, limited.

use std::time::Duration;

use contract::{
    World, asking,
    world::{BoundSecret, HttpRequest, HttpResponse, JsonWeight, Origin, Tls, TransportError},
};
use tokio::time::{Instant, timeout};
use url::Url;

use crate::{
    FetchError, HttpAnswer, HttpStream, StreamAnswer,
    redirect_policy::{FetchBody, FetchHeader, RedirectTrail},
    retry,
};

/// How long a server may take to send the head of an answer.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a body may pause.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);
/// The largest body unless the caller sets a limit. The distribution specification asks registries
/// to accept manifests of 4 MiB, and the APIs in use answer with less.
const MAX_BODY_SIZE: usize = 4 << 20;
/// The most memory that each byte of the largest body may need as JSON, unless the caller sets a
/// limit. A byte of text needs one, a byte of `{}` hundreds.
const MEMORY_PER_BYTE: usize = 64;
/// How many redirects are followed; blobs need one.
const MAX_REDIRECTS: usize = 5;

/// A request that is being built.
pub struct FetchRequest<'f> {
    world: &'f World,
    tls: &'f Tls,
    method: &'static str,
    url: Url,
    headers: Vec<FetchHeader>,
    body: FetchBody,
    is_repeatable: bool,
    has_secret_answer: bool,
    is_costly: bool,
    is_once_if_limited: bool,
    is_graphql: bool,
    led_by: Option<Origin>,
    limit: usize,
    memory_limit: Option<usize>,
}

impl<'f> FetchRequest<'f> {
    pub(crate) fn new(world: &'f World, tls: &'f Tls, method: &'static str, url: Url) -> Self {
        Self {
            world,
            tls,
            method,
            url,
            headers: Vec::new(),
            body: FetchBody::Plain(Vec::new()),
            is_repeatable: false,
            has_secret_answer: false,
            is_costly: false,
            is_once_if_limited: false,
            is_graphql: false,
            led_by: None,
            limit: MAX_BODY_SIZE,
            memory_limit: None,
        }
    }

    pub(crate) fn body(mut self, body: FetchBody) -> Self {
        self.body = body;
        self
    }

    /// Adds a header; the name is lowercase.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push(FetchHeader::Plain(name, value.into()));
        self
    }

    /// Adds a header with a secret. It is sent to its own server only, not to one that this server
    /// redirects to, and over plain HTTP only on loopback.
    #[must_use]
    pub fn secret_header(mut self, name: &'static str, secret: BoundSecret) -> Self {
        self.headers.push(FetchHeader::Secret(name, secret));
        self
    }

    /// Limits the body of the answer.
    #[must_use]
    pub fn limit(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    /// Limits the memory that the JSON of the answer may need: a server could fill it with objects
    /// of two bytes each.
    #[must_use]
    pub fn memory_limit(mut self, bytes: usize) -> Self {
        self.memory_limit = Some(bytes);
        self
    }

    /// Declares that another server named the address: it must not lead further in than it is.
    #[must_use]
    pub fn led_by(mut self, server: Origin) -> Self {
        self.led_by = Some(server);
        self
    }

    /// Returns the other server that named the address, if one did.
    pub fn leader(&self) -> Option<&Origin> {
        self.led_by.as_ref()
    }

    /// Declares that the answer is one of GraphQL, whose errors have the status 200. The words of
    /// any other answer with that status are data, whatever they say.
    #[must_use]
    pub fn graphql(mut self) -> Self {
        self.is_graphql = true;
        self
    }

    /// Declares that repeating the request does no harm.
    #[must_use]
    pub fn repeatable(mut self) -> Self {
        self.is_repeatable = true;
        self
    }

    /// Declares that an attempt that takes the server too long costs as much as an answer: it is
    /// repeated only once after a 502 or 504.
    #[must_use]
    pub fn costly(mut self) -> Self {
        self.is_costly = true;
        self
    }

    /// Declares that the answer contains a secret, as that of a token server does: a recording keeps
    /// only its shape.
    #[must_use]
    pub fn secret_answer(mut self) -> Self {
        self.has_secret_answer = true;
        self
    }

    /// Declares that the request is not repeated when the server limits their rate and names no pause:
    /// such a limit may be one of rejected logins, which each repetition makes longer.
    #[must_use]
    pub fn once_if_limited(mut self) -> Self {
        self.is_once_if_limited = true;
        self
    }

    /// Sends the request, again where that is safe and may help, within the time of one exchange.
    ///
    /// # Errors
    /// A [`FetchError`] when there was no answer.
    pub async fn send(self) -> Result<HttpAnswer, FetchError> {
        let end = Instant::now() + self.world.deadline().exchange();
        let mut attempts = 1;
        let mut too_long = 0;
        let mut answered = None;
        loop {
            let mut result = self.attempt(end).await;
            if is_cut_off(&result, end) {
                // An answer says more about the server than an attempt without the time for one.
                result = answered.take().map_or(result, Ok);
            }
            too_long += u32::from(retry::took_too_long(&result));
            let is_repeatable = self.is_repeatable && !(self.is_costly && too_long > 1);
            let pause = match retry::pause(&result, is_repeatable, attempts, self.world) {
                _ if self.is_limited_once(&result) => return self.finish(result, attempts),
                Some(pause) if pause < end.saturating_duration_since(Instant::now()) => pause,
                _ => return self.finish(result, attempts),
            };
            if pause >= Duration::from_secs(1) {
                let host = self.url.host_str().unwrap_or_default();
                let why = retry::explain(&result);
                self.world
                    .waiting_for(format!("the next attempt to ask {host}: {why}"));
            }
            tokio::time::sleep(pause).await;
            attempts += 1;
            answered = result.ok().or(answered);
        }
    }

    fn is_limited_once(&self, result: &Result<HttpAnswer, FetchError>) -> bool {
        self.is_once_if_limited
            && result.as_ref().is_ok_and(|answer| {
                retry::is_rate_limit(answer) && retry::requested_pause(answer, self.world).is_none()
            })
    }

    /// Opens a stream. It is never retried, since only the reader knows where to continue. `idle`
    /// limits the silence before the head and between chunks: a connection without a byte for
    /// longer is dead, even if the machines in between keep it open.
    ///
    /// # Errors
    /// A [`FetchError`] when there was no answer.
    pub async fn stream(self, idle: Duration) -> Result<StreamAnswer, FetchError> {
        let trail = RedirectTrail::start(&self.url, self.led_by.as_ref());
        let response = self.head(&trail, idle).await?;
        if (200..300).contains(&response.status) {
            let stream = HttpStream::new(response.body, idle, self.shown());
            return Ok(StreamAnswer::Stream(stream));
        }
        let end = Instant::now() + self.world.deadline().exchange();
        let answer = self.read(response, &trail, end).await;
        self.finish(answer, 1).map(StreamAnswer::Answer)
    }

    /// Turns a status that means "no answer" into an error.
    fn finish(
        &self,
        result: Result<HttpAnswer, FetchError>,
        attempts: u32,
    ) -> Result<HttpAnswer, FetchError> {
        let answer = result.map_err(|error| error.after(attempts))?;
        if retry::is_rate_limit(&answer) {
            let wait = match retry::requested_pause(&answer, self.world) {
                Some(wait) => format!(", for {} s", wait.as_secs()),
                None => String::new(),
            };
            let (source, sentence) = (answer.source(), answer.sentence());
            let text = format!("{source} limits the rate of requests{wait}{sentence}");
            return Err(FetchError::new(asking::RATE_LIMITED, text).after(attempts));
        }
        if answer.status() >= 500 || answer.status() == 408 {
            let (source, status) = (answer.source(), answer.status());
            let (quoted, id) = (answer.quoted(), answer.request_id());
            let text = format!("{source} answered {status}{quoted}{id}");
            return Err(FetchError::new(asking::SERVER_ERROR, text).after(attempts));
        }
        Ok(answer)
    }

    /// Makes one attempt, redirects included.
    async fn attempt(&self, end: Instant) -> Result<HttpAnswer, FetchError> {
        let mut trail = RedirectTrail::start(&self.url, self.led_by.as_ref());
        for _ in 0..=MAX_REDIRECTS {
            let left = end.saturating_duration_since(Instant::now());
            let response = self.head(&trail, left.min(HEAD_TIMEOUT)).await?;
            let answer = self.read(response, &trail, end).await?;
            match answer.redirect(&trail.url) {
                Some(next) if self.method == "GET" => trail = trail.follow(next)?,
                _ => return Ok(answer),
            }
        }
        Err(FetchError::new(
            asking::NOT_THE_API,
            format!(
                "`{}` redirects more than {MAX_REDIRECTS} times",
                self.shown()
            ),
        ))
    }

    /// Sends one request and waits for the head of the answer.
    async fn head(
        &self,
        trail: &RedirectTrail,
        limit: Duration,
    ) -> Result<HttpResponse, FetchError> {
        let request = HttpRequest {
            method: self.method.to_owned(),
            url: trail.url.clone(),
            headers: trail.headers(&self.headers, self.world),
            body: trail.body(&self.body)?,
            tls: self.tls.clone(),
            has_secret_answer: self.has_secret_answer,
            is_redirected: trail.url != self.url,
            led_by: trail.led_by.clone(),
        };
        let head = timeout(limit, self.world.http(request)).await;
        head.map_err(|_| self.timed_out("no answer"))?
            .map_err(|error| self.transport(&error))
    }

    async fn read(
        &self,
        mut response: HttpResponse,
        trail: &RedirectTrail,
        end: Instant,
    ) -> Result<HttpAnswer, FetchError> {
        let announced = response
            .header("content-length")
            .and_then(|length| length.parse::<usize>().ok());
        if announced.is_some_and(|length| length > self.limit) {
            return Err(self.too_large());
        }
        let body = self.read_body(&mut response, end).await?;
        let (status, headers) = (response.status, response.headers);
        let answer = HttpAnswer::new(status, headers, body, trail.url.clone());
        let answer = answer.elsewhere(trail.is_elsewhere);
        let answer = answer.secret(self.has_secret_answer);
        let answer = answer.graphql(self.is_graphql);
        Ok(answer.redacted_by(self.world.redactor()))
    }

    async fn read_body(
        &self,
        response: &mut HttpResponse,
        end: Instant,
    ) -> Result<Vec<u8>, FetchError> {
        let max_memory = self.limit.saturating_mul(MEMORY_PER_BYTE);
        let max_memory = self.memory_limit.unwrap_or(max_memory);
        let (mut body, mut weight) = (Vec::new(), JsonWeight::default());
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let chunk = timeout(left.min(IDLE_TIMEOUT), response.body.next()).await;
            let chunk = chunk.map_err(|_| self.timed_out("the answer did not end"))?;
            let Some(chunk) = chunk.map_err(|error| self.transport(&error))? else {
                return Ok(body);
            };
            if body.len() + chunk.len() > self.limit {
                return Err(self.too_large());
            }
            weight.add(&chunk);
            if weight.bytes() > max_memory {
                let text = format!("`{}` answered with too many objects", self.shown());
                return Err(FetchError::new(asking::NOT_THE_API, text));
            }
            body.extend_from_slice(&chunk);
        }
    }

    fn transport(&self, error: &TransportError) -> FetchError {
        FetchError::transport(error, &self.shown())
    }

    fn timed_out(&self, what: &str) -> FetchError {
        let text = format!("`{}`: {what} in time", self.shown());
        FetchError::new(asking::TIMED_OUT, text)
    }

    fn too_large(&self) -> FetchError {
        let (shown, limit) = (self.shown(), self.limit);
        let text = format!("`{shown}` answered with more than {limit} bytes");
        FetchError::new(asking::NOT_THE_API, text)
    }

    /// Returns the address for messages, without its query, which can be long and secret.
    fn shown(&self) -> String {
        let mut url = self.url.clone();
        url.set_query(None);
        self.world.redact(url.as_str())
    }
}

/// Returns whether the time of the exchange ended an attempt.
fn is_cut_off(result: &Result<HttpAnswer, FetchError>, end: Instant) -> bool {
    let is_late = Instant::now() >= end;
    is_late && matches!(result, Err(error) if error.reason() == asking::TIMED_OUT)
}
