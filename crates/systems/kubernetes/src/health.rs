//! Whether the API server answers: how long a silence is borne, per path.

use std::{cell::RefCell, collections::BTreeMap, time::Duration};

use tokio::time::Instant;

/// How long a connection may take to stand.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the head of an answer may take.
pub(crate) const HEAD_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a server keeps a watch open; then we ask again, so that a dead connection is noticed.
pub(crate) const WATCH: Duration = Duration::from_secs(30);
/// How long a connection may be silent; longer than a watch in which nothing happens.
pub(crate) const READ_TIMEOUT: Duration = Duration::from_secs(45);
/// How long an API server may be away that has answered before: long enough for a restart.
const PATIENCE: Duration = Duration::from_secs(30);
/// The same for one that has never answered.
const FIRST_PATIENCE: Duration = Duration::from_secs(3);

/// What is known of each path.
#[derive(Debug, Default)]
pub(crate) struct Health(RefCell<BTreeMap<String, Path>>);

#[derive(Debug, Default, Clone, Copy)]
struct Path {
    answered: bool,
    failing: Option<Instant>,
}

impl Health {
    /// Remembers that a path answered.
    pub(crate) fn answered(&self, path: &str) {
        self.0.borrow_mut().insert(
            path.to_owned(),
            Path {
                answered: true,
                failing: None,
            },
        );
    }

    /// Remembers that a path did not answer, or with an error that may pass.
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

    /// Returns when patience with a path ends, if it fails now.
    pub(crate) fn gives_up(&self, path: &str) -> Option<Instant> {
        let path = self.0.borrow().get(path).copied()?;
        Some(
            path.failing?
                + if path.answered {
                    PATIENCE
                } else {
                    FIRST_PATIENCE
                },
        )
    }
}
