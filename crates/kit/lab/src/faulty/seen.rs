//! A request as it came.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// The maximum length of a head; a longer one is a mistake of the client.
const HEAD_LIMIT: usize = 256 * 1024;

/// One request, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenRequest {
    /// `GET`, `HEAD`, …
    pub method: String,
    /// The target as it was asked for: path and query, or a whole URL at a proxy.
    pub path: String,
    /// All headers in their order.
    pub headers: Vec<(String, String)>,
    /// The body; chunks are joined.
    pub body: Vec<u8>,
}

impl SeenRequest {
    /// Returns the first value of a header; case does not matter.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// Returns the value of the first query parameter of this name, without decoding it.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<&str> {
        let query = self.path.split_once('?')?.1;
        query
            .split('&')
            .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    }
}

/// The head of a request, with the bytes of the body that came along.
#[derive(Debug)]
pub(crate) struct RequestHead {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) rest: Vec<u8>,
}

impl RequestHead {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }
}

/// Reads up to the empty line; `None` if the client hangs up first.
pub(crate) async fn read_head(
    stream: &mut (impl AsyncRead + Unpin),
) -> io::Result<Option<RequestHead>> {
    let mut raw = Vec::new();
    loop {
        if let Some(end) = position(&raw, b"\r\n\r\n") {
            let rest = raw.split_off(end + 4);
            return parse(&raw, rest).map(Some);
        }
        if raw.len() > HEAD_LIMIT {
            return Err(io::Error::other("the head of this request is too long"));
        }
        if stream.read_buf(&mut raw).await? == 0 {
            return Ok(None);
        }
    }
}

fn parse(raw: &[u8], rest: Vec<u8>) -> io::Result<RequestHead> {
    let text = String::from_utf8_lossy(raw).into_owned();
    let mut lines = text.lines();
    let mut request = lines
        .next()
        .unwrap_or_default()
        .split(' ')
        .map(str::to_owned);
    let (Some(method), Some(target)) = (request.next(), request.next()) else {
        return Err(io::Error::other("not a request line"));
    };
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers = headers
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    Ok(RequestHead {
        method,
        target,
        headers,
        rest,
    })
}

/// Reads a whole request; `None` if the client hangs up first.
pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<SeenRequest>> {
    let Some(head) = read_head(stream).await? else {
        return Ok(None);
    };
    let RequestHead {
        method,
        target: path,
        headers,
        rest,
        ..
    } = head;
    let body = match find(&headers, "transfer-encoding") {
        Some(_) => read_chunks(stream, rest).await?,
        None => {
            let length = find(&headers, "content-length").and_then(|length| length.parse().ok());
            read_to(stream, rest, length.unwrap_or(0)).await?
        }
    };
    Ok(Some(SeenRequest {
        method,
        path,
        headers,
        body,
    }))
}

async fn read_to(
    stream: &mut (impl AsyncRead + Unpin),
    mut body: Vec<u8>,
    length: usize,
) -> io::Result<Vec<u8>> {
    while body.len() < length {
        more(stream, &mut body).await?;
    }
    Ok(body)
}

async fn read_chunks(
    stream: &mut (impl AsyncRead + Unpin),
    mut raw: Vec<u8>,
) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let Some(end) = position(&raw, b"\r\n") else {
            more(stream, &mut raw).await?;
            continue;
        };
        let size = String::from_utf8_lossy(&raw[..end]).into_owned();
        let size = usize::from_str_radix(size.trim(), 16).map_err(io::Error::other)?;
        raw = read_to(stream, raw.split_off(end + 2), size + 2).await?;
        body.extend_from_slice(&raw[..size]);
        raw.drain(..size + 2);
        if size == 0 {
            return Ok(body);
        }
    }
}

async fn more(stream: &mut (impl AsyncRead + Unpin), bytes: &mut Vec<u8>) -> io::Result<()> {
    match stream.read_buf(bytes).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

fn find<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers
        .iter()
        .find(|(other, _)| other.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_str())
}

fn position(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}
