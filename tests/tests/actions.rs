//! The actions on a runner, against a real registry and a real git remote.
//!
//! The workflow runs once for all tests of this file; each of them is one claim about it.

use std::sync::LazyLock;

use lab::overlays::SampleOverlay;
use lab::{GitRemote, Image, Registry};
use tests::act::{Consumer, WorkflowRun};

const REPOSITORY: &str = "data-literate/dex";
const OLD: &str = "sha-00000000";
const NEW: &str = "sha-1a2b3c4d";
const USER: &str = "deployer";
/// The runner does not know this password as a secret: only the step itself can mask it.
const PASSWORD: &str = "correct-horse-battery";

/// The remote before the workflow, its run, and the remote after it.
struct ActionRun {
    pinned: String,
    run: WorkflowRun,
    before: String,
    commits: Vec<String>,
    diff: String,
}

static ACTION_RUN: LazyLock<ActionRun> = LazyLock::new(ActionRun::run);

impl ActionRun {
    fn run() -> Self {
        let registry = Registry::htpasswd(USER, PASSWORD);
        let name = format!("{}/{REPOSITORY}", registry.address());
        let image = Image::index()
            .platform("linux/amd64")
            .platform("linux/arm64");
        let digest = image.push(&registry, REPOSITORY, NEW).digest;
        let (remote, before) = remote_with_overlays(&name);
        let run = Consumer::new("check-and-bump.yml", &["check-image", "bump-overlay"])
            .dispatch()
            .input("image", &format!("{name}:{NEW}"))
            .input("absent", &format!("{name}:sha-never"))
            .input("registry-username", USER)
            .input("registry-password", PASSWORD)
            .input("remote", &remote.url())
            .run();
        let commits = remote
            .git(&["rev-list", "main"])
            .lines()
            .map(str::to_owned)
            .collect();
        let diff = remote.diff(&remote.tip("main"));
        Self {
            pinned: format!("{name}:{NEW}@{digest}"),
            run,
            before,
            commits,
            diff,
        }
    }
}

/// Returns a remote whose stage and prod have the old tag, and its commit.
fn remote_with_overlays(name: &str) -> (GitRemote, String) {
    let text = |overlay: SampleOverlay| overlay.image(REPOSITORY).new_name(name).text();
    let (stage, prod) = (
        text(SampleOverlay::stage(OLD)),
        text(SampleOverlay::prod(OLD)),
    );
    let remote = GitRemote::new();
    let files = [
        ("overlays/stage/kustomization.yaml", stage.as_str(), false),
        ("overlays/prod/kustomization.yaml", prod.as_str(), false),
    ];
    let before = remote.commit("main", &files, "deploy: start");
    (remote, before)
}

/// Returns the lines that a diff removes and adds.
fn changed_lines(diff: &str) -> Vec<&str> {
    let is_header = |line: &&str| line.starts_with("---") || line.starts_with("+++");
    diff.lines()
        .filter(|line| line.starts_with(['-', '+']) && !is_header(line))
        .collect()
}

#[test]
fn the_pinned_image_goes_into_one_commit() {
    let ActionRun {
        pinned,
        run,
        before,
        commits,
        ..
    } = &*ACTION_RUN;
    assert_eq!(run.job("deploy"), "success", "{run}");
    assert_eq!(&run.step("deploy/check").outputs["image"], pinned, "{run}");
    assert_eq!(
        (commits.len(), &commits[1..]),
        (2, &[before.clone()][..]),
        "{run}"
    );
    assert_eq!(
        run.step("deploy/bump").outputs["commit"],
        commits[0],
        "{run}"
    );
}

#[test]
fn the_commit_changes_one_line_in_each_overlay() {
    let ActionRun { run, diff, .. } = &*ACTION_RUN;
    let names: Vec<&str> = diff
        .lines()
        .filter_map(|line| line.strip_prefix("+++ b/"))
        .collect();
    assert_eq!(
        names,
        [
            "overlays/prod/kustomization.yaml",
            "overlays/stage/kustomization.yaml"
        ],
        "{run}"
    );
    let changed = changed_lines(diff);
    assert_eq!(changed.len(), 4, "{diff}\n{run}");
    for pair in changed.chunks(2) {
        assert_eq!(
            pair[0].replacen('-', "+", 1).replace(OLD, NEW),
            pair[1],
            "{diff}"
        );
    }
}

#[test]
fn a_later_step_gets_the_whole_diff() {
    let ActionRun {
        run, diff: written, ..
    } = &*ACTION_RUN;
    let shown = &run.step("deploy/preview").outputs["diff"];
    assert_eq!(
        run.step("deploy/later").printed.join("\n").trim_end(),
        shown.trim_end(),
        "{run}"
    );
    let sorted = |diff| {
        let mut lines = changed_lines(diff);
        lines.sort_unstable();
        lines
    };
    assert_eq!(
        sorted(shown),
        sorted(written),
        "the shown diff is the written one\n{run}"
    );
}

#[test]
fn every_summary_has_a_table() {
    let run = &ACTION_RUN.run;
    for step in ["deploy/check/run", "deploy/bump/run", "refuse/check/run"] {
        assert!(
            run.step(step).summary.contains("|---|---|"),
            "{step}\n{run}"
        );
    }
}

#[test]
fn a_later_step_decides_on_the_reason() {
    let run = &ACTION_RUN.run;
    assert_eq!(run.job("refuse"), "success", "{run}");
    let check = run.step("refuse/check/run");
    assert_eq!(
        (check.result.as_str(), check.exit),
        ("failure", Some(10)),
        "{run}"
    );
    let words = ["verdict", "reason", "fault", "exit"].map(|name| check.outputs[name].as_str());
    assert_eq!(words, ["refused", "absent", "change", "10"], "{run}");
    assert_eq!(check.annotations[0].kind, "error", "{run}");
    assert_eq!(
        run.step("refuse/absent").printed,
        ["not there, to be changed by change"],
        "{run}"
    );
    assert_eq!(run.result("refuse/outage"), "skipped", "{run}");
}

/// The steps of the job `refuse` get their image from the job's `env:`, and empty inputs.
#[test]
fn an_empty_input_does_not_hide_the_environment() {
    let run = &ACTION_RUN.run;
    let summary = &run.step("refuse/check/run").outputs["summary"];
    assert!(summary.contains("sha-never"), "{run}");
}

#[test]
fn a_password_is_masked_first_and_never_shown() {
    let run = &ACTION_RUN.run;
    for step in ["deploy/check/run", "refuse/check/run"] {
        let masks = &run.step(step).masks;
        assert!(
            masks.contains(&(PASSWORD.to_owned(), 0)),
            "{step}: {masks:?}\n{run}"
        );
    }
    let outputs = run
        .steps
        .iter()
        .flat_map(|step| step.outputs.values().chain([&step.summary]));
    for text in run.log.iter().chain(outputs) {
        assert!(!text.contains(PASSWORD), "{text}");
    }
}
