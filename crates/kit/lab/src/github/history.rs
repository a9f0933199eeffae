//! Objects by their names, and the ancestry of commits.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::hub::Hub;
use super::node::GraphQlNode;
use crate::repo::GitObject;

/// The number of files in a comparison.
const MAX_FILES: usize = 300;
/// The tree without entries, which git knows without an object.
const EMPTY_TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

/// A commit.
pub(super) struct StoredCommit {
    tree: String,
    pub(super) parents: Vec<String>,
    pub(super) author: String,
    pub(super) date: SystemTime,
    pub(super) message: String,
}

impl Hub {
    /// Returns the object that an expression names, as `git rev-parse` reads it.
    pub(super) fn object(&self, expression: &str) -> Option<GraphQlNode> {
        let GitObject { id, kind, .. } = self.read(expression)?;
        Some(match kind.as_str() {
            "commit" => GraphQlNode::Commit(id),
            "blob" => GraphQlNode::Blob(id),
            _ => GraphQlNode::Tree,
        })
    }

    pub(super) fn read(&self, expression: &str) -> Option<GitObject> {
        self.objects.borrow_mut().read(expression)
    }

    /// Returns a commit; the server names only commits that exist.
    pub(super) fn commit(&self, id: &str) -> StoredCommit {
        let object = self.read(id).expect("the commit exists");
        let text = String::from_utf8_lossy(&object.bytes).into_owned();
        let (head, message) = text.split_once("\n\n").unwrap_or((&text, ""));
        let lines = |key: &'static str| head.lines().filter_map(move |line| line.strip_prefix(key));
        let author = lines("author ").next().unwrap_or_default();
        let seconds = author
            .rsplit(' ')
            .nth(1)
            .and_then(|seconds| seconds.parse().ok());
        StoredCommit {
            tree: lines("tree ").next().unwrap_or_default().to_owned(),
            parents: lines("parent ").map(str::to_owned).collect(),
            author: author.split(" <").next().unwrap_or_default().to_owned(),
            date: UNIX_EPOCH + Duration::from_secs(seconds.expect("git writes dates in seconds")),
            message: message.trim_end().to_owned(),
        }
    }

    /// Returns the entry at a path of a commit.
    pub(super) fn entry(&self, commit: &str, path: &str) -> Option<GraphQlNode> {
        let mut tree = self.commit(commit).tree;
        let (way, name) = path
            .rsplit_once('/')
            .map_or((None, path), |(way, name)| (Some(way), name));
        for folder in way.into_iter().flat_map(|way| way.split('/')) {
            let (mode, id) = self.below(&tree, folder)?;
            tree = (mode == 0o40_000).then_some(id)?;
        }
        let (mode, id) = self.below(&tree, name)?;
        let kind = match mode {
            0o40_000 => "tree",
            0o160_000 => "commit",
            _ => "blob",
        };
        Some(GraphQlNode::TreeEntry {
            mode,
            kind: kind.to_owned(),
            id,
        })
    }

    /// Returns mode and object of a name in a tree.
    fn below(&self, tree: &str, name: &str) -> Option<(u32, String)> {
        let mut bytes = &self.read(tree)?.bytes[..];
        // `MODE NAME\0` and 20 bytes, repeated.
        while let Some(end) = bytes.iter().position(|byte| *byte == 0) {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let (mode, found) = head.split_once(' ')?;
            let (id, rest) = bytes[end + 1..].split_at_checked(20)?;
            if found == name {
                let mode = u32::from_str_radix(mode, 8).expect("git writes modes in octal");
                return Some((mode, id.iter().map(|byte| format!("{byte:02x}")).collect()));
            }
            bytes = rest;
        }
        None
    }

    /// Returns the ancestry of `head` and `base`, in the words of GraphQL.
    pub(super) fn compare(&self, base: &str, head: &str) -> Option<&'static str> {
        let range = format!("{base}...{head}");
        // Without a common ancestor there is no comparison.
        self.say(&["merge-base", base, head])?;
        let counts = self.say(&["rev-list", "--left-right", "--count", &range, "--"])?;
        let mut counts = counts.split_whitespace();
        Some(match (counts.next()?, counts.next()?) {
            ("0", "0") => "IDENTICAL",
            ("0", _) => "AHEAD",
            (_, "0") => "BEHIND",
            _ => "DIVERGED",
        })
    }

    /// Returns the files that differ between `head` and its merge base with `base`, as REST shows
    /// them.
    pub(super) fn files(&self, base: &str, head: &str) -> Vec<Value> {
        let range = format!("{base}...{head}");
        let differences = self
            .say(&["diff", "--name-status", "--find-renames", &range, "--"])
            .unwrap_or_default();
        differences.lines().take(MAX_FILES).map(file).collect()
    }

    /// Returns a commit as REST shows it, with the files that it changed against its first parent.
    pub(super) fn commit_with_files(&self, id: &str) -> Option<Value> {
        self.say(&["cat-file", "-e", &format!("{id}^{{commit}}")])?;
        let first = self.commit(id).parents.into_iter().next();
        let base = first.unwrap_or_else(|| EMPTY_TREE.to_owned());
        let git = ["diff", "--name-status", "--find-renames", &base, id, "--"];
        let files = self.say(&git).unwrap_or_default();
        let files: Vec<Value> = files.lines().take(MAX_FILES).map(file).collect();
        Some(json!({ "sha": id, "files": files }))
    }

    fn say(&self, git: &[&str]) -> Option<String> {
        let said = self.remote.try_git(git)?;
        Some(String::from_utf8_lossy(&said).trim_end().to_owned())
    }
}

/// Returns a line such as `R087\told\tnew` as REST shows it.
fn file(line: &str) -> Value {
    let mut words = line.split('\t');
    let status = match words.next().unwrap_or_default().get(..1) {
        Some("A") => "added",
        Some("D") => "removed",
        Some("R") => "renamed",
        _ => "modified",
    };
    let names: Vec<&str> = words.collect();
    let url = "https://github.com/octocat/Hello-World/blob/main/file";
    let mut file = json!({
        "sha": "bbcd538c8e72b8c175046e27cc8f907076331401",
        "status": status, "filename": names.last(),
        "additions": 1, "deletions": 1, "changes": 2,
        "blob_url": url, "raw_url": url, "contents_url": url,
    });
    if status == "renamed" {
        file["previous_filename"] = names[0].into();
    }
    file
}
