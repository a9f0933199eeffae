//! A clone with files in it, as people and workflows have.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::GitRemote;
use super::git::{attempt, git};

/// A clone in a folder of its own.
#[derive(Debug)]
pub struct WorkingCopy {
    folder: TempDir,
}

impl GitRemote {
    /// Clones a branch into a folder of its own, as a person would.
    #[must_use]
    pub fn checkout(&self, branch: &str) -> WorkingCopy {
        let folder = tempfile::Builder::new()
            .prefix("lab-checkout-")
            .tempdir()
            .expect("a temporary folder");
        git(
            folder.path(),
            &["clone", "--quiet", "--branch", branch, &self.url(), "."],
        );
        WorkingCopy { folder }
    }
}

impl WorkingCopy {
    /// Returns the folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Returns a file's content, if it exists.
    #[must_use]
    pub fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.path().join(path)).ok()
    }

    /// Writes a file, and the folders it is in.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().expect("a file is in a folder"))
            .expect("a temporary folder");
        fs::write(path, content).expect("a temporary folder");
    }

    /// Runs git in the folder and returns its output.
    ///
    /// # Panics
    ///
    /// If git fails.
    pub fn git(&self, args: &[&str]) -> String {
        git(self.path(), args)
    }

    /// Runs git in the folder and returns its output.
    ///
    /// # Errors
    ///
    /// With git's message, if it fails.
    pub fn try_git(&self, args: &[&str]) -> Result<String, String> {
        attempt(self.path(), args).map(|said| String::from_utf8_lossy(&said).into_owned())
    }

    /// Commits all files and pushes; returns why not, if the push is refused.
    ///
    /// # Errors
    ///
    /// With git's message.
    pub fn commit_and_push(&self, message: &str) -> Result<(), String> {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", message]);
        self.try_git(&["push", "--quiet", "origin", "HEAD"])
            .map(drop)
    }
}
