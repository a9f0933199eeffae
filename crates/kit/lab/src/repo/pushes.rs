//! What happens to a push at the remote: the remote refuses it, or another writer is faster.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use super::GitRemote;
use crate::wait;

impl GitRemote {
    /// Refuses all pushes from now on with these lines, which git shows after `remote: `.
    pub fn reject_with(&self, lines: &str) {
        fs::write(self.lab("reasons"), format!("{}\n", lines.trim_end()))
            .expect("a folder of this test");
    }

    /// Refuses all pushes to this branch from now on with these lines.
    pub(crate) fn protect(&self, branch: &str, lines: &str) {
        let file = self.lab("protected").join(format!("refs/heads/{branch}"));
        fs::create_dir_all(file.parent().expect("a folder of this test"))
            .expect("a folder of this test");
        fs::write(file, lines).expect("a folder of this test");
    }

    /// Accepts pushes again.
    pub fn accept(&self) {
        fs::remove_file(self.lab("reasons")).expect("the remote did refuse");
    }

    /// Returns the number of pushes that reached the hook, the refused ones included.
    #[must_use]
    pub fn pushes(&self) -> usize {
        let log = fs::read_to_string(self.lab("pushes")).unwrap_or_default();
        log.lines().filter(|line| *line == "end").count()
    }

    /// Runs `race` once, while the hook holds the next push.
    ///
    /// A commit made there onto the branch that is pushed makes the push fail, as in a real race.
    /// Keep the value as long as the race is to be on.
    pub fn on_next_push(&self, race: impl FnOnce(&Self) + Send + 'static) -> PushRace {
        let mut race = Some(race);
        PushRace::start(self, move |remote| {
            if let Some(race) = race.take() {
                race(remote);
            }
            false
        })
    }

    /// Runs `race` while each push is held, until the returned value is dropped.
    pub fn on_every_push(&self, mut race: impl FnMut(&Self) + Send + 'static) -> PushRace {
        PushRace::start(self, move |remote| {
            race(remote);
            true
        })
    }

    fn lab(&self, file: &str) -> PathBuf {
        self.path().join("lab").join(file)
    }
}

/// A writer that is faster than the pushes; dropping this ends it.
#[must_use = "the race is over when this is dropped"]
#[derive(Debug)]
pub struct PushRace {
    remote: GitRemote,
    over: Arc<AtomicBool>,
    runner: Option<JoinHandle<()>>,
}

impl PushRace {
    /// Runs `race` whenever a push asks for it, until it returns false.
    fn start(remote: &GitRemote, race: impl FnMut(&GitRemote) -> bool + Send + 'static) -> Self {
        drop(fs::remove_dir(remote.lab("asked")));
        fs::write(remote.lab("racing"), "").expect("a folder of this test");
        let over = Arc::<AtomicBool>::default();
        let (racer, end) = (Racer(remote.clone()), Arc::clone(&over));
        let runner = thread::spawn(move || racer.run(race, &end));
        Self {
            remote: remote.clone(),
            over,
            runner: Some(runner),
        }
    }

    /// Returns whether the race was run and is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        !self.remote.lab("racing").exists()
    }
}

impl Drop for PushRace {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        if let Some(Err(panic)) = self.runner.take().map(JoinHandle::join)
            && !thread::panicking()
        {
            std::panic::resume_unwind(panic);
        }
    }
}

/// The thread of a race; when this is dropped, by a panic too, every held push continues.
struct Racer(GitRemote);

impl Racer {
    fn run(self, mut race: impl FnMut(&GitRemote) -> bool, over: &AtomicBool) {
        let asked = self.0.lab("asked");
        while !over.load(Ordering::SeqCst) {
            if asked.exists() {
                if !race(&self.0) {
                    return;
                }
                drop(fs::remove_dir(&asked));
            }
            thread::sleep(wait::PAUSE);
        }
    }
}

impl Drop for Racer {
    fn drop(&mut self) {
        drop(fs::remove_file(self.0.lab("racing")));
        drop(fs::remove_dir(self.0.lab("asked")));
    }
}
