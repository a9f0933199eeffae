//! A temporary bare repository, gone when its value is dropped.

use std::{
    fs, io,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use contract::Commit;
use tempfile::TempDir;

use crate::trouble::Trouble;

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

/// The repository's folder.
pub(crate) struct Folder(TempDir);

impl Folder {
    /// Makes an empty repository; nothing of the user's templates gets into it.
    pub(crate) fn new() -> Result<Self, Trouble> {
        let make = || -> io::Result<TempDir> {
            let folder = tempfile::Builder::new().prefix("runbook-git-").tempdir()?;
            for inner in ["objects", "refs/runbook"] {
                fs::create_dir_all(folder.path().join(inner))?;
            }
            fs::write(folder.path().join("HEAD"), "ref: refs/heads/none\n")?;
            fs::write(folder.path().join("config"), CONFIG)?;
            Ok(folder)
        };
        make().map(Self).map_err(|error| Trouble::not_written("make a temporary repository", &error))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Returns the tip that was fetched last.
    pub(crate) fn tip(&self) -> Result<Commit, Trouble> {
        let path: PathBuf = self.path().join(TIP);
        let text = fs::read_to_string(&path).map_err(Trouble::other)?;
        text.trim().parse().map_err(Trouble::other)
    }

    /// Opens it with gix. It sees no settings but those above; it is opened anew after every fetch,
    /// since new packs have come.
    pub(crate) fn open(&self) -> Result<gix::Repository, Trouble> {
        let options = gix::open::Options::isolated().open_path_as_is(true);
        gix::open_opts(self.path(), options).map_err(Trouble::other)
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
