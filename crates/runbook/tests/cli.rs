//! `runbook` as a program.

use lab::HermeticCommand;

fn runbook() -> HermeticCommand {
    HermeticCommand::new(env!("CARGO_BIN_EXE_runbook"))
}

#[test]
fn the_demo_passes_and_leaves_nothing_behind() {
    let demo = runbook().arg("demo");
    let run = demo.run();
    assert_eq!(run.code, 0, "{run}");
    assert!(
        run.stdout
            .ends_with("20 commands, every verdict as expected; nothing was left behind.\n"),
        "{run}"
    );
    for word in ["[held]", "\n    Runbook-Rollback-Of: "] {
        assert!(run.stdout.contains(word), "{word} in {run}");
    }
    assert!(!run.stdout.contains('\u{1b}'), "no colour in a pipe");
    let left: Vec<_> = std::fs::read_dir(demo.temp()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_kept_demo_runs_until_interrupted() {
    let demo = runbook().args(["demo", "--keep"]);
    let mut running = demo.spawn();
    running.wait_for("export RUNBOOK_REMOTE=");
    running.interrupt();
    let run = running.wait();
    assert_eq!(run.code, 0, "{run}");
    assert!(
        ["RUNBOOK_ARGOCD_SERVER", "KUBECONFIG", "RUNBOOK_IMAGE"]
            .iter()
            .all(|name| run.stdout.contains(name)),
        "{run}"
    );
    assert_eq!(std::fs::read_dir(demo.temp()).unwrap().count(), 0);
}

#[test]
fn variables_of_a_runner_leave_the_demo_unchanged() {
    runbook()
        .arg("demo")
        .env("GITHUB_ACTIONS", "true")
        .env("RUNBOOK_IMAGE", "x")
        .env("RUNBOOK_DRY_RUN", "1")
        .assert()
        .success();
}

#[test]
fn an_interrupted_demo_leaves_nothing_behind() {
    let demo = runbook().arg("demo");
    let mut running = demo.spawn();
    // The step then retries for seconds, which leaves time for the signal.
    running.wait_for("The registry goes down");
    running.interrupt();
    let run = running.wait();
    assert_eq!(run.code, 130, "{run}");
    assert_eq!(std::fs::read_dir(demo.temp()).unwrap().count(), 0);
}

#[test]
fn a_subcommand_is_the_step_itself() {
    let run = runbook()
        .args(["check-image", "--image", "nonsense", "--format=json"])
        .run();
    assert_eq!(
        (run.code, &run.json()["step"], &run.json()["verdict"]),
        (2, &"check-image".into(), &"usage".into())
    );
    let help = runbook().args(["check-image", "--help"]).run();
    assert!(help.stdout.contains("Usage: check-image"), "{help}");
}

#[test]
fn help_lists_steps_and_a_typo_gets_a_suggestion() {
    let help = runbook().arg("--help").run();
    assert_eq!(help.code, 0);
    assert!(
        [
            "check-image",
            "bump-overlay",
            "wait-argo",
            "verify-pods",
            "demo",
            "completions"
        ]
        .iter()
        .all(|name| help.stdout.contains(name)),
        "{help}"
    );
    let typo = runbook().arg("check-imag").run();
    assert!(
        typo.code == 2 && typo.stderr.contains("check-image"),
        "{typo}"
    );
}

#[test]
fn completions_contain_steps_and_flags() {
    let run = runbook().args(["completions", "bash"]).run();
    assert!(
        run.code == 0 && run.stdout.contains("check-image") && run.stdout.contains("--platform"),
        "{run}"
    );
}
