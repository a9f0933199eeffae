//! The entries of a recording, in memory.

use std::{
    cell::{Ref, RefCell},
    collections::HashMap,
};

use serde_json::Value;
use tokio::time::Instant;

use crate::tape_entry::{TapeEntry, key};

/// The entries so far. They stay in memory until the end of the run: a token in an answer is known
/// to be a secret only after the step has read the answer.
pub(super) struct TapeLog {
    started: Instant,
    entries: RefCell<Vec<TapeEntry>>,
    /// How many times each request was made.
    counts: RefCell<HashMap<String, usize>>,
}

/// A request whose answer is still to come.
pub(super) struct PendingEntry {
    kind: String,
    request: Value,
    ordinal: usize,
    at_ms: u64,
}

impl TapeLog {
    pub(super) fn start() -> Self {
        Self {
            started: Instant::now(),
            entries: RefCell::default(),
            counts: RefCell::default(),
        }
    }

    pub(super) fn entries(&self) -> Ref<'_, Vec<TapeEntry>> {
        self.entries.borrow()
    }

    /// Counts a request.
    pub(super) fn ask(&self, kind: &str, request: Value) -> PendingEntry {
        let mut counts = self.counts.borrow_mut();
        let count = counts.entry(key(kind, &request)).or_default();
        let ordinal = *count;
        *count += 1;
        PendingEntry {
            kind: kind.to_owned(),
            request,
            ordinal,
            at_ms: self.elapsed_ms(),
        }
    }

    /// Adds the entry of a request that is answered now.
    pub(super) fn answer(&self, pending: PendingEntry, answer: Value) {
        let took_ms = self.elapsed_ms().saturating_sub(pending.at_ms);
        self.push(pending, took_ms, answer);
    }

    /// Adds the entry of a request whose head arrived at `head_ms`: `took_ms` is the time to the
    /// head, since the chunks of the body have times of their own.
    pub(super) fn answer_with_body(&self, pending: PendingEntry, head_ms: u64, answer: Value) {
        let took_ms = head_ms.saturating_sub(pending.at_ms);
        self.push(pending, took_ms, answer);
    }

    pub(super) fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn push(&self, pending: PendingEntry, took_ms: u64, answer: Value) {
        self.entries.borrow_mut().push(TapeEntry {
            kind: pending.kind,
            request: pending.request,
            ordinal: pending.ordinal,
            at_ms: pending.at_ms,
            took_ms,
            answer,
        });
    }
}
