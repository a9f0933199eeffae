//! A temporary bare repository, which is removed when its value is dropped.

use std::{
    fs::{self, File, Permissions},
    io,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
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
        let failed = |error| GitError::not_written("make a temporary repository", &error);
        let repository = make().map_err(failed)?;
        let metadata = fs::symlink_metadata(repository.path()).map_err(failed)?;
        sweep(&std::env::temp_dir(), metadata.uid());
        Ok(repository)
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
    // Other users of the machine must not read a private repository.
    let folder = tempfile::Builder::new()
        .prefix(PREFIX)
        .permissions(Permissions::from_mode(0o700))
        .tempdir()?;
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
///
/// Every user of the machine may put something into the temporary folder. Only a folder that no
/// other user can change is looked into, and no link is followed.
fn sweep(temporary: &Path, user: u32) {
    for entry in fs::read_dir(temporary).into_iter().flatten().flatten() {
        let folder = entry.path();
        let is_candidate = entry.file_name().to_string_lossy().starts_with(PREFIX);
        if !is_candidate || !is_own(&folder, user) || !is_abandoned(&folder) {
            continue;
        }
        tracing::debug!("remove {}, left behind by an earlier run", folder.display());
        // This may fail: a child of the killed run may still write there. A later run then tries
        // again. It follows no links.
        let _ = fs::remove_dir_all(&folder);
    }
}

/// Returns whether the path is a folder of this user, in which no other user can change anything.
fn is_own(folder: &Path, user: u32) -> bool {
    fs::symlink_metadata(folder).is_ok_and(|metadata| {
        metadata.is_dir() && metadata.uid() == user && metadata.mode() & 0o022 == 0
    })
}

/// Returns whether no run has locked the file [`ALIVE`] of a folder.
fn is_abandoned(folder: &Path) -> bool {
    let alive = folder.join(ALIVE);
    match fs::symlink_metadata(&alive) {
        // Opening a pipe would wait for its writer.
        Ok(metadata) if metadata.is_file() => {
            File::open(alive).is_ok_and(|alive| alive.try_lock().is_ok())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let age = fs::symlink_metadata(folder)
                .and_then(|metadata| metadata.modified())
                .map(|time| time.elapsed());
            matches!(age, Ok(Ok(age)) if age > UNFINISHED)
        }
        _ => false,
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

    /// A temporary folder, and the user who made it.
    struct Temporary(TempDir, u32);

    impl Temporary {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let user = fs::metadata(folder.path()).unwrap().uid();
            Self(folder, user)
        }

        /// Makes a folder that only its user can change.
        fn folder(&self, name: &str) -> PathBuf {
            let folder = self.0.path().join(name);
            fs::create_dir(&folder).unwrap();
            fs::set_permissions(&folder, Permissions::from_mode(0o700)).unwrap();
            folder
        }

        fn abandoned(&self, name: &str) -> PathBuf {
            let folder = self.folder(name);
            fs::write(folder.join(ALIVE), "").unwrap();
            folder
        }

        fn sweep(&self) {
            sweep(self.0.path(), self.1);
        }
    }

    #[test]
    fn only_folders_of_dead_runs_are_removed() {
        let temporary = Temporary::new();
        let dead = temporary.abandoned("runbook-git-dead");
        let alive = temporary.abandoned("runbook-git-alive");
        let lock = File::open(alive.join(ALIVE)).unwrap();
        lock.try_lock().unwrap();
        let unfinished = temporary.folder("runbook-git-unfinished");
        let other = temporary.abandoned("other");
        temporary.sweep();
        let exist = [&dead, &alive, &unfinished, &other].map(|folder| folder.exists());
        assert_eq!(exist, [false, true, true, true]);
        drop(lock);
        // A program that another test is starting holds the lock until it runs.
        let is_removed = (0..100).any(|_| {
            temporary.sweep();
            thread::sleep(Duration::from_millis(10));
            !alive.exists()
        });
        assert!(is_removed);
    }

    #[test]
    fn what_others_put_there_stays() {
        let temporary = Temporary::new();
        let target = temporary.abandoned("target");
        std::os::unix::fs::symlink(&target, temporary.0.path().join("runbook-git-link")).unwrap();
        let open = temporary.abandoned("runbook-git-open");
        fs::set_permissions(&open, Permissions::from_mode(0o777)).unwrap();
        let pipe = temporary.folder("runbook-git-pipe");
        let made = std::process::Command::new("mkfifo")
            .arg(pipe.join(ALIVE))
            .status();
        assert!(made.unwrap().success());
        let linked = temporary.folder("runbook-git-linked");
        std::os::unix::fs::symlink(target.join(ALIVE), linked.join(ALIVE)).unwrap();
        temporary.sweep();
        for kept in [&target.join(ALIVE), &open, &pipe, &linked] {
            assert!(kept.exists(), "{}", kept.display());
        }
        let own = temporary.abandoned("runbook-git-own");
        sweep(temporary.0.path(), temporary.1 + 1);
        assert!(own.exists(), "it belongs to another user");
    }

    #[test]
    fn an_abandoned_folder_is_removed_without_following_its_links() {
        let temporary = Temporary::new();
        let precious = temporary.folder("precious");
        fs::write(precious.join("file"), "x").unwrap();
        let dead = temporary.abandoned("runbook-git-dead");
        std::os::unix::fs::symlink(&precious, dead.join("objects")).unwrap();
        temporary.sweep();
        assert!(!dead.exists() && precious.join("file").exists());
    }

    #[test]
    fn no_other_user_can_read_a_repository() {
        let repository = make().unwrap();
        let metadata = fs::metadata(repository.path()).unwrap();
        assert_eq!(metadata.mode() & 0o777, 0o700);
    }
}
