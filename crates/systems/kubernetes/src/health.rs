//! Whether the API server answers: how long each path may be silent.

use std::{cell::RefCell, collections::BTreeMap, time::Duration};

use tokio::time::Instant;

/// How long establishing a connection may take.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the head of an answer may take.
pub(crate) const HEAD_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a server keeps a watch open; the next one then notices a dead connection.
pub(crate) const WATCH_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a connection may be silent; longer than a watch without events.
pub(crate) const READ_TIMEOUT: Duration = Duration::from_secs(45);
/// How long a server that has answered before may be away: long enough for a restart.
const RESTART_TIMEOUT: Duration = Duration::from_secs(30);
/// The same for a server that has never answered.
const FIRST_ANSWER_TIMEOUT: Duration = Duration::from_secs(3);

/// The state of each path.
#[derive(Debug, Default)]
pub(crate) struct ApiHealth(RefCell<BTreeMap<String, PathHealth>>);

#[derive(Debug, Default, Clone, Copy)]
struct PathHealth {
    answered: bool,
    failing: Option<Instant>,
}

impl ApiHealth {
    /// Remembers that a path answered.
    pub(crate) fn answered(&self, path: &str) {
        self.0.borrow_mut().insert(
            path.to_owned(),
            PathHealth {
                answered: true,
                failing: None,
            },
        );
    }

    /// Remembers that a path did not answer, or answered with a transient error.
    pub(crate) fn failed(&self, path: &str) {
        let mut paths = self.0.borrow_mut();
        paths
            .entry(path.to_owned())
            .or_default()
            .failing
            .get_or_insert_with(Instant::now);
    }

    /// Returns whether a path fails now.
    pub(crate) fn is_failing(&self, path: &str) -> bool {
        self.0
            .borrow()
            .get(path)
            .is_some_and(|path| path.failing.is_some())
    }

    /// Returns when to give up on a path, if it fails now.
    pub(crate) fn gives_up(&self, path: &str) -> Option<Instant> {
        let path = self.0.borrow().get(path).copied()?;
        let timeout = if path.answered {
            RESTART_TIMEOUT
        } else {
            FIRST_ANSWER_TIMEOUT
        };
        Some(path.failing? + timeout)
    }
}
