//! A command inherits nothing from the machine, and ends in time.

use std::time::Duration;

use lab::HermeticCommand;

fn sh(script: &str) -> HermeticCommand {
    HermeticCommand::new("sh").args(["-c", script])
}

#[test]
fn a_program_sees_only_the_named_variables() {
    let command = HermeticCommand::new("env")
        .env("RUNBOOK_X", "y")
        .without_env("GIT_TERMINAL_PROMPT");
    let run = command.run();
    let mut names: Vec<_> = run
        .stdout
        .lines()
        .filter_map(|line| Some(line.split_once('=')?.0))
        .collect();
    names.sort_unstable();
    let wanted = [
        "GIT_CONFIG_GLOBAL",
        "GIT_CONFIG_NOSYSTEM",
        "HOME",
        "LANG",
        "PATH",
        "RUNBOOK_X",
        "TMPDIR",
    ];
    assert_eq!(names, wanted);
    assert!(
        run.stdout
            .contains(&format!("HOME={}\n", command.home().display()))
    );
}

#[test]
fn the_home_lives_as_long_as_the_command() {
    let command = sh("pwd -P; ls; touch was-here; mktemp > /dev/null");
    assert!(!command.run().stdout.contains("was-here"));
    assert!(command.run().stdout.contains("was-here"));
    assert_eq!(std::fs::read_dir(command.temp()).unwrap().count(), 2);
    let home = command.home();
    drop(command);
    assert!(!home.exists());
}

#[test]
fn a_run_has_code_and_both_outputs() {
    let run = sh("cat; echo oops >&2; exit 12").stdin("data").run();
    assert_eq!(
        (run.code, &*run.stdout, &*run.stderr),
        (12, "data", "oops\n")
    );
}

#[test]
fn assert_checks_code_and_both_outputs() {
    let command = sh("cat; echo oops >&2; exit 12").stdin("data");
    command.assert().code(12).stdout("data").stderr("oops\n");
    sh("kill -TERM $$").assert().code(143);
}

#[test]
#[should_panic(expected = "Unexpected return code")]
fn a_wrong_exit_code_fails() {
    sh("exit 1").run().expect_code(0);
}

#[test]
fn a_program_may_ignore_its_input() {
    assert_eq!(sh("exit 0").stdin(vec![0; 1_000_000]).run().code, 0);
}

#[test]
fn json_is_exactly_one_document() {
    assert_eq!(sh("echo '{\"a\": 1}'").run().json()["a"], 1);
    let two = std::panic::catch_unwind(|| sh("echo '{}'; echo '{}'").run().json());
    assert!(two.is_err());
}

#[test]
fn a_run_has_the_peak_memory() {
    let run = sh("x=$(head -c 30000000 /dev/zero | tr '\\0' x); sleep 0.05; exit 0").run();
    assert!(run.max_rss_kib.unwrap() > 25_000, "{:?}", run.max_rss_kib);
}

#[test]
fn a_running_program_receives_signals() {
    // A shell cannot trap a signal that it was started to ignore, as what runs in the background is.
    let shell = HermeticCommand::new("env").args(["--default-signal=INT", "sh", "-c"]);
    let mut running = shell
        .arg("trap 'echo bye; exit 130' INT; echo ready; while :; do sleep 0.01; done")
        .spawn();
    running.wait_for("ready");
    running.interrupt();
    let run = running.wait();
    assert_eq!((run.code, &*run.stdout), (130, "ready\nbye\n"));
    let mut running = sh("echo ready; exec sleep 60").spawn();
    running.wait_for("ready");
    running.terminate();
    assert_eq!(running.wait().code, 143);
}

#[test]
#[should_panic(expected = "still running after 200ms")]
fn a_program_over_its_time_limit_fails() {
    let _run = sh("sleep 60 & sleep 60")
        .time_limit(Duration::from_millis(200))
        .run();
}

#[test]
#[should_panic(expected = "it never said `ready`")]
fn an_ended_program_is_not_waited_for() {
    sh("echo no").spawn().wait_for("ready");
}

#[test]
fn dropping_a_program_kills_its_children() {
    let mut running = sh("sleep 60 & echo child=$!; wait").spawn();
    running.wait_for("child=");
    let child = running.stdout().trim().replace("child=", "");
    drop(running);
    let stat = format!("/proc/{child}/stat");
    lab::wait::until("the child to be gone", || {
        std::fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z "))
    });
}
