use branch::{CommitName, FileHistory, ImageValues, Revision};
use clap::Parser as _;

use super::*;
use crate::{Args, observe::files::OverlayFile, request::BadImage};

/// The flags as clap makes them.
#[derive(clap::Parser)]
struct CommandLine {
    #[command(flatten)]
    args: Args,
}

/// The request of these flags, of an overlay on `main`.
fn request(flags: &[&str]) -> Request {
    let required = [
        "x",
        "--overlay",
        "prod",
        "--image",
        "acme/app",
        "--branch",
        "main",
    ];
    let args = CommandLine::parse_from(required.iter().chain(flags)).args;
    Request {
        overlays: Vec::new(),
        image: args.image,
        entry: overlay::ImageUpdate {
            names: vec!["acme/app".to_owned()],
            ..overlay::ImageUpdate::default()
        },
        bad: match (args.bad, args.undo) {
            (Some(image), _) => BadImage::Named(image),
            (_, Some(commit)) => BadImage::SetBy(commit),
            _ => BadImage::Deployed,
        },
        to: args.to,
        environments: None,
        creators: Vec::new(),
        allow_older: args.allow_older,
        reason: None,
        run: None,
        dry_run: false,
        branch: args.branch,
        remote: args.remote,
        connection: args.connection,
    }
}

fn id(number: usize) -> Commit {
    format!("{number:040x}").parse().unwrap()
}

fn text(tag: &str) -> Vec<u8> {
    format!("images:\n  - name: acme/app\n    newTag: {tag}\n").into_bytes()
}

/// A file that had these tags, each with the trailers of its commit, the oldest first.
fn file(tags: &[(&str, &str)]) -> FileObservation {
    let file = OverlayFile {
        path: "prod/kustomization.yaml".to_owned(),
        content: text(tags.last().unwrap().0),
        entry: "acme/app".to_owned(),
        shadows: None,
    };
    let revisions = tags
        .iter()
        .enumerate()
        .rev()
        .map(|(at, (tag, trailers))| Revision {
            commit: id(at + 1),
            parent: Some(id(at)),
            is_merge: false,
            is_merged: false,
            follows: Vec::new(),
            message: format!("deploy\n\n{trailers}\n"),
            date: 0,
            content: Some(text(tag)),
        });
    let history = FileHistory::linear(revisions.collect(), true);
    let values = ImageValues::read(&history, |text| file.image_in(text, &request(&[]).entry));
    FileObservation {
        first_deployed: Some(values.list[0].image.clone()),
        file,
        history,
        values,
        deployments: None,
        ancestry: Vec::new(),
        undo_revisions: None,
        bad_image: None,
        candidates: Vec::new(),
    }
}

fn outcome(flags: &[&str], file: &FileObservation) -> OverlayOutcome {
    judge(&request(flags), file).unwrap()
}

fn present(image: &str) -> CandidateAnswer {
    CandidateAnswer::Present(image.parse().unwrap())
}

fn absent() -> CandidateAnswer {
    let refusal = OverlayRefusal::new(check_image::reasons::ABSENT, "gone");
    CandidateAnswer::Refused(refusal)
}

#[test]
fn the_judge_asks_for_platforms_and_candidate() {
    let mut file = file(&[("v1", ""), ("v2", "")]);
    let question = judge(&request(&[]), &file).unwrap_err();
    assert!(
        matches!(&question, RollbackQuestion::Platforms(bad) if bad.text == "acme/app:v2"),
        "{question:?}"
    );
    file.bad_image = Some(BadImageAnswer::default());
    let question = judge(&request(&[]), &file).unwrap_err();
    assert!(
        matches!(&question, RollbackQuestion::Candidate(check)
            if check.image.to_string().ends_with("acme/app:v1") && !check.is_pinned),
        "{question:?}"
    );
    file.candidates.push(present("acme/app:v1"));
    match outcome(&[], &file) {
        OverlayOutcome::Restore(restoration) => {
            assert_eq!(restoration.edited.text, text("v1"));
            assert_eq!(restoration.good.value.unwrap().commit, id(1));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_older_image_needs_the_flag() {
    let mut file = file(&[("v1", ""), ("v2", ""), ("v3", "")]);
    file.bad_image = Some(BadImageAnswer::default());
    file.candidates = vec![absent(), present("acme/app:v1")];
    assert!(matches!(outcome(&[], &file), OverlayOutcome::Refused(_)));
    match outcome(&["--allow-older"], &file) {
        OverlayOutcome::Restore(restoration) => {
            assert_eq!(restoration.good.text, "acme/app:v1");
            assert_eq!(restoration.passed_over, ["gone"]);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_deployed_rollback_is_left_alone() {
    let rolled_back = [
        ("v1", ""),
        ("v2", ""),
        ("v1", "Runbook-Rollback-Of: acme/app:v2"),
    ];
    let file = file(&rolled_back);
    assert!(matches!(outcome(&[], &file), OverlayOutcome::Already(_)));
    let bad = ["--bad", "acme/app:v2"];
    assert!(matches!(outcome(&bad, &file), OverlayOutcome::Already(_)));
}

#[test]
fn another_deployed_image_supersedes_the_rollback() {
    let file = file(&[("v1", ""), ("v2", ""), ("v3", "")]);
    for bad in ["acme/app:v2", "acme/app:v9"] {
        let outcome = outcome(&["--bad", bad], &file);
        assert!(
            matches!(outcome, OverlayOutcome::Superseded(_)),
            "{outcome:?}"
        );
    }
}

#[test]
fn an_unknown_commit_asks_for_its_ancestry() {
    let file = file(&[("v1", ""), ("v2", "")]);
    let known = request(&["--undo", &id(2).to_string()]);
    assert!(matches!(
        judge(&known, &file),
        Err(RollbackQuestion::Platforms(_))
    ));
    let unknown = "f".repeat(40);
    match judge(&request(&["--undo", &unknown]), &file) {
        Err(RollbackQuestion::Ancestry { commit, others }) => {
            assert_eq!(commit.as_str(), unknown);
            assert_eq!(others, [2, 1].map(|number| CommitName::from(&id(number))));
        }
        other => panic!("{other:?}"),
    }
}
