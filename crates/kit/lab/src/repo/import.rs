//! Commits by `git fast-import`: one process for any number of files.

use crate::image::sha256;

/// A change to one path of a tree.
#[must_use = "commit it"]
#[derive(Clone, Debug)]
pub struct TreeChange {
    path: String,
    to: To,
}

/// The new content of a path.
#[derive(Clone, Debug)]
enum To {
    Blob {
        mode: &'static str,
        content: Vec<u8>,
    },
    Submodule(String),
    Nothing,
}

impl TreeChange {
    /// Writes an ordinary file.
    pub fn file(path: &str, content: impl AsRef<[u8]>) -> Self {
        Self::blob("100644", path, content.as_ref())
    }

    /// Writes a file with the executable bit.
    pub fn executable(path: &str, content: impl AsRef<[u8]>) -> Self {
        Self::blob("100755", path, content.as_ref())
    }

    /// Makes a symbolic link to `target`.
    pub fn symlink(path: &str, target: &str) -> Self {
        Self::blob("120000", path, target.as_bytes())
    }

    /// Makes a submodule that stands at `commit`.
    pub fn submodule(path: &str, commit: &str) -> Self {
        Self {
            path: path.to_owned(),
            to: To::Submodule(commit.to_owned()),
        }
    }

    /// Removes a file or a folder.
    pub fn delete(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            to: To::Nothing,
        }
    }

    fn blob(mode: &'static str, path: &str, content: &[u8]) -> Self {
        Self {
            path: path.to_owned(),
            to: To::Blob {
                mode,
                content: content.to_vec(),
            },
        }
    }
}

/// A commit of a history that is written as a whole.
#[derive(Clone, Debug)]
pub struct GraftedCommit {
    /// The places of the parents in the history; the first one's tree is changed.
    pub parents: Vec<usize>,
    /// What differs from the first parent.
    pub changes: Vec<TreeChange>,
    /// The message.
    pub message: String,
}

impl GraftedCommit {
    /// Returns the commit at a place of the history.
    pub(super) fn stream(&self, branch: &str, place: usize, who: &str) -> Vec<u8> {
        let length = self.message.len();
        let mut head = format!(
            "commit refs/heads/{branch}\nmark :{}\nauthor {who}\ncommitter {who}\n\
             data {length}\n{}\n",
            place + 1,
            self.message
        );
        for (parent, word) in self.parents.iter().zip(["from", "merge"]) {
            head += &format!("{word} :{}\n", parent + 1);
        }
        stream(head, &self.changes)
    }
}

/// Returns the head of a commit in the language of `fast-import`.
pub(super) fn commit(branch: &str, parent: Option<&str>, who: &str, message: &str) -> String {
    let from = parent.map_or(String::new(), |parent| format!("from {parent}\n"));
    let length = message.len();
    format!(
        "commit refs/heads/{branch}\nauthor {who}\ncommitter {who}\n\
         data {length}\n{message}\n{from}"
    )
}

/// Returns the whole commit.
pub(super) fn stream(commit: String, changes: &[TreeChange]) -> Vec<u8> {
    let mut stream = commit.into_bytes();
    for TreeChange { path, to } in changes {
        match to {
            To::Nothing => stream.extend(format!("D {path}\n").bytes()),
            To::Submodule(commit) => stream.extend(format!("M 160000 {commit} {path}\n").bytes()),
            To::Blob { mode, content } => {
                stream.extend(format!("M {mode} inline {path}\ndata {}\n", content.len()).bytes());
                stream.extend(content);
                stream.push(b'\n');
            }
        }
    }
    stream
}

/// Returns files that do not compress well, 100 to a folder.
pub(super) fn many(count: usize) -> Vec<TreeChange> {
    let file = |number: usize| {
        let path = format!("folder-{:04}/file-{number:06}.txt", number / 100);
        TreeChange::file(&path, format!("{}\n", sha256(&number.to_be_bytes())))
    };
    (0..count).map(file).collect()
}
