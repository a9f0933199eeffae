//! Connections, and the ways to send a reply.

use std::io;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;

use super::reply::{Manner, ReplyBody, ScriptedReply};
use super::seen::{self, SeenRequest};
use crate::lock::lock;

/// Bytes written right before an abort may never arrive, so the cut waits this long.
const BEFORE_THE_CUT: Duration = Duration::from_millis(50);

type AnswerFn = dyn Fn(&SeenRequest) -> ScriptedReply + Send + Sync;

/// Accepts connections until the task ends, each on a task of its own.
pub(super) async fn connections(
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    log: Arc<Mutex<Vec<SeenRequest>>>,
    answer: Arc<AnswerFn>,
) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("a non-blocking listener");
    while let Ok((stream, _)) = listener.accept().await {
        let (tls, log, answer) = (tls.clone(), Arc::clone(&log), Arc::clone(&answer));
        tokio::spawn(async move {
            // A client that hangs up, or rejects the certificate, is the business of its test.
            drop(match tls {
                None => connection(stream, log, answer).await,
                Some(tls) => match TlsAcceptor::from(tls).accept(stream).await {
                    Ok(stream) => connection(stream, log, answer).await,
                    Err(error) => Err(error),
                },
            });
        });
    }
}

async fn connection(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    log: Arc<Mutex<Vec<SeenRequest>>>,
    answer: Arc<AnswerFn>,
) -> io::Result<()> {
    let Some(seen) = seen::read(&mut stream).await? else {
        return Ok(());
    };
    lock(&log).push(seen.clone());
    let reply = answer(&seen);
    match &reply.manner {
        Manner::HangUp => return Ok(()),
        Manner::Silent => return std::future::pending().await,
        Manner::Forward(address) => return forward(&mut stream, &seen, address).await,
        _ => stream.write_all(reply.head().as_bytes()).await?,
    }
    stream.flush().await?;
    if seen.method != "HEAD" {
        send_body(&mut stream, &reply).await?;
    }
    stream.shutdown().await
}

async fn send_body(
    stream: &mut (impl AsyncWrite + Unpin),
    reply: &ScriptedReply,
) -> io::Result<()> {
    match (&reply.manner, &reply.body) {
        (Manner::HeadersOnly, _) => std::future::pending().await,
        (Manner::Cut(size), ReplyBody::Fixed(bytes)) => {
            cut(stream, &bytes[..(*size).min(bytes.len())]).await
        }
        (Manner::Cut(size), ReplyBody::Filled { byte, .. }) => {
            cut(stream, &vec![*byte; *size]).await
        }
        (Manner::Drip(size, pause), ReplyBody::Fixed(bytes)) => {
            drip(stream, bytes, *size, *pause).await
        }
        (_, ReplyBody::Fixed(bytes)) => stream.write_all(bytes).await,
        (_, ReplyBody::Filled { byte, size, .. }) => fill(stream, *byte, *size).await,
    }
}

async fn cut(stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await?;
    sleep(BEFORE_THE_CUT).await;
    Err(io::ErrorKind::ConnectionAborted.into())
}

async fn drip(
    stream: &mut (impl AsyncWrite + Unpin),
    bytes: &[u8],
    size: usize,
    pause: Duration,
) -> io::Result<()> {
    for drop in bytes.chunks(size.max(1)) {
        stream.write_all(drop).await?;
        stream.flush().await?;
        sleep(pause).await;
    }
    Ok(())
}

async fn fill(stream: &mut (impl AsyncWrite + Unpin), byte: u8, size: u64) -> io::Result<()> {
    let block = vec![byte; 64 * 1024];
    let mut left = size;
    while left > 0 {
        let now = left.min(block.len() as u64);
        stream.write_all(&block[..now as usize]).await?;
        left -= now;
    }
    Ok(())
}

/// Sends the request to another server, and its whole answer to the client.
async fn forward(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    seen: &SeenRequest,
    address: &str,
) -> io::Result<()> {
    let mut target = TcpStream::connect(address).await?;
    let mut head = format!(
        "{} {} HTTP/1.1\r\nConnection: close\r\n",
        seen.method, seen.path
    );
    for (name, value) in &seen.headers {
        if !["connection", "transfer-encoding", "content-length"]
            .contains(&&*name.to_ascii_lowercase())
        {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n", seen.body.len()));
    target.write_all(head.as_bytes()).await?;
    target.write_all(&seen.body).await?;
    tokio::io::copy(&mut target, stream).await?;
    stream.shutdown().await
}
