//! A temporary bare repository, which is removed when its value is dropped.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use contract::Commit;
use tempfile::TempDir;

use crate::{error::GitError, objects::ObjectStore};

/// The name of the remote in it; not `origin`, for which the user's own settings may have values.
pub(crate) const REMOTE: &str = "runbook";

/// The reference of the fetched tip.
pub(crate) const TIP: &str = "refs/runbook/tip";

/// The remote is a promisor: git accepts that file contents are missing, as in a partial clone.
const CONFIG: &str = "\
[core]
\trepositoryformatversion = 0
\tbare = true
[remote \"runbook\"]
\tpromisor = true
\tpartialclonefilter = blob:none
";

/// The prefix of the folders of all runs.
const PREFIX: &str = "runbook-git-";

/// A file that stays locked as long as the run that made the folder lives.
const ALIVE: &str = "alive";

/// The age from which a folder without that file counts as abandoned. A younger one may belong to a
/// run that has just begun; an older one was made again by a git that outlived its killed run.
const UNFINISHED: Duration = Duration::from_secs(60);

/// A temporary bare repository.
pub(crate) struct BareRepository {
    folder: TempDir,
    /// The system unlocks it when the process ends, however it ends.
    _alive: File,
}

impl BareRepository {
    /// Makes an empty repository, without the user's templates.
    pub(crate) fn new() -> Result<Self, GitError> {
        sweep(&std::env::temp_dir());
        make().map_err(|error| GitError::not_written("make a temporary repository", &error))
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the last fetched tip.
    pub(crate) fn tip(&self) -> Result<Commit, GitError> {
        let path: PathBuf = self.path().join(TIP);
        let text = fs::read_to_string(&path).map_err(GitError::other)?;
        text.trim().parse().map_err(GitError::other)
    }

    /// Opens the object database. Callers open it again after every fetch, to see the new packs.
    ///
    /// gix's object database alone makes a program half a megabyte smaller than its whole
    /// repository.
    pub(crate) fn objects(&self) -> Result<ObjectStore, GitError> {
        gix_odb::at(self.path().join("objects"), gix_hash::Kind::Sha1).map_err(GitError::other)
    }
}

fn make() -> io::Result<BareRepository> {
    let folder = tempfile::Builder::new().prefix(PREFIX).tempdir()?;
    let path = |name: &str| folder.path().join(name);
    // The file is locked before it gets its name, so no other run ever finds it unlocked.
    let alive = File::create(path("new"))?;
    alive.try_lock()?;
    fs::rename(path("new"), path(ALIVE))?;
    for inner in ["objects", "refs/runbook"] {
        fs::create_dir_all(path(inner))?;
    }
    fs::write(path("HEAD"), "ref: refs/heads/none\n")?;
    fs::write(path("config"), CONFIG)?;
    Ok(BareRepository {
        folder,
        _alive: alive,
    })
}

/// Removes the folders of killed runs, which would fill the disk of a machine that is never reset.
fn sweep(temporary: &Path) {
    for entry in fs::read_dir(temporary).into_iter().flatten().flatten() {
        let folder = entry.path();
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) || !is_abandoned(&folder) {
            continue;
        }
        tracing::debug!("remove {}, left behind by an earlier run", folder.display());
        // This may fail: the folder may belong to another user, or a child of the killed run may
        // still write there. The next run then tries again.
        let _ = remove(&folder);
    }
}

/// Removes a folder, with the [`ALIVE`] file last: it shows other runs that the folder is
/// abandoned.
fn remove(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            fs::remove_dir_all(path)?;
        } else if !path.ends_with(ALIVE) {
            fs::remove_file(path)?;
        }
    }
    fs::remove_dir_all(folder)
}

fn is_abandoned(folder: &Path) -> bool {
    match File::open(folder.join(ALIVE)) {
        Ok(alive) => alive.try_lock().is_ok(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let age = fs::metadata(folder)
                .and_then(|metadata| metadata.modified())
                .map(|time| time.elapsed());
            matches!(age, Ok(Ok(age)) if age > UNFINISHED)
        }
        Err(_) => false,
    }
}

impl Drop for BareRepository {
    /// Removes the folder, in several attempts: children of a killed git may still write for a
    /// moment.
    fn drop(&mut self) {
        for _ in 0..20 {
            match fs::remove_dir_all(self.path()) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    thread::sleep(Duration::from_millis(10));
                }
                _ => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_of_dead_runs_are_removed() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = |name: &str| {
            let folder = temporary.path().join(name);
            fs::create_dir(&folder).unwrap();
            folder
        };
        let (dead, alive) = (folder("runbook-git-dead"), folder("runbook-git-alive"));
        fs::write(dead.join(ALIVE), "").unwrap();
        let lock = File::create(alive.join(ALIVE)).unwrap();
        lock.try_lock().unwrap();
        let (unfinished, other) = (folder("runbook-git-unfinished"), folder("other"));
        fs::write(other.join(ALIVE), "").unwrap();
        sweep(temporary.path());
        let exist = [&dead, &alive, &unfinished, &other].map(|folder| folder.exists());
        assert_eq!(exist, [false, true, true, true]);
        drop(lock);
        sweep(temporary.path());
        assert!(!alive.exists());
    }
}
