//! An HTTP proxy that records its requests and connects to loopback only.

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncWriteExt as _, copy_bidirectional};
use tokio::net::TcpStream;

use crate::background::{Background, bind};
use crate::faulty::{RequestHead, read_head};
use crate::lock::lock;

/// A proxy for `HTTP_PROXY` and `HTTPS_PROXY`.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    book: Arc<Mutex<Book>>,
    _server: Background,
}

/// The requests so far, and the addresses of names.
#[derive(Debug, Default)]
struct Book {
    lines: Vec<String>,
    authorizations: Vec<Option<String>>,
    routes: HashMap<String, String>,
}

impl Default for Proxy {
    fn default() -> Self {
        Self::new()
    }
}

impl Proxy {
    /// Starts a proxy that connects to loopback, and answers 502 for all other targets.
    #[must_use]
    pub fn new() -> Self {
        let (listener, address) = bind();
        let book = Arc::<Mutex<Book>>::default();
        let server = Background::start(connections(listener, Arc::clone(&book)));
        Self {
            address,
            book,
            _server: server,
        }
    }

    /// Returns the proxy's URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Connects requests for `name:port` to an address on loopback.
    pub fn route(&self, authority: &str, address: &str) {
        lock(&self.book)
            .routes
            .insert(authority.to_owned(), address.to_owned());
    }

    /// Returns `CONNECT name:port` or `GET http://…` for each request so far.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        lock(&self.book).lines.clone()
    }

    /// Returns the `Proxy-Authorization` header of each request so far.
    #[must_use]
    pub fn authorizations(&self) -> Vec<Option<String>> {
        lock(&self.book).authorizations.clone()
    }
}

impl Book {
    /// Records the request and returns its target, if that is on loopback.
    fn enter(&mut self, head: &RequestHead) -> Option<String> {
        self.lines.push(format!("{} {}", head.method, head.target));
        self.authorizations
            .push(head.header("proxy-authorization").map(str::to_owned));
        let authority = authority(&head.target)?;
        let target = self.routes.get(&authority).unwrap_or(&authority);
        let host = target.rsplit_once(':')?.0;
        ["127.0.0.1", "localhost"]
            .contains(&host)
            .then(|| target.clone())
    }
}

async fn connections(listener: TcpListener, book: Arc<Mutex<Book>>) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("a non-blocking listener");
    while let Ok((stream, _)) = listener.accept().await {
        let book = Arc::clone(&book);
        tokio::spawn(async move { drop(connection(stream, book).await) });
    }
}

async fn connection(mut client: TcpStream, book: Arc<Mutex<Book>>) -> io::Result<()> {
    let Some(head) = read_head(&mut client).await? else {
        return Ok(());
    };
    let address = lock(&book).enter(&head);
    let target = match address {
        Some(address) => TcpStream::connect(address).await.ok(),
        None => None,
    };
    let Some(mut target) = target else {
        return client
            .write_all(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            .await;
    };
    match head.method.as_str() {
        "CONNECT" => {
            client
                .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
                .await?
        }
        _ => target.write_all(onward(&head).as_bytes()).await?,
    }
    target.write_all(&head.rest).await?;
    copy_bidirectional(&mut client, &mut target).await.map(drop)
}

/// Returns the head for the server: the path alone, and one request per connection.
fn onward(head: &RequestHead) -> String {
    let rest = head
        .target
        .split_once("://")
        .map_or(&*head.target, |(_, rest)| rest);
    let path = rest.find('/').map_or("/", |start| &rest[start..]);
    let mut text = format!("{} {path} HTTP/1.1\r\nConnection: close\r\n", head.method);
    for (name, value) in &head.headers {
        if !["connection", "proxy-connection", "proxy-authorization"]
            .contains(&&*name.to_ascii_lowercase())
        {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    text + "\r\n"
}

/// Returns `host:port` of a target: of a URL, or as written in CONNECT.
fn authority(target: &str) -> Option<String> {
    let Some((_, rest)) = target.split_once("://") else {
        return Some(target.to_owned());
    };
    let authority = rest.split(['/', '?']).next()?;
    Some(if authority.contains(':') {
        authority.to_owned()
    } else {
        format!("{authority}:80")
    })
}
