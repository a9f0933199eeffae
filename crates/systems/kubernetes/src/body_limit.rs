//! Limits the memory that an answer may need, whatever the server sends.

use std::{error::Error as StdError, fmt};

use bytes::Bytes;
use http::Uri;
use tower::BoxError;

/// A part of a body on its way to kube.
pub(crate) type BodyChunk = Result<Bytes, BoxError>;

/// The largest event of a watch. An API server stores no object above 1.5 MiB.
const MAX_EVENT: usize = 4 << 20;
/// The largest page of a list: 500 objects.
const MAX_PAGE: usize = 64 << 20;
/// The largest log or error; of a log, 64 KiB are requested.
const MAX_TEXT: usize = 1 << 20;

/// Counts the bytes of one answer.
#[derive(Debug)]
pub(crate) struct BodyLimit {
    max: usize,
    /// Whether only the current line counts, as in a watch.
    is_by_line: bool,
    count: usize,
}

impl BodyLimit {
    /// Makes the limit of the answer to a request.
    pub(crate) fn of(request: &Uri, status: u16) -> Self {
        let query = request.query().unwrap_or_default();
        let is_watch = query.split('&').any(|part| part == "watch=true");
        let (max, is_by_line) = if status != 200 || request.path().ends_with("/log") {
            (MAX_TEXT, false)
        } else if is_watch {
            (MAX_EVENT, true)
        } else {
            (MAX_PAGE, false)
        };
        Self {
            max,
            is_by_line,
            count: 0,
        }
    }

    /// Counts a chunk. Lines that begin and end within it are as small as a chunk.
    pub(crate) fn count(&mut self, chunk: &[u8]) -> Result<(), BodyTooLarge> {
        let is_end = |byte: &u8| self.is_by_line && *byte == b'\n';
        let end = chunk.iter().position(is_end).unwrap_or(chunk.len());
        let last_end = chunk[end..].iter().rposition(is_end);
        self.count += end;
        let is_too_large = self.count > self.max;
        if let Some(at) = last_end {
            self.count = chunk.len() - end - at - 1;
        }
        if is_too_large || self.count > self.max {
            return Err(BodyTooLarge { max: self.max });
        }
        Ok(())
    }
}

/// An answer above its limit.
#[derive(Debug)]
pub(crate) struct BodyTooLarge {
    max: usize,
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
        write!(f, "an answer of more than {} MiB", self.max >> 20)
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
