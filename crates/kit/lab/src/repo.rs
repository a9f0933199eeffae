//! Real git: a bare repository to push to, and the ways in which a push can fail.
//!
//! ```
//! let remote = lab::GitRemote::new();
//! let first = remote.commit("main", &[("README.md", "# dex\n", false)], "docs: start");
//! assert_eq!(remote.tip("main"), first);
//! ```

mod checkout;
mod git;
mod hooks;
mod http;
mod import;
mod log;
mod objects;
mod pushes;
mod refs;
mod ssh;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tempfile::TempDir;

pub use checkout::WorkingCopy;
pub use http::HttpRemote;
pub use import::{GraftedCommit, TreeChange};
pub use log::LoggedCommit;
pub(crate) use objects::{GitObject, ObjectReader};
pub use pushes::PushRace;
pub use ssh::Ssh;

use git::{FIRST_DATE, git, run, try_git};

/// The author of all that the kit commits.
pub const AUTHOR: &str = "Somebody <somebody@example.com>";

/// The settings of a remote; git's own clean-up never runs during a test.
const SETTINGS: &str = "\
[uploadpack]
\tallowFilter = true
\tallowAnySHA1InWant = true
[http]
\treceivepack = true
[receive]
\tfsckObjects = true
[gc]
\tauto = 0
";

/// A bare repository in a folder of its own; its clones are the same repository.
#[derive(Clone, Debug)]
pub struct GitRemote {
    folder: Arc<TempDir>,
    commits: Arc<AtomicU64>,
}

impl Default for GitRemote {
    fn default() -> Self {
        Self::new()
    }
}

impl GitRemote {
    /// Creates an empty repository, whose `HEAD` is the branch `main`. Partial clones are allowed.
    #[must_use]
    pub fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("lab-repo-")
            .tempdir()
            .expect("a temporary folder");
        let remote = Self {
            folder: Arc::new(folder),
            commits: Arc::default(),
        };
        git(
            remote.folder.path(),
            &["init", "--quiet", "--bare", "-b", "main", "remote.git"],
        );
        let config = remote.path().join("config");
        let written = std::fs::read_to_string(&config).expect("git wrote its settings");
        std::fs::write(config, written + SETTINGS).expect("a temporary folder");
        hooks::install(&remote.path());
        remote
    }

    /// Creates a repository of `count` files, 100 to a folder, in one commit on `main`.
    #[must_use]
    pub fn with_files(count: usize) -> Self {
        let remote = Self::new();
        remote.change("main", &import::many(count), "chore: many files");
        remote
    }

    /// Returns the path of the bare repository.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("remote.git")
    }

    /// Returns the `file://` URL of the repository.
    #[must_use]
    pub fn url(&self) -> String {
        format!("file://{}", self.path().display())
    }

    /// Commits files (path, content, whether executable) onto a branch, and returns the commit.
    ///
    /// A missing branch is created: from `HEAD`'s branch, or from nothing. No hook runs.
    pub fn commit(&self, branch: &str, files: &[(&str, &str, bool)], message: &str) -> String {
        let change = |&(path, content, executable): &(&str, &str, bool)| {
            if executable {
                TreeChange::executable(path, content)
            } else {
                TreeChange::file(path, content)
            }
        };
        self.change(
            branch,
            &files.iter().map(change).collect::<Vec<_>>(),
            message,
        )
    }

    /// Commits changes of any kind onto a branch, and returns the commit.
    pub fn change(&self, branch: &str, changes: &[TreeChange], message: &str) -> String {
        self.change_as(AUTHOR, branch, changes, message)
    }

    /// Commits changes as another author: `Name <mail>`.
    pub fn change_as(
        &self,
        author: &str,
        branch: &str,
        changes: &[TreeChange],
        message: &str,
    ) -> String {
        let parent = [branch, "HEAD"].iter().find_map(|name| self.resolve(name));
        let stream = self.next(author, branch, parent.as_deref(), changes, message);
        self.import(stream);
        self.tip(branch)
    }

    /// Adds `count` unrelated commits to `main`.
    pub fn pad(&self, count: usize) {
        let commits = (0..count).flat_map(|number| {
            let parent = self.resolve("main").filter(|_| number == 0);
            let changes = [TreeChange::file("n", number.to_string())];
            self.next(
                AUTHOR,
                "main",
                parent.as_deref(),
                &changes,
                "chore: other\n",
            )
        });
        self.import(commits.collect());
    }

    /// Returns the next commit.
    fn next(
        &self,
        author: &str,
        branch: &str,
        parent: Option<&str>,
        changes: &[TreeChange],
        message: &str,
    ) -> Vec<u8> {
        let date = self.next_date();
        let commit = import::commit(branch, parent, &format!("{author} {date} +0000"), message);
        import::stream(commit, changes)
    }

    /// Writes a whole history, whose last commit becomes the tip of a new branch.
    pub fn graft(&self, branch: &str, commits: &[GraftedCommit]) {
        let stream = commits.iter().enumerate().flat_map(|(place, commit)| {
            commit.stream(
                branch,
                place,
                &format!("{AUTHOR} {} +0000", self.next_date()),
            )
        });
        self.import(stream.collect());
    }

    /// Returns the time of the next commit, a minute after the previous one.
    fn next_date(&self) -> u64 {
        FIRST_DATE + 60 * self.commits.fetch_add(1, Ordering::SeqCst)
    }

    fn import(&self, stream: Vec<u8>) {
        run(&self.path(), &["fast-import", "--quiet"], stream);
    }

    /// Merges a branch into another one by a merge commit, as a forge does, and returns that
    /// commit.
    ///
    /// # Panics
    ///
    /// If both have changed the same lines.
    pub fn merge(&self, branch: &str, into: &str, message: &str) -> String {
        let (ours, theirs) = (self.tip(into), self.tip(branch));
        let tree = self.git(&["merge-tree", "--write-tree", &ours, &theirs]);
        let commit = [
            "commit-tree",
            tree.trim(),
            "-p",
            &ours,
            "-p",
            &theirs,
            "-m",
            message,
        ];
        let commit = self.git(&commit).trim().to_owned();
        self.git(&["update-ref", &format!("refs/heads/{into}"), &commit]);
        commit
    }

    /// Returns the tip of a branch.
    ///
    /// # Panics
    ///
    /// If there is no such branch.
    #[must_use]
    pub fn tip(&self, branch: &str) -> String {
        self.resolve(branch)
            .unwrap_or_else(|| panic!("no branch `{branch}` in {:?}", self.branches()))
    }

    /// Returns the names of the branches, in the order of the alphabet.
    #[must_use]
    pub fn branches(&self) -> Vec<String> {
        let names = self.git(&["for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads"]);
        names.lines().map(str::to_owned).collect()
    }

    /// Deletes a branch, as another user might in the meantime.
    pub fn delete_branch(&self, branch: &str) {
        self.git(&["update-ref", "-d", &format!("refs/heads/{branch}")]);
    }

    /// Puts a lightweight tag on a commit.
    pub fn tag(&self, name: &str, commit: &str) {
        self.git(&["update-ref", &format!("refs/tags/{name}"), commit]);
    }

    /// Returns a file's content at a revision, if it exists.
    #[must_use]
    pub fn file(&self, revision: &str, path: &str) -> Option<String> {
        let output = try_git(
            &self.path(),
            &["cat-file", "blob", &format!("{revision}:{path}")],
        );
        output.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Returns a path's mode at a revision, if it exists: `100644`, `100755`, `120000`, `160000`.
    #[must_use]
    pub fn mode(&self, revision: &str, path: &str) -> Option<String> {
        let entry = self.git(&["ls-tree", revision, "--", path]);
        entry
            .split(' ')
            .next()
            .filter(|mode| !mode.is_empty())
            .map(str::to_owned)
    }

    /// Returns the commits of a branch, newest first.
    #[must_use]
    pub fn log(&self, branch: &str) -> Vec<LoggedCommit> {
        log::read(&self.git(&[
            "log",
            log::FORMAT,
            "-z",
            &format!("refs/heads/{branch}"),
            "--",
        ]))
    }

    /// Returns the diff of a commit against its first parent, with three lines of context.
    #[must_use]
    pub fn diff(&self, commit: &str) -> String {
        self.git(&[
            "diff-tree",
            "--root",
            "-p",
            "--no-commit-id",
            "--no-renames",
            commit,
            "--",
        ])
    }

    /// Checks that every object exists and is valid.
    ///
    /// # Panics
    ///
    /// With what `git fsck` found.
    pub fn fsck(&self) {
        self.git(&["fsck", "--full", "--strict", "--no-dangling"]);
    }

    /// Runs git in the bare repository and returns its output.
    ///
    /// # Panics
    ///
    /// If git fails.
    pub fn git(&self, args: &[&str]) -> String {
        git(&self.path(), args)
    }

    /// Runs git in the bare repository and returns its output, if it succeeds.
    pub(crate) fn try_git(&self, args: &[&str]) -> Option<Vec<u8>> {
        try_git(&self.path(), args)
    }

    fn resolve(&self, branch: &str) -> Option<String> {
        let name = if branch == "HEAD" {
            "HEAD".to_owned()
        } else {
            format!("refs/heads/{branch}")
        };
        refs::resolve(&self.path(), &name)
    }
}
