//! Limits the memory that an answer may need, whatever the server sends.

use std::{error::Error as StdError, fmt};

use bytes::Bytes;
use contract::world::JsonWeight;
use http::Uri;
use tower::BoxError;

use crate::list_pages::MAX_PAGES;

/// A part of a body on its way to kube.
pub(crate) type BodyChunk = Result<Bytes, BoxError>;

/// The largest event of a watch. An API server stores no object above 1.5 MiB.
const MAX_EVENT: usize = 4 << 20;
/// The largest page of a list: 500 objects.
const MAX_PAGE: usize = 64 << 20;
/// The largest log or error; of a log, 64 KiB are requested.
const MAX_TEXT: usize = 1 << 20;
/// The most memory that an event of a watch may need, and a page of a list.
const MAX_EVENT_MEMORY: usize = 64 << 20;
const MAX_PAGE_MEMORY: usize = 1 << 30;

/// Counts the bytes of one answer, and its objects.
#[derive(Debug)]
pub(crate) struct BodyLimit {
    max: usize,
    max_memory: usize,
    /// Whether only the current line counts, as in a watch.
    is_by_line: bool,
    count: usize,
    weight: JsonWeight,
    has_too_many_pages: bool,
}

impl BodyLimit {
    /// Makes the limit of the answer to a request.
    pub(crate) fn of(request: &Uri, status: u16) -> Self {
        let query = request.query().unwrap_or_default();
        let is_watch = query.split('&').any(|part| part == "watch=true");
        let (max, max_memory) = if status != 200 || request.path().ends_with("/log") {
            (MAX_TEXT, usize::MAX)
        } else if is_watch {
            (MAX_EVENT, MAX_EVENT_MEMORY)
        } else {
            (MAX_PAGE, MAX_PAGE_MEMORY)
        };
        Self {
            max,
            max_memory,
            is_by_line: max == MAX_EVENT,
            count: 0,
            weight: JsonWeight::default(),
            has_too_many_pages: false,
        }
    }

    /// Refuses a page of a list that has too many of them.
    pub(crate) fn or_too_many_pages(self, has_too_many_pages: bool) -> Self {
        Self {
            has_too_many_pages,
            ..self
        }
    }

    /// Counts a chunk. Lines that begin and end within it are as small as a chunk.
    pub(crate) fn count(&mut self, chunk: &[u8]) -> Result<(), BodyTooLarge> {
        let is_end = |byte: &u8| self.is_by_line && *byte == b'\n';
        let end = chunk.iter().position(is_end).unwrap_or(chunk.len());
        let last_end = chunk[end..].iter().rposition(is_end);
        self.add(&chunk[..end])?;
        if let Some(at) = last_end {
            (self.count, self.weight) = (0, JsonWeight::default());
            self.add(&chunk[end + at + 1..])?;
        }
        Ok(())
    }

    fn add(&mut self, part: &[u8]) -> Result<(), BodyTooLarge> {
        self.count += part.len();
        self.weight.add(part);
        if self.has_too_many_pages {
            Err(BodyTooLarge::Pages)
        } else if self.count > self.max {
            Err(BodyTooLarge::Bytes { max: self.max })
        } else if self.weight.bytes() > self.max_memory {
            Err(BodyTooLarge::Objects)
        } else {
            Ok(())
        }
    }
}

/// An answer above one of its limits.
#[derive(Debug)]
pub(crate) enum BodyTooLarge {
    Bytes {
        max: usize,
    },
    /// More objects than an answer of its size has.
    Objects,
    /// The next page of a list that has enough.
    Pages,
}

impl BodyTooLarge {
    /// Finds this error among the causes of another one.
    pub(crate) fn find<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(found) = error.downcast_ref() {
                return Some(found);
            }
            next = error.source();
        }
        None
    }
}

impl fmt::Display for BodyTooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes { max } => write!(f, "an answer of more than {} MiB", max >> 20),
            Self::Objects => f.write_str("an answer with too many objects"),
            Self::Pages => write!(f, "a list of more than {MAX_PAGES} pages"),
        }
    }
}

impl StdError for BodyTooLarge {}

#[cfg(test)]
mod tests {
    use super::*;

    const PODS: &str = "/api/v1/namespaces/dex/pods";

    /// Counts chunks of a size until the limit.
    fn chunks_until_error(limit: &mut BodyLimit, chunk: &[u8]) -> usize {
        (1..100)
            .find(|_| limit.count(chunk).is_err())
            .unwrap_or(100)
    }

    #[test]
    fn an_endless_line_of_a_watch_ends() {
        let uri = format!("{PODS}?watch=true&resourceVersion=7")
            .parse()
            .unwrap();
        let limit = || BodyLimit::of(&uri, 200);
        assert_eq!(chunks_until_error(&mut limit(), &[b' '; 1 << 20]), 5);
        let mut line = vec![b' '; 1 << 20];
        line[5] = b'\n';
        assert_eq!(chunks_until_error(&mut limit(), &line), 100);
        let two_lines = [vec![b' '; 5 << 20], b"\n{}\n".to_vec()].concat();
        assert_eq!(chunks_until_error(&mut limit(), &two_lines), 1);
    }

    #[test]
    fn objects_of_two_bytes_do_not_fill_the_memory() {
        let until = |uri: &str, chunk: &[u8]| {
            let mut limit = BodyLimit::of(&uri.parse().unwrap(), 200);
            chunks_until_error(&mut limit, chunk)
        };
        let (page, watch) = (format!("{PODS}?limit=500"), format!("{PODS}?watch=true"));
        let objects = "{},".repeat(100_000);
        assert_eq!(until(&page, objects.as_bytes()), 20, "6 of 64 MiB");
        assert_eq!(until(&watch, objects.as_bytes()), 2);
        let lines = "{},".repeat(50_000) + "\n";
        assert_eq!(until(&watch, lines.as_bytes()), 100);
        // As an API server writes pods: an object in 50 bytes.
        let pods = format!("{{{}", "x".repeat(40)).repeat(10_000);
        assert_eq!(until(&page, pods.as_bytes()), 100);
        assert_eq!(until(&format!("{PODS}/dex-1/log"), objects.as_bytes()), 4);
    }

    #[test]
    fn a_list_ends() {
        let uri = format!("{PODS}?limit=500&continue=x").parse().unwrap();
        let mut limit = BodyLimit::of(&uri, 200).or_too_many_pages(true);
        let error = limit.count(b"{}").unwrap_err();
        assert_eq!(error.to_string(), "a list of more than 300 pages");
    }

    #[test]
    fn a_page_a_log_and_an_error_end() {
        let until = |uri: &str, status| {
            let mut limit = BodyLimit::of(&uri.parse().unwrap(), status);
            chunks_until_error(&mut limit, &[b'\n'; 1 << 20])
        };
        assert_eq!(until(&format!("{PODS}?limit=500"), 200), 65);
        assert_eq!(until(&format!("{PODS}/dex-1/log?tailLines=25"), 200), 2);
        assert_eq!(until(&format!("{PODS}?watch=true"), 403), 2);
    }
}
