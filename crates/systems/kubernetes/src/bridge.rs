//! Bridges kube's `Send` services to the single-threaded `World`.

use std::{
    cell::RefCell,
    future::Future,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use bytes::Bytes;
use contract::{
    Failure, World,
    world::{BodyStream, HttpResponse, LocalFuture, TransportError, TransportErrorKind},
};
use futures_util::{StreamExt as _, stream::FuturesUnordered};
use http::{Request, Response, Uri};
use http_body::Frame;
use http_body_util::BodyExt as _;
use kube::client::Body;
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};
use tower::BoxError;

use crate::{
    body_limit::{BodyChunk, BodyLimit},
    config::{self, ClusterAddress, ClusterOptions, LiveCluster},
    connect_error::ConnectError,
    error::{self, FailedRequest},
    error_body,
    health::{ApiHealth, HEAD_TIMEOUT},
    kubeconfig_text,
    list_pages::ListPages,
};

/// A cluster that answers requests while [`serve`](Self::serve) runs.
pub struct Cluster<'w> {
    pub(crate) world: &'w World,
    pub(crate) client: kube::Client,
    pub(crate) health: ApiHealth,
    pages: ListPages,
    address: ClusterAddress,
    /// The cluster of the network; `None` on a tape.
    live: RefCell<Option<Rc<LiveCluster>>>,
    requests: RefCell<Option<mpsc::UnboundedReceiver<PendingRequest>>>,
}

/// A request on its way to the world.
struct PendingRequest {
    request: Request<Body>,
    reply: oneshot::Sender<Result<Response<ResponseBody>, TransportError>>,
}

/// A request as the recording has it: every request of this crate is a GET without a body.
#[derive(Serialize)]
struct RequestRecord<'a> {
    method: &'a str,
    path: &'a str,
}

impl<'w> Cluster<'w> {
    /// Finds the cluster and logs in; this sends no request to it yet.
    ///
    /// # Errors
    /// `usage` when the kubeconfig cannot be read, lacks the context, or has credentials for a server
    /// that would get them over plain HTTP; `denied` when its exec plugin fails.
    pub async fn connect(world: &'w World, options: &ClusterOptions) -> Result<Self, Failure> {
        if let Some(setting) = &options.kubeconfig {
            kubeconfig_text::expect_path(setting, world)?;
        }
        let live = RefCell::new(None);
        let address: Result<ClusterAddress, ConnectError> = world
            .exchange("kubeconfig", options, async |effects| {
                let (address, cluster) = config::connect(world, effects, options).await?;
                live.replace(Some(Rc::new(cluster)));
                Ok(address)
            })
            .await?;
        let (sender, receiver) = mpsc::unbounded_channel();
        Ok(Self {
            world,
            client: kube::Client::new(BridgeService(sender), "default"),
            health: ApiHealth::default(),
            pages: ListPages::default(),
            address: address.map_err(Failure::from)?,
            live,
            requests: RefCell::new(Some(receiver)),
        })
    }

    /// Returns the API server's address.
    pub fn server(&self) -> &str {
        &self.address.server
    }

    /// Returns what an error of a request is about.
    pub(crate) fn failed<'a>(&'a self, path: &'a str) -> FailedRequest<'a> {
        FailedRequest {
            path,
            server: self.server(),
            world: self.world,
        }
    }

    /// Runs the work and answers its requests. Call it once.
    pub async fn serve<T>(&self, work: impl Future<Output = T>) -> T {
        let Some(mut requests) = self.requests.take() else {
            return work.await;
        };
        let mut answers = FuturesUnordered::new();
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                Some(request) = requests.recv() => answers.push(self.answer(request)),
                Some(()) = answers.next(), if !answers.is_empty() => {}
            }
        }
    }

    async fn answer(&self, PendingRequest { request, mut reply }: PendingRequest) {
        let uri = request.uri().clone();
        let path = uri.path();
        let has_too_many_pages = self.pages.has_too_many(&uri);
        let head = tokio::select! {
            // The caller dropped the request, as a watch does when it ends.
            () = reply.closed() => return,
            head = self.exchange(request) => head,
        };
        match &head {
            Ok(head) if head.status < 500 && head.status != 429 => self.health.answered(path),
            _ => self.health.failed(path),
        }
        match head.and_then(|head| split(head, &uri)) {
            Ok(answer) => {
                let limit = answer.limit.or_too_many_pages(has_too_many_pages);
                let is_error = answer.response.status().as_u16() >= 400;
                if reply.send(Ok(answer.response)).is_err() {
                    return;
                }
                if is_error {
                    error_body::pump(answer.body, limit, answer.chunks).await;
                } else {
                    pump(answer.body, limit, answer.chunks).await;
                }
            }
            Err(error) => drop(reply.send(Err(error))),
        }
    }

    async fn exchange(&self, request: Request<Body>) -> Result<HttpResponse, TransportError> {
        let (method, path) = (request.method().to_string(), request.uri().to_string());
        let record = RequestRecord {
            method: &method,
            path: &path,
        };
        let live = self.live.borrow().clone();
        let answer = self
            .world
            .exchange_http("kube", &record, || send(live, request, self.world));
        tokio::time::timeout(HEAD_TIMEOUT, answer)
            .await
            .unwrap_or_else(|_| {
                let text = format!("no answer within {} s", HEAD_TIMEOUT.as_secs());
                Err(TransportError::new(TransportErrorKind::TimedOut, text))
            })
    }
}

async fn send(
    live: Option<Rc<LiveCluster>>,
    mut request: Request<Body>,
    world: &World,
) -> Result<HttpResponse, TransportError> {
    let Some(live) = live else {
        let text = "there is no cluster behind a tape";
        return Err(TransportError::new(TransportErrorKind::NotRecorded, text));
    };
    let authorized = live.credentials.authorize(&mut request, world).await;
    authorized.map_err(|failed| TransportError::new(TransportErrorKind::Broken, failed.text))?;
    let response = live.client.send(request).await;
    let response = response.map_err(|error| error::transport(&error))?;
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
        body: Box::new(KubeBody(body)),
    })
}

/// The body that kube's own client returns, as the world reads one.
struct KubeBody(Body);

impl BodyStream for KubeBody {
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

/// An answer in two parts: the response for kube, and the body that [`pump`] feeds into it.
struct SplitAnswer {
    response: Response<ResponseBody>,
    body: contract::world::Body,
    limit: BodyLimit,
    chunks: mpsc::Sender<BodyChunk>,
}

fn split(head: HttpResponse, request: &Uri) -> Result<SplitAnswer, TransportError> {
    let (chunks, receiver) = mpsc::channel(16);
    let mut response = Response::builder().status(head.status);
    for (name, value) in &head.headers {
        response = response.header(name, value);
    }
    let response = response.body(ResponseBody(receiver));
    let response =
        response.map_err(|error| TransportError::new(TransportErrorKind::Broken, error))?;
    Ok(SplitAnswer {
        response,
        body: head.body,
        limit: BodyLimit::of(request, head.status),
        chunks,
    })
}

/// Forwards the body until it ends, is too large, or its reader is gone.
async fn pump(
    mut body: contract::world::Body,
    mut limit: BodyLimit,
    chunks: mpsc::Sender<BodyChunk>,
) {
    loop {
        let chunk = tokio::select! {
            () = chunks.closed() => return,
            chunk = body.next() => chunk.transpose(),
        };
        let Some(chunk) = chunk else { return };
        let chunk = chunk.map_err(BoxError::from).and_then(|chunk| {
            limit.count(&chunk)?;
            Ok(chunk)
        });
        let last = chunk.is_err();
        if chunks.send(chunk).await.is_err() || last {
            return;
        }
    }
}

/// The service on top of kube's stack: it sends every request to [`Cluster::serve`].
#[derive(Clone)]
struct BridgeService(mpsc::UnboundedSender<PendingRequest>);

impl tower::Service<Request<Body>> for BridgeService {
    type Response = Response<ResponseBody>;
    type Error = TransportError;
    type Future =
        Pin<Box<dyn Future<Output = Result<Response<ResponseBody>, TransportError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (reply, answer) = oneshot::channel();
        let sent = self.0.send(PendingRequest { request, reply });
        Box::pin(async move {
            sent.map_err(|_| not_served())?;
            answer.await.map_err(|_| not_served())?
        })
    }
}

fn not_served() -> TransportError {
    TransportError::new(TransportErrorKind::Broken, "`Cluster::serve` does not run")
}

/// A body whose chunks come from the world.
struct ResponseBody(mpsc::Receiver<BodyChunk>);

impl http_body::Body for ResponseBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.0
            .poll_recv(context)
            .map(|chunk| chunk.map(|chunk| chunk.map(Frame::data)))
    }
}

#[cfg(test)]
mod tests;
