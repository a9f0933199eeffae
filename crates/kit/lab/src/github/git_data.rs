//! Trees and commits that a client makes piece by piece, through the REST API.

use serde_json::{Value, json};

use super::hub::Hub;
use crate::repo::TreeChange;

impl Hub {
    /// Returns a commit as REST shows it.
    pub(super) fn git_commit(&self, id: &str) -> Option<Value> {
        let tree = self
            .remote
            .try_git(&["rev-parse", &format!("{id}^{{tree}}")])?;
        let tree = String::from_utf8_lossy(&tree).trim_end().to_owned();
        Some(json!({ "sha": id, "tree": { "sha": tree } }))
    }

    /// Makes a tree from another one and the files of a request.
    pub(super) fn create_tree(&self, body: &Value) -> Option<Value> {
        let base = body["base_tree"].as_str()?;
        let base = self.remote.try_git(&["commit-tree", base, "-m", "base"])?;
        let base = String::from_utf8_lossy(&base).trim_end().to_owned();
        let files: Vec<TreeChange> = body["tree"].as_array()?.iter().map(file).collect();
        let (branch, message) = ("lab/tree", "tree");
        let name = format!("refs/heads/{branch}");
        self.remote.git(&["update-ref", &name, &base]);
        let author = "lab <lab@example.com>";
        let commit = self.remote.change_as(author, branch, &files, message);
        self.remote.git(&["update-ref", "-d", &name]);
        let tree = self.git_commit(&commit)?["tree"]["sha"].clone();
        Some(json!({ "sha": tree }))
    }

    /// Makes a commit that is on no branch yet.
    pub(super) fn create_git_commit(&self, body: &Value) -> Option<Value> {
        let mut git = vec!["commit-tree", body["tree"].as_str()?];
        for parent in body["parents"].as_array()? {
            git.extend(["-p", parent.as_str()?]);
        }
        git.extend(["-m", body["message"].as_str()?]);
        let commit = self.remote.try_git(&git)?;
        let commit = String::from_utf8_lossy(&commit).trim_end().to_owned();
        self.git_commit(&commit)
    }
}

fn file(file: &Value) -> TreeChange {
    let text = |key: &str| file[key].as_str().unwrap_or_default();
    let (path, content) = (text("path"), text("content"));
    match text("mode") {
        "100755" => TreeChange::executable(path, content),
        _ => TreeChange::file(path, content),
    }
}
