//! Generated histories, judged by a model that is written from the rules and shares no code with
//! the walk. `tests/tests/histories.rs` asks both programs about such histories.
//!
//! `RUNBOOK_TEST_HISTORIES` sets the number of histories.

mod made;
mod model;

use std::collections::BTreeSet;

use super::*;
use crate::{FileGraph, GraphCommit, Revision};
use made::{HistoryNames, IMAGES, MadeHistory};
use model::Model;

/// The histories that are tried without the variable.
const HISTORIES: u64 = 500;

fn source(number: u64) -> Commit {
    format!("{:040x}", 0xabc0 + number).parse().unwrap()
}

fn id(at: usize) -> Commit {
    format!("{:040x}", at + 1).parse().unwrap()
}

/// Reads the history as a remote does.
fn read(history: &MadeHistory, names: &HistoryNames) -> ImageValues {
    let commits = &history.commits;
    let graph = commits.iter().map(|commit| GraphCommit {
        file: commit.file,
        parents: commit.parents.clone(),
        is_cut: false,
    });
    let found = FileGraph::new(graph.collect()).revisions(1000);
    let revisions = found.list.into_iter().map(|revision| {
        let commit = &commits[revision.commit];
        Revision {
            commit: id(revision.commit),
            parent: commit.parents.first().map(|parent| id(*parent)),
            is_merge: commit.parents.len() > 1,
            is_merged: revision.is_merged,
            follows: revision.follows.into_iter().map(id).collect(),
            message: commit.message.clone(),
            date: 0,
            content: commit
                .file
                .map(|(value, _)| names.image(value).into_bytes()),
        }
    });
    let history = FileHistory {
        revisions: revisions.collect(),
        is_complete: true,
    };
    ImageValues::read(&history, |content| {
        Some(String::from_utf8_lossy(content).into_owned())
    })
}

#[test]
fn the_model_agrees_about_every_history() {
    let count = std::env::var("RUNBOOK_TEST_HISTORIES");
    let count = count.map_or(HISTORIES, |text| text.parse().unwrap());
    let names = HistoryNames {
        repository: "a".to_owned(),
        sources: (0..IMAGES).map(source).collect(),
    };
    for seed in 1..=count {
        let history = MadeHistory::of(seed, &names);
        let values = read(&history, &names);
        let model = Model::of(&history);
        let context = || format!("history {seed}: {:?}", history.commits);
        let list: Vec<&str> = values
            .list
            .iter()
            .map(|value| value.image.as_str())
            .collect();
        let expected = model.places().into_iter().map(|(of, _)| names.image(of));
        let expected: Vec<String> = expected.collect();
        assert_eq!(list, expected, "{}", context());
        for number in 0..IMAGES {
            let is_held = values.bad(&names.image(number).parse().unwrap()).is_some();
            assert_eq!(is_held, model.is_held(number), "v{number}, {}", context());
        }
        let sources = values.sources().into_iter();
        let sources: BTreeSet<Commit> = sources.filter_map(|(name, _)| name.whole()).collect();
        let expected: BTreeSet<Commit> = model.sources().into_iter().map(source).collect();
        assert_eq!(sources, expected, "{}", context());
    }
}
