//! The recorded form of git's answers: JSON, with file contents as text where they are valid UTF-8.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use branch::{
    FileContent, FileHistory, PushResult, Rejection, RejectionKind, Revision, Snapshot, TreeEntry,
};
use contract::Commit;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{address::Address, error::GitError};

/// The tip of the branch, and its entries at the paths of the question.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ReadAnswer {
    pub(crate) tip: Commit,
    pub(crate) entries: BTreeMap<String, EntryAnswer>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum EntryAnswer {
    Missing,
    File {
        content: RecordedBytes,
        executable: bool,
    },
    TooLarge,
    Directory,
    Link {
        at: String,
    },
    Submodule {
        at: String,
    },
}

/// Bytes in a recording, readable where they are text.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum RecordedBytes {
    Plain(String),
    Encoded { base64: String },
}

/// The newest revisions of a file.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct FileHistoryAnswer {
    pub(crate) list: Vec<RevisionAnswer>,
    pub(crate) is_whole: bool,
}

/// A commit that changed a file.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RevisionAnswer {
    pub(crate) commit: Commit,
    pub(crate) parent: Option<Commit>,
    #[serde(default)]
    pub(crate) is_merge: bool,
    #[serde(default)]
    pub(crate) is_merged: bool,
    #[serde(default)]
    pub(crate) follows: Vec<Commit>,
    pub(crate) message: String,
    pub(crate) date: i64,
    pub(crate) content: Option<RecordedBytes>,
}

/// The outcome of a push.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PushAnswer {
    Landed {
        commit: Commit,
        said: Vec<String>,
    },
    Moved,
    Rejected {
        protected: bool,
        #[serde(default)]
        forbidden: bool,
        word: String,
        lines: Vec<String>,
    },
    Uncertain {
        commit: Commit,
        #[serde(rename = "trouble")]
        error: GitError,
    },
}

/// Returns the files of a commit as a recorded question names them.
pub(crate) fn recorded_files(files: &[FileContent]) -> Vec<Value> {
    files
        .iter()
        .map(|file| json!({ "path": file.path, "content": RecordedBytes::new(&file.content) }))
        .collect()
}

impl RecordedBytes {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Plain(text.to_owned()),
            Err(_) => Self::Encoded {
                base64: STANDARD.encode(bytes),
            },
        }
    }

    fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::Plain(text) => text.into_bytes(),
            Self::Encoded { base64 } => STANDARD.decode(base64).unwrap_or_default(),
        }
    }
}

impl From<ReadAnswer> for Snapshot {
    fn from(answer: ReadAnswer) -> Self {
        let entries = answer
            .entries
            .into_iter()
            .map(|(path, entry)| (path, TreeEntry::from(entry)));
        Self {
            tip: answer.tip,
            entries: entries.collect(),
        }
    }
}

impl From<FileHistoryAnswer> for FileHistory {
    fn from(answer: FileHistoryAnswer) -> Self {
        Self {
            revisions: answer.list.into_iter().map(Revision::from).collect(),
            is_complete: answer.is_whole,
        }
    }
}

impl From<RevisionAnswer> for Revision {
    fn from(answer: RevisionAnswer) -> Self {
        let RevisionAnswer {
            commit,
            parent,
            is_merge,
            is_merged,
            follows,
            message,
            date,
            content,
        } = answer;
        Self {
            commit,
            parent,
            is_merge,
            is_merged,
            follows,
            message,
            date,
            content: content.map(RecordedBytes::into_bytes),
        }
    }
}

impl From<EntryAnswer> for TreeEntry {
    fn from(entry: EntryAnswer) -> Self {
        match entry {
            EntryAnswer::Missing => Self::Missing,
            EntryAnswer::File {
                content,
                executable,
            } => Self::File {
                content: content.into_bytes(),
                executable,
            },
            EntryAnswer::TooLarge => Self::TooLarge,
            EntryAnswer::Directory => Self::Directory,
            EntryAnswer::Link { at } => Self::Link { at },
            EntryAnswer::Submodule { at } => Self::Submodule { at },
        }
    }
}

impl PushAnswer {
    pub(crate) fn result(self, address: &Address) -> PushResult {
        match self {
            Self::Landed { commit, said } => PushResult::Landed { commit, said },
            Self::Moved => PushResult::Moved,
            Self::Rejected {
                protected,
                forbidden,
                word,
                lines,
            } => {
                let kind = match (protected, forbidden) {
                    (true, _) => RejectionKind::Protected,
                    (false, true) => RejectionKind::Forbidden,
                    (false, false) => RejectionKind::Declined,
                };
                PushResult::Rejected(Rejection { kind, word, lines })
            }
            Self::Uncertain { commit, error } => PushResult::Uncertain {
                commit,
                failure: error.failure(address),
            },
        }
    }
}
