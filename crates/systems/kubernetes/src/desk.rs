//! Between kube, whose services may run on any thread, and the world, which lives on one.

use std::{
    cell::RefCell,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use contract::{
    Failure, World,
    world::{BodyStream, HttpResponse, LocalFuture, TransportError, TransportErrorKind},
};
use futures_util::{StreamExt as _, stream::FuturesUnordered};
use http::{Request, Response};
use http_body::Frame;
use http_body_util::BodyExt as _;
use kube::client::Body;
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};

use crate::{
    config::{self, Nowhere, Options, Place},
    error,
    health::{HEAD_TIMEOUT, Health},
};

/// A cluster to be asked, while [`serve`](Self::serve) runs.
pub struct Cluster<'w> {
    pub(crate) world: &'w World,
    pub(crate) client: kube::Client,
    pub(crate) health: Health,
    place: Place,
    /// What asks in earnest; `None` on a tape.
    live: RefCell<Option<kube::Client>>,
    desk: RefCell<Option<mpsc::UnboundedReceiver<Question>>>,
}

/// A request on its way to the world.
struct Question {
    request: Request<Body>,
    reply: oneshot::Sender<Result<Response<Chunks>, TransportError>>,
}

/// A request as it is recorded; everything that we ask is a GET without a body.
#[derive(Serialize)]
struct Asked<'a> {
    method: &'a str,
    path: &'a str,
}

impl<'w> Cluster<'w> {
    /// Finds the cluster and logs in; nothing is asked of it yet.
    ///
    /// # Errors
    /// A `usage` [`Failure`] when the kubeconfig cannot be read or has no such context, a `denied` one when
    /// its exec plugin fails.
    pub async fn connect(world: &'w World, options: &Options) -> Result<Self, Failure> {
        let live = RefCell::new(None);
        let place: Result<Place, Nowhere> = world
            .exchange("kubeconfig", options, |_| async {
                let (place, client) = config::live(world, options).await?;
                live.replace(Some(client));
                Ok(place)
            })
            .await?;
        let (sender, receiver) = mpsc::unbounded_channel();
        Ok(Self {
            world,
            client: kube::Client::new(Asking(sender), "default"),
            health: Health::default(),
            place: place.map_err(Failure::from)?,
            live,
            desk: RefCell::new(Some(receiver)),
        })
    }

    /// Returns the API server's address.
    pub fn server(&self) -> &str {
        &self.place.server
    }

    /// Runs what asks, and answers it. Call it once.
    pub async fn serve<T>(&self, work: impl Future<Output = T>) -> T {
        let Some(mut desk) = self.desk.take() else {
            return work.await;
        };
        let mut answers = FuturesUnordered::new();
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                Some(question) = desk.recv() => answers.push(self.answer(question)),
                Some(()) = answers.next(), if !answers.is_empty() => {}
            }
        }
    }

    async fn answer(&self, Question { request, mut reply }: Question) {
        let path = request.uri().path().to_owned();
        let head = tokio::select! {
            // Whoever asked has gone, as a watch does at the end.
            () = reply.closed() => return,
            head = self.ask(request) => head,
        };
        match &head {
            Ok(head) if head.status < 500 && head.status != 429 => self.health.answered(&path),
            _ => self.health.failed(&path),
        }
        match head.and_then(split) {
            Ok((response, body, chunks)) => {
                if reply.send(Ok(response)).is_ok() {
                    pump(body, chunks).await;
                }
            }
            Err(error) => drop(reply.send(Err(error))),
        }
    }

    async fn ask(&self, request: Request<Body>) -> Result<HttpResponse, TransportError> {
        let (method, path) = (request.method().to_string(), request.uri().to_string());
        let asked = Asked {
            method: &method,
            path: &path,
        };
        let live = self.live.borrow().clone();
        let answer = self
            .world
            .exchange_http("kube", &asked, || send(live, request));
        tokio::time::timeout(HEAD_TIMEOUT, answer)
            .await
            .unwrap_or_else(|_| {
                let text = format!("no answer within {} s", HEAD_TIMEOUT.as_secs());
                Err(TransportError::new(TransportErrorKind::TimedOut, text))
            })
    }
}

async fn send(
    live: Option<kube::Client>,
    request: Request<Body>,
) -> Result<HttpResponse, TransportError> {
    let nobody = || {
        TransportError::new(
            TransportErrorKind::NotRecorded,
            "there is no cluster behind a tape",
        )
    };
    let response = live
        .ok_or_else(nobody)?
        .send(request)
        .await
        .map_err(|error| error::transport(&error))?;
    let (head, body) = response.into_parts();
    let headers = head
        .headers
        .iter()
        .filter(|(name, _)| *name == http::header::CONTENT_TYPE);
    let headers = headers
        .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())));
    Ok(HttpResponse {
        status: head.status.as_u16(),
        headers: headers.collect(),
        body: Box::new(Incoming(body)),
    })
}

/// The body of kube's own client, as the world reads one.
struct Incoming(Body);

impl BodyStream for Incoming {
    fn next(&mut self) -> LocalFuture<'_, Result<Option<Bytes>, TransportError>> {
        Box::pin(async {
            loop {
                match self.0.frame().await {
                    None => return Ok(None),
                    Some(Err(error)) => return Err(error::broken(&error)),
                    Some(Ok(frame)) => {
                        if let Ok(data) = frame.into_data() {
                            return Ok(Some(data));
                        }
                    }
                }
            }
        })
    }
}

type Piece = Result<Bytes, TransportError>;

fn split(
    head: HttpResponse,
) -> Result<(Response<Chunks>, contract::world::Body, mpsc::Sender<Piece>), TransportError> {
    let (sender, receiver) = mpsc::channel(16);
    let mut response = Response::builder().status(head.status);
    for (name, value) in &head.headers {
        response = response.header(name, value);
    }
    let response = response.body(Chunks(receiver));
    let response =
        response.map_err(|error| TransportError::new(TransportErrorKind::Broken, error))?;
    Ok((response, head.body, sender))
}

/// Passes the body on until it ends or nobody reads it any more.
async fn pump(mut body: contract::world::Body, chunks: mpsc::Sender<Piece>) {
    loop {
        let piece = tokio::select! {
            () = chunks.closed() => return,
            piece = body.next() => piece.transpose(),
        };
        let Some(piece) = piece else { return };
        let last = piece.is_err();
        if chunks.send(piece).await.is_err() || last {
            return;
        }
    }
}

/// On top of kube's stack: every request goes to the desk.
#[derive(Clone)]
struct Asking(mpsc::UnboundedSender<Question>);

impl tower::Service<Request<Body>> for Asking {
    type Response = Response<Chunks>;
    type Error = TransportError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Chunks>, TransportError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (reply, answer) = oneshot::channel();
        let sent = self.0.send(Question { request, reply });
        Box::pin(async move {
            let closed =
                || TransportError::new(TransportErrorKind::Broken, "nobody serves the cluster");
            sent.map_err(|_| closed())?;
            answer.await.map_err(|_| closed())?
        })
    }
}

/// A body whose pieces come from the world.
struct Chunks(mpsc::Receiver<Piece>);

impl http_body::Body for Chunks {
    type Data = Bytes;
    type Error = TransportError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        self.0
            .poll_recv(context)
            .map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}
