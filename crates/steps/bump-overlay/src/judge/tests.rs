use std::collections::BTreeMap;

use branch::{
    Ancestry, CommitAncestry, CommitName, FileHistory, ImageValues, Revision, Trailers,
    TreeEntries, TreeEntry,
};
use contract::Commit;
use environments::FreezeFiles;
use overlay::{EditOptions, ImageUpdate, Overlay};
use remote::{PullRequestMode, Where};

use super::*;
use crate::{
    observe::{EntryKey, FreezeObservation, GuardQuestion},
    write::message::{CommitMessage, MessageTemplate},
};

const PATH: &str = "prod/kustomization.yaml";

fn id(digit: char) -> Commit {
    digit.to_string().repeat(40).parse().unwrap()
}

/// Asks for `acme/app:v2`, built from the commit of threes.
fn request(force: bool) -> Request {
    let image: contract::Reference = "acme/app:v2".parse().unwrap();
    let template = MessageTemplate::default();
    Request {
        overlays: Overlay::all(&[PATH.to_owned()]),
        updates: vec![ImageUpdate {
            names: vec!["acme/app".to_owned()],
            tag: Some("v2".to_owned()),
            ..ImageUpdate::default()
        }],
        options: EditOptions::default(),
        message: CommitMessage::new(template, Trailers::default()).unwrap(),
        images: vec![image],
        dry_run: false,
        branch: None,
        remote: Where {
            remote: None,
            repository: None,
            require_verified: false,
            pull_request: PullRequestMode::Never,
        },
        source: Some(id('3')),
        source_repository: None,
        force,
    }
}

fn text(tag: &str) -> Vec<u8> {
    format!("images:\n  - name: acme/app\n    newTag: {tag}\n").into_bytes()
}

/// The edits of a file that deploys this tag.
fn edits(request: &Request, tag: &str) -> Edits {
    let file = TreeEntry::File {
        content: text(tag),
        executable: false,
    };
    Edits::of(request, &TreeEntries::from([(PATH.to_owned(), file)]))
}

fn key() -> EntryKey {
    EntryKey {
        path: PATH.to_owned(),
        name: "acme/app".to_owned(),
        update: 0,
    }
}

/// The observation of a file whose v1 was built from the commit of ones; the trailers are of the
/// commit that set it.
/// A branch without a freeze.
fn unfrozen() -> FreezeObservation {
    FreezeObservation {
        files: FreezeFiles::of(&TreeEntries::new()),
        now: std::time::SystemTime::UNIX_EPOCH,
        account: None,
    }
}

fn observation(trailers: &str) -> Observation {
    let revision = Revision {
        commit: id('a'),
        parent: None,
        is_merge: false,
        is_merged: false,
        follows: Vec::new(),
        message: format!("deploy\n\n{trailers}"),
        date: 0,
        content: Some(text("v1")),
    };
    let history = FileHistory {
        revisions: vec![revision],
        is_complete: true,
    };
    let values = ImageValues::read(&history, |text| {
        overlay::image_in(text, "acme/app", &request(false).updates[0])
    });
    Observation {
        values: Some(BTreeMap::from([(key(), values)])),
        ..Observation::of(id('f'), unfrozen())
    }
}

/// The observation, with the answer how the requested source relates to the deployed one.
fn related(ancestry: Ancestry) -> Observation {
    let (source, deployed) = (CommitName::from(&id('3')), CommitName::from(&id('1')));
    let answer = CommitAncestry {
        commit: Some(id('3')),
        others: vec![(ancestry, Some(id('1')))],
    };
    Observation {
        ancestry: vec![(source, vec![deployed], answer)],
        ..observation(&format!("Runbook-Source: {}", id('1')))
    }
}

fn question(request: &Request, observation: &Observation) -> GuardQuestion {
    *judge(request, &edits(request, "v1"), observation)
        .unwrap_err()
        .question
}

fn decision(request: &Request, observation: &Observation) -> BumpDecision {
    let judgement = judge(request, &edits(request, "v1"), observation);
    judgement.unwrap().decision
}

#[test]
fn an_unchanged_file_asks_nothing() {
    let request = request(false);
    let judgement = judge(
        &request,
        &edits(&request, "v2"),
        &Observation::of(id('f'), unfrozen()),
    );
    assert_eq!(judgement.unwrap().decision, BumpDecision::Nothing);
}

#[test]
fn force_asks_nothing_and_writes() {
    let observation = Observation::of(id('f'), unfrozen());
    assert_eq!(decision(&request(true), &observation), BumpDecision::Write);
}

#[test]
fn the_judge_asks_one_question_at_a_time() {
    let request = request(false);
    assert_eq!(
        question(&request, &Observation::of(id('f'), unfrozen())),
        GuardQuestion::Values {
            paths: vec![PATH.to_owned()],
            entries: vec![key()],
        }
    );
    let source = format!("Runbook-Source: {}", id('1'));
    assert_eq!(
        question(&request, &observation(&source)),
        GuardQuestion::Ancestry {
            source: CommitName::from(&id('3')),
            others: vec![CommitName::from(&id('1'))],
        }
    );
    assert_eq!(
        question(&request, &related(Ancestry::Descendant)),
        GuardQuestion::Differences {
            entry: key(),
            one: id('1'),
            other: id('3'),
        }
    );
}

#[test]
fn an_unknown_source_is_written_with_a_notice() {
    let request = request(false);
    let judgement = judge(&request, &edits(&request, "v1"), &observation("")).unwrap();
    assert_eq!(judgement.decision, BumpDecision::Write);
    assert_eq!(judgement.findings.notices.len(), 1);
}

/// The observation with only the newest values, from a commit with these trailers.
fn newest(ancestry: Ancestry, trailers: &str) -> Observation {
    let source = format!("Runbook-Source: {}\n", id('1'));
    let mut observation = Observation {
        values: observation(&format!("{source}{trailers}")).values,
        ..related(ancestry)
    };
    for values in observation.values.iter_mut().flat_map(BTreeMap::values_mut) {
        values.is_whole = false;
    }
    let paths = vec!["src/main.rs".to_owned()];
    observation.differences = vec![(key(), [id('1'), id('3')], paths)];
    observation
}

#[test]
fn only_a_checked_bump_settles_older_changes() {
    let request = request(false);
    let image = "Runbook-Image: acme/app:v1";
    let settled = newest(Ancestry::Descendant, image);
    assert_eq!(decision(&request, &settled), BumpDecision::Write);
    let forced = format!("{image}\nRunbook-Forced: yes");
    for (ancestry, trailers) in [
        (Ancestry::Descendant, &*forced),
        (Ancestry::Diverged, image),
        (Ancestry::Unknown, image),
    ] {
        let unsettled = newest(ancestry, trailers);
        assert_eq!(
            question(&request, &unsettled),
            GuardQuestion::AllValues,
            "{ancestry:?} {trailers}"
        );
    }
    let stale = newest(Ancestry::Ancestor, image);
    assert_eq!(decision(&request, &stale), BumpDecision::Stop);
}

#[test]
fn an_ancestor_of_the_deployed_source_stops() {
    let observation = related(Ancestry::Ancestor);
    assert_eq!(decision(&request(false), &observation), BumpDecision::Stop);
}

#[test]
fn a_source_that_differs_in_overlays_is_deployed() {
    for (path, expected) in [
        (PATH, BumpDecision::Nothing),
        ("src/main.rs", BumpDecision::Write),
    ] {
        let paths = vec![path.to_owned()];
        let observation = Observation {
            differences: vec![(key(), [id('1'), id('3')], paths)],
            ..related(Ancestry::Descendant)
        };
        assert_eq!(decision(&request(false), &observation), expected);
    }
}
