//! A temporary bare repository, gone when its value is dropped.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use contract::Commit;
use tempfile::TempDir;

use crate::{error::GitError, objects::Objects};

/// How the remote is called in there; not `origin`, which the user's own settings may know.
pub(crate) const REMOTE: &str = "runbook";

/// Where a fetched tip is kept.
pub(crate) const TIP: &str = "refs/runbook/tip";

/// A remote that promised the objects that are not here: git then fetches without file contents.
const CONFIG: &str = "\
[core]
\trepositoryformatversion = 0
\tbare = true
[remote \"runbook\"]
\tpromisor = true
\tpartialclonefilter = blob:none
";

/// What the folders of all runs begin with.
const PREFIX: &str = "runbook-git-";

/// A file that is locked as long as the run lives that made the folder.
const ALIVE: &str = "alive";

/// How old a folder must be to be left behind although it has no such file: its run has just begun, or a
/// git that outlives a killed run has made it again.
const UNFINISHED: Duration = Duration::from_secs(60);

/// The repository's folder.
pub(crate) struct Folder {
    folder: TempDir,
    /// Unlocked by the system when the process ends, in whatever way.
    _alive: File,
}

impl Folder {
    /// Makes an empty repository; nothing of the user's templates gets into it.
    pub(crate) fn new() -> Result<Self, GitError> {
        sweep(&std::env::temp_dir());
        make().map_err(|error| GitError::not_written("make a temporary repository", &error))
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the tip that was fetched last.
    pub(crate) fn tip(&self) -> Result<Commit, GitError> {
        let path: PathBuf = self.path().join(TIP);
        let text = fs::read_to_string(&path).map_err(GitError::other)?;
        text.trim().parse().map_err(GitError::other)
    }

    /// Opens its objects, anew after every fetch, since new packs have come. They alone are half a
    /// megabyte less in a program than a whole repository.
    pub(crate) fn objects(&self) -> Result<Objects, GitError> {
        gix_odb::at(self.path().join("objects"), gix_hash::Kind::Sha1).map_err(GitError::other)
    }
}

fn make() -> io::Result<Folder> {
    let folder = tempfile::Builder::new().prefix(PREFIX).tempdir()?;
    let path = |name: &str| folder.path().join(name);
    // Under its name it is never seen unlocked, as long as this process lives.
    let alive = File::create(path("new"))?;
    alive.try_lock()?;
    fs::rename(path("new"), path(ALIVE))?;
    for inner in ["objects", "refs/runbook"] {
        fs::create_dir_all(path(inner))?;
    }
    fs::write(path("HEAD"), "ref: refs/heads/none\n")?;
    fs::write(path("config"), CONFIG)?;
    Ok(Folder {
        folder,
        _alive: alive,
    })
}

/// Removes what runs have left behind that were killed: on a machine that stays, it would grow.
fn sweep(temporary: &Path) {
    let entries = fs::read_dir(temporary).into_iter().flatten().flatten();
    let ours = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX));
    for folder in ours
        .map(|entry| entry.path())
        .filter(|folder| is_left_behind(folder))
    {
        tracing::debug!("remove {}, which a run has left behind", folder.display());
        // It may be somebody else's, or a last child of the killed run may still write there: then it
        // is for the next run.
        let _ = remove(&folder);
    }
}

/// Removes a folder, and last what tells that nobody needs it.
fn remove(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        match path.is_dir() {
            true => fs::remove_dir_all(path)?,
            false if path.ends_with(ALIVE) => {}
            false => fs::remove_file(path)?,
        }
    }
    fs::remove_dir_all(folder)
}

fn is_left_behind(folder: &Path) -> bool {
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

impl Drop for Folder {
    /// A git that was just killed may have left children that write for another moment; what they
    /// write must not keep the folder.
    fn drop(&mut self) {
        for _ in 0..20 {
            match fs::remove_dir_all(self.path()) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    thread::sleep(Duration::from_millis(10))
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
    fn only_what_a_dead_run_has_left_is_removed() {
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
        let is_there = [&dead, &alive, &unfinished, &other].map(|folder| folder.exists());
        assert_eq!(is_there, [false, true, true, true]);
        drop(lock);
        sweep(temporary.path());
        assert!(!alive.exists());
    }
}
