//! What a file was, commit by commit: first which commits changed it, then what it was in each.
//!
//! GitHub has no history along first parents. Of the newest commits all are asked for, so that it can
//! be followed; from there on, the history of each file is believed, which tells merged commits in the
//! place of their merges.

use std::{
    collections::{BTreeMap, HashMap},
    time::UNIX_EPOCH,
};

use branch::{FileHistory, MAX_FILE_SIZE, Revision};
use contract::{Commit, Failure, asking};
use fetch::FetchError;
use serde::Deserialize;

use super::each;
use crate::{
    GitHub,
    api::{Needs, Nodes, PageInfo},
    read,
};

/// What GitHub returns of a list at most.
const PAGE: usize = 100;

/// How many files are asked for at once, and how many bytes of them.
const BATCH: (usize, usize) = (50, 4 << 20);

#[derive(Deserialize)]
struct TipRepository {
    object: Option<TipCommit>,
}

/// The newest commits, and as `h0`, `h1`, … the history of each file.
#[derive(Deserialize)]
struct TipCommit {
    recent: Nodes<RecentCommit>,
    #[serde(flatten)]
    histories: BTreeMap<String, FileHistoryPage>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FileHistoryPage {
    page_info: PageInfo,
    nodes: Vec<RevisionNode>,
}

/// One of the newest commits, with the files as `f0`, `f1`, ….
#[derive(Deserialize)]
struct RecentCommit {
    oid: Commit,
    message: String,
    #[serde(rename = "authoredDate")]
    date: String,
    parents: Nodes<RevisionParent>,
    #[serde(flatten)]
    files: BTreeMap<String, Option<FileNode>>,
}

/// A commit that changed a file.
#[derive(Clone, Deserialize)]
struct RevisionNode {
    oid: Commit,
    message: String,
    #[serde(rename = "authoredDate")]
    date: String,
    parents: Nodes<RevisionParent>,
    file: Option<FileNode>,
}

#[derive(Clone, Deserialize)]
struct RevisionParent {
    oid: Commit,
    #[serde(default)]
    file: Option<FileNode>,
}

#[derive(Debug, Clone, Deserialize)]
struct FileNode {
    oid: String,
    object: Option<BlobSize>,
}

/// Empty for what is no file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct BlobSize {
    byte_size: Option<usize>,
}

/// The walked of a file, newest first.
#[derive(Default)]
struct WalkedRevisions {
    revisions: Vec<RevisionNode>,
    is_complete: bool,
}

/// Returns the newest changes of the files, at most a hundred of each.
pub(super) async fn file_histories(
    github: &GitHub<'_>,
    tip: &Commit,
    paths: &[String],
    most: usize,
) -> Result<BTreeMap<String, FileHistory>, Failure> {
    if paths.is_empty() {
        return Ok(BTreeMap::new());
    }
    let walked = walked(github, tip, paths, most.min(PAGE)).await?;
    let files = walked
        .iter()
        .flat_map(|walked| &walked.revisions)
        .filter_map(RevisionNode::file);
    let contents = contents(github, files.filter(|file| file.size() <= MAX_FILE_SIZE)).await?;
    let told = paths.iter().zip(walked).map(
        |(
            path,
            WalkedRevisions {
                revisions,
                is_complete,
            },
        )| {
            let revisions = revisions
                .into_iter()
                .map(|revision| revision.read(&contents))
                .collect::<Result<_, Failure>>()?;
            Ok((
                path.clone(),
                FileHistory {
                    revisions,
                    is_complete,
                },
            ))
        },
    );
    told.collect()
}

async fn walked(
    github: &GitHub<'_>,
    tip: &Commit,
    paths: &[String],
    most: usize,
) -> Result<Vec<WalkedRevisions>, Failure> {
    let own = [
        ("tip".to_owned(), tip.as_str().into()),
        ("count".to_owned(), PAGE.into()),
    ];
    let named = paths
        .iter()
        .enumerate()
        .map(|(n, path)| (format!("p{n}"), path.as_str().into()));
    let variables = own.into_iter().chain(named);
    let found: Option<TipRepository> = github
        .ask(&question(paths.len()), variables, Needs::Contents)
        .await?;
    let found = found.and_then(|repository| repository.object);
    let TipCommit {
        recent,
        mut histories,
    } = found.ok_or_else(|| wrong(&format!("GitHub no longer has {tip}")))?;
    let recent: HashMap<&Commit, &RecentCommit> = recent
        .nodes
        .iter()
        .map(|commit| (&commit.oid, commit))
        .collect();
    let told = (0..paths.len()).map(|n| {
        let history = histories
            .remove(&format!("h{n}"))
            .ok_or_else(|| wrong("GitHub told no history"))?;
        let mut walk = HistoryWalk {
            recent: &recent,
            file: format!("f{n}"),
            history,
            walked: WalkedRevisions::default(),
        };
        walk.all(tip, most);
        Ok(walk.walked)
    });
    told.collect()
}

fn question(files: usize) -> String {
    let parameters = each(files, |n| format!(", $p{n}: String!"));
    let all = each(files, |n| format!(" f{n}: file(path: $p{n}) {{ ...file }}"));
    let histories = each(files, |n| {
        format!(
            " h{n}: history(first: $count, path: $p{n}) {{ pageInfo {{ hasNextPage }} \
             nodes {{ oid message authoredDate file(path: $p{n}) {{ ...file }} \
             parents(first: 1) {{ nodes {{ oid file(path: $p{n}) {{ ...file }} }} }} }} }}"
        )
    });
    format!(
        "query History($owner: String!, $name: String!, $tip: GitObjectID!, $count: Int!{parameters}) {{ \
         repository(owner: $owner, name: $name) {{ object(oid: $tip) {{ ... on Commit {{ \
         recent: history(first: $count) {{ nodes {{ oid message authoredDate \
         parents(first: 1) {{ nodes {{ oid }} }}{all} }} }}{histories} }} }} }} }} \
         fragment file on TreeEntry {{ oid object {{ ... on Blob {{ byteSize }} }} }}"
    )
}

/// The way back from a tip, for one file.
struct HistoryWalk<'a> {
    recent: &'a HashMap<&'a Commit, &'a RecentCommit>,
    /// Its name among a commit's files.
    file: String,
    history: FileHistoryPage,
    walked: WalkedRevisions,
}

impl HistoryWalk<'_> {
    fn all(&mut self, tip: &Commit, most: usize) {
        if let Some((last, now)) = self.first_parents(tip) {
            self.further(&last, now);
        }
        if self.walked.revisions.len() > most {
            self.walked.revisions.truncate(most);
            self.walked.is_complete = false;
        }
    }

    /// Follows first parents through the newest commits; returns the last one that has none among them,
    /// and what the file was in it.
    fn first_parents(&mut self, tip: &Commit) -> Option<(Commit, Option<String>)> {
        let mut commit = *self.recent.get(tip)?;
        loop {
            let after = self.file_of(commit);
            let Some(parent) = commit.parents.nodes.first() else {
                self.walked
                    .revisions
                    .extend(after.is_some().then(|| self.revision(commit, None)));
                self.walked.is_complete = true;
                return None;
            };
            let Some(parent) = self.recent.get(&parent.oid).copied() else {
                return Some((commit.oid.clone(), after.map(|file| file.oid.clone())));
            };
            let before = self.file_of(parent);
            if after.map(|file| &file.oid) != before.map(|file| &file.oid) {
                self.walked.revisions.push(self.revision(commit, before));
                if after.is_some() && before.is_none() {
                    self.walked.is_complete = true;
                    return None;
                }
            }
            commit = parent;
        }
    }

    /// Goes on in the file's own history, each step from what the next one left: an old change of a
    /// branch that was merged late is not what the file was before.
    fn further(&mut self, last: &Commit, mut now: Option<String>) {
        let is_new = |revision: &&RevisionNode| {
            revision.oid == *last || !self.recent.contains_key(&revision.oid)
        };
        self.walked.is_complete = !self.history.page_info.has_next_page;
        for revision in self.history.nodes.iter().filter(is_new) {
            let (after, before) = (
                revision.file().map(|file| &file.oid),
                revision.before().map(|file| &file.oid),
            );
            if after != now.as_ref() || after == before {
                continue;
            }
            self.walked.revisions.push(revision.clone());
            if after.is_some() && before.is_none() {
                self.walked.is_complete = true;
                break;
            }
            now = before.cloned();
        }
    }

    fn file_of<'c>(&self, commit: &'c RecentCommit) -> Option<&'c FileNode> {
        commit
            .files
            .get(&self.file)?
            .as_ref()
            .filter(|file| file.is_file())
    }

    fn revision(&self, commit: &RecentCommit, before: Option<&FileNode>) -> RevisionNode {
        let file = self.file_of(commit);
        let parents = commit.parents.nodes.iter();
        let parents = parents.map(|parent| RevisionParent {
            oid: parent.oid.clone(),
            file: before.cloned(),
        });
        RevisionNode {
            oid: commit.oid.clone(),
            message: self
                .brought(commit, file)
                .unwrap_or(&commit.message)
                .to_owned(),
            date: commit.date.clone(),
            parents: Nodes {
                nodes: parents.collect(),
            },
            file: file.cloned(),
        }
    }

    /// Returns what was said by the commit that a merge brought: it has the same file, and the file's own
    /// history tells it in the place of the merge.
    fn brought(&self, commit: &RecentCommit, file: Option<&FileNode>) -> Option<&str> {
        let history = &self.history.nodes;
        if history.iter().any(|revision| revision.oid == commit.oid) {
            return None;
        }
        let same = |revision: &&RevisionNode| {
            revision.file().map(|file| &file.oid) == file.map(|file| &file.oid)
        };
        Some(&history.iter().find(same)?.message)
    }
}

/// Returns what is in these files, by their object names, each once.
async fn contents(
    github: &GitHub<'_>,
    files: impl Iterator<Item = &FileNode>,
) -> Result<BTreeMap<String, Vec<u8>>, Failure> {
    let sizes: BTreeMap<&str, usize> = files.map(|file| (file.oid.as_str(), file.size())).collect();
    let mut contents = BTreeMap::new();
    for batch in batches(sizes) {
        read_batch(github, &batch, &mut contents).await?;
    }
    Ok(contents)
}

/// Makes heaps that are not too much for one answer.
fn batches(sizes: BTreeMap<&str, usize>) -> Vec<Vec<&str>> {
    let mut batches: Vec<(Vec<&str>, usize)> = Vec::new();
    for (oid, size) in sizes {
        match batches.last_mut() {
            Some((batch, sum)) if batch.len() < BATCH.0 && *sum + size <= BATCH.1 => {
                batch.push(oid);
                *sum += size;
            }
            _ => batches.push((vec![oid], size)),
        }
    }
    batches.into_iter().map(|(batch, _)| batch).collect()
}

async fn read_batch(
    github: &GitHub<'_>,
    batch: &[&str],
    contents: &mut BTreeMap<String, Vec<u8>>,
) -> Result<(), Failure> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct BlobText {
        text: Option<String>,
    }
    let parameters = each(batch.len(), |n| format!(", $o{n}: GitObjectID!"));
    let objects = each(batch.len(), |n| {
        format!(" o{n}: object(oid: $o{n}) {{ ... on Blob {{ text }} }}")
    });
    let document = format!(
        "query Files($owner: String!, $name: String!{parameters}) {{ \
         repository(owner: $owner, name: $name) {{{objects} }} }}"
    );
    let variables = batch
        .iter()
        .enumerate()
        .map(|(n, oid)| (format!("o{n}"), (*oid).into()));
    let found: Option<BTreeMap<String, Option<BlobText>>> =
        github.ask(&document, variables, Needs::Contents).await?;
    let mut found = found.unwrap_or_default();
    for (n, oid) in batch.iter().enumerate() {
        let text = found
            .remove(&format!("o{n}"))
            .flatten()
            .and_then(|blob| blob.text);
        contents.insert(
            (*oid).to_owned(),
            read::content(github, oid, text.as_deref()).await?,
        );
    }
    Ok(())
}

impl FileNode {
    /// Returns whether it is one, and not a directory or a submodule.
    fn is_file(&self) -> bool {
        self.object
            .as_ref()
            .is_some_and(|object| object.byte_size.is_some())
    }

    fn size(&self) -> usize {
        self.object
            .as_ref()
            .and_then(|object| object.byte_size)
            .unwrap_or_default()
    }
}

impl RevisionNode {
    fn file(&self) -> Option<&FileNode> {
        self.file.as_ref().filter(|file| file.is_file())
    }

    fn before(&self) -> Option<&FileNode> {
        self.parents
            .nodes
            .first()?
            .file
            .as_ref()
            .filter(|file| file.is_file())
    }

    fn read(self, contents: &BTreeMap<String, Vec<u8>>) -> Result<Revision, Failure> {
        let date = humantime::parse_rfc3339_weak(&self.date);
        let date = date.map_err(|error| wrong(&format!("`{}` is no date ({error})", self.date)))?;
        let since = date.duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(Revision {
            content: self
                .file()
                .and_then(|file| contents.get(&file.oid).cloned()),
            parent: self
                .parents
                .nodes
                .into_iter()
                .next()
                .map(|parent| parent.oid),
            date: since.as_secs().try_into().unwrap_or_default(),
            commit: self.oid,
            message: self.message,
        })
    }
}

fn wrong(what: &str) -> Failure {
    FetchError::new(asking::NOT_THE_API, what).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(oid: &str) -> Option<FileNode> {
        Some(FileNode {
            oid: oid.to_owned(),
            object: Some(BlobSize { byte_size: Some(1) }),
        })
    }

    fn revision(digit: &str, after: Option<&str>, before: Option<&str>) -> RevisionNode {
        RevisionNode {
            oid: digit.repeat(40).parse().unwrap(),
            message: String::new(),
            date: String::new(),
            parents: Nodes {
                nodes: vec![RevisionParent {
                    oid: "0".repeat(40).parse().unwrap(),
                    file: before.and_then(file),
                }],
            },
            file: after.and_then(file),
        }
    }

    /// The walked of a file that is so now, none of whose commits is among the newest ones.
    fn further(now: &str, nodes: Vec<RevisionNode>) -> (String, bool) {
        let history = FileHistoryPage {
            page_info: PageInfo {
                has_next_page: false,
                end_cursor: None,
            },
            nodes,
        };
        let (recent, walked) = (HashMap::new(), WalkedRevisions::default());
        let mut walk = HistoryWalk {
            recent: &recent,
            file: "f0".to_owned(),
            history,
            walked,
        };
        walk.further(&"f".repeat(40).parse().unwrap(), Some(now.to_owned()));
        let WalkedRevisions {
            revisions,
            is_complete,
        } = walk.walked;
        (
            revisions
                .iter()
                .map(|revision| &revision.oid.as_str()[..1])
                .collect(),
            is_complete,
        )
    }

    #[test]
    fn what_a_branch_had_that_was_merged_late_is_not_what_was_before() {
        let merged = vec![
            revision("5", Some("v3 and a comment"), Some("v3")),
            revision("4", Some("v1 and a comment"), Some("v1")),
            revision("3", Some("v3"), Some("v2")),
            revision("2", Some("v2"), Some("v1")),
            revision("1", Some("v1"), None),
        ];
        assert_eq!(
            further("v3 and a comment", merged),
            ("5321".to_owned(), true)
        );
    }

    #[test]
    fn what_was_before_the_file_began_anew_is_another_file() {
        let again = vec![
            revision("3", Some("v2"), None),
            revision("2", None, Some("v1")),
            revision("1", Some("v1"), None),
        ];
        assert_eq!(further("v2", again), ("3".to_owned(), true));
    }

    #[test]
    fn heaps_hold_so_many_files_and_so_many_bytes() {
        let names: Vec<String> = (0..120).map(|n| format!("{n:03}")).collect();
        let small = names.iter().map(|name| (name.as_str(), 1)).collect();
        assert_eq!(
            batches(small).iter().map(Vec::len).collect::<Vec<_>>(),
            [50, 50, 20]
        );
        let large = names[..3]
            .iter()
            .map(|name| (name.as_str(), 3 << 20))
            .collect();
        assert_eq!(
            batches(large).iter().map(Vec::len).collect::<Vec<_>>(),
            [1, 1, 1]
        );
    }
}
