//! What is recorded of an exchange: answers as JSON, file contents as text where they are.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use branch::{FileHistory, PushResult, Rejection, RejectionKind, Revision, Snapshot, TreeEntry};
use contract::Commit;
use serde::{Deserialize, Serialize};

use crate::{address::Address, error::GitError};

/// An answer of git, or why there is none.
pub(crate) type Answer<T> = Result<T, GitError>;

/// The tip, and what was at the paths.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ReadAnswer {
    pub(crate) tip: Commit,
    pub(crate) entries: BTreeMap<String, EntryAnswer>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum EntryAnswer {
    Missing,
    File { content: Text, executable: bool },
    TooLarge,
    Directory,
    Link { at: String },
    Submodule { at: String },
}

/// Bytes, readable where they are text.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Text {
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
    pub(crate) message: String,
    pub(crate) date: i64,
    pub(crate) content: Option<Text>,
}

/// What became of a push.
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
        word: String,
        lines: Vec<String>,
    },
    Uncertain {
        commit: Commit,
        #[serde(rename = "trouble")]
        error: GitError,
    },
}

/// Returns bytes as they are recorded.
pub(crate) fn text(bytes: &[u8]) -> Text {
    match std::str::from_utf8(bytes) {
        Ok(text) => Text::Plain(text.to_owned()),
        Err(_) => Text::Encoded {
            base64: STANDARD.encode(bytes),
        },
    }
}

impl Text {
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
            message,
            date,
            content,
        } = answer;
        Self {
            commit,
            parent,
            message,
            date,
            content: content.map(Text::into_bytes),
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
    pub(crate) fn pushed(self, address: &Address) -> PushResult {
        match self {
            Self::Landed { commit, said } => PushResult::Landed { commit, said },
            Self::Moved => PushResult::Moved,
            Self::Rejected {
                protected,
                word,
                lines,
            } => {
                let kind = if protected {
                    RejectionKind::Protected
                } else {
                    RejectionKind::Declined
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
