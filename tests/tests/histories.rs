//! Both programs on generated histories in git, judged by the model of the rules.
//!
//! `RUNBOOK_TEST_HISTORIES` sets the number of histories, `RUNBOOK_TEST_SEED` the first one.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

#[path = "../../crates/rules/branch/src/values/oracle/made.rs"]
mod made;
#[path = "../../crates/rules/branch/src/values/oracle/model.rs"]
mod model;

use branch::{NamedImage, Trailers};
use contract::Commit;
use lab::repo::{GraftedCommit, TreeChange};
use lab::{GitRemote, HermeticCommand, Image, Registry};
use made::{HistoryNames, IMAGES, MadeCommit, MadeHistory};
use model::Model;
use tests::tools::binary;

/// The histories that are tried without the variable.
const HISTORIES: u64 = 8;

/// The paths that the file may have.
const PATHS: [&str; 2] = [
    "overlays/prod/kustomization.yaml",
    "deploy/prod/kustomization.yaml",
];

/// The images and sources that generated histories name.
struct HistoryWorld {
    /// Kept alive: the images are in it.
    _registry: Registry,
    names: HistoryNames,
    /// The sources, each the parent of the next.
    sources: GitRemote,
}

/// A branch with a generated history, at its tip.
struct HistoryBranch {
    remote: GitRemote,
    /// The path of the file.
    path: &'static str,
    /// The number of its image.
    current: u64,
}

impl HistoryWorld {
    fn new() -> Self {
        let (registry, sources) = (Registry::plain(), GitRemote::new());
        let repository = format!("{}/acme/app", registry.address());
        let source = |number: u64| -> Commit {
            let file = TreeChange::file("app.rs", number.to_string());
            sources
                .change("main", &[file], "feat: x\n")
                .parse()
                .unwrap()
        };
        let names = HistoryNames {
            repository,
            sources: (0..IMAGES).map(source).collect(),
        };
        for (number, source) in names.sources.iter().enumerate() {
            let image = Image::single("linux/amd64").label("revision", source.as_str());
            let _ = image.push(&registry, "acme/app", &format!("v{number}"));
        }
        Self {
            _registry: registry,
            names,
            sources,
        }
    }

    /// Writes the commits of a history into a repository.
    fn remote(&self, history: &MadeHistory) -> GitRemote {
        let remote = GitRemote::new();
        let commits = history.commits.iter().map(|commit| GraftedCommit {
            parents: commit.parents.clone(),
            changes: self.files(commit),
            message: commit.message.clone(),
        });
        remote.graft("main", &commits.collect::<Vec<_>>());
        remote
    }

    fn files(&self, commit: &MadeCommit) -> Vec<TreeChange> {
        let mut changes = PATHS.map(TreeChange::delete).to_vec();
        if let Some((value, rest)) = commit.file {
            let name = &self.names.repository;
            let text = format!("images:\n- name: {name}\n  newTag: v{value}\n# {rest}\n");
            changes[commit.path] = TreeChange::file(PATHS[commit.path], text);
        }
        changes
    }

    fn step(&self, step: &str, branch: &HistoryBranch, image: u64) -> HermeticCommand {
        let command = HermeticCommand::new(binary(step));
        let command = command.args(["--format", "json", "--dry-run", "--branch", "main"]);
        let command = command.arg("--remote").arg(branch.remote.path());
        command.args([
            "--overlay",
            branch.path,
            "--image",
            &self.names.image(image),
        ])
    }

    fn check_bump(&self, branch: &HistoryBranch, model: &Model<'_>, image: u64) {
        let current = branch.current;
        let source = &self.names.sources[usize::try_from(image).unwrap()];
        let command = self.step("bump-overlay", branch, image);
        let command = command.args(["--source-commit", source.as_str()]);
        let run = command
            .arg("--source-repository")
            .arg(self.sources.path())
            .run();
        let report = run.json();
        let newest = model.sources().into_iter().max();
        let expected = if image == current {
            (0, None)
        } else if model.is_held(image) {
            (10, Some("held"))
        } else if newest.is_some_and(|newest| image < newest) {
            (12, Some("stale-source"))
        } else {
            (0, None)
        };
        let said = (run.code, report["reason"].as_str());
        assert_eq!(
            said, expected,
            "bump to v{image} from v{current}: {report:#}"
        );
    }

    fn check_rollback(&self, branch: &HistoryBranch, model: &Model<'_>) {
        let current = branch.current;
        let bad = self.names.image(current);
        let run = self
            .step("rollback-overlay", branch, current)
            .args(["--bad", &bad])
            .run();
        let report = run.json();
        let image = report["facts"]["image"][0].as_str().unwrap();
        let image = image.split('@').next().map(str::to_owned);
        let expected = match restored(model) {
            Some(good) => (0, None, Some(self.names.image(good))),
            None => (10, Some("no-earlier-image"), Some(bad)),
        };
        let said = (run.code, report["reason"].as_str(), image);
        assert_eq!(said, expected, "rollback from v{current}: {report:#}");
    }
}

/// Returns the value that a rollback of the newest one restores: the newest other one that is not
/// held, and that no person has taken back.
fn restored(model: &Model<'_>) -> Option<u64> {
    let places = model.places();
    let (bad, _) = *places.first()?;
    let mut earlier = places.iter().enumerate().filter(|(at, (value, _))| {
        *value != bad && !model.is_held(*value) && !is_reverted(&places, *at)
    });
    earlier.next().map(|(_, (value, _))| *value)
}

/// Whether a person put back what was there before a value.
fn is_reverted(places: &[(u64, bool)], at: usize) -> bool {
    (0..at).any(|to| {
        let (value, is_person) = places[to];
        let earlier = places
            .iter()
            .skip(to + 1)
            .position(|(other, _)| *other == value);
        is_person && earlier.is_some_and(|since| at < to + 1 + since)
    })
}

#[test]
fn the_model_agrees_about_every_call() {
    let number = |name: &str, default: u64| {
        std::env::var(name).map_or(default, |text| text.parse().unwrap())
    };
    let first = number("RUNBOOK_TEST_SEED", 1);
    let world = HistoryWorld::new();
    for seed in first..first + number("RUNBOOK_TEST_HISTORIES", HISTORIES) {
        let history = MadeHistory::of(seed, &world.names);
        let tip = &history.commits[history.tip()];
        let Some((current, _)) = tip.file else {
            continue;
        };
        println!("history {seed}: {:?}", history.commits);
        let branch = HistoryBranch {
            remote: world.remote(&history),
            path: PATHS[tip.path],
            current,
        };
        let model = Model::of(&history);
        for image in 0..IMAGES {
            world.check_bump(&branch, &model, image);
        }
        world.check_rollback(&branch, &model);
    }
}
