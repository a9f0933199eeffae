//! A command sees nothing of the machine, and ends when it has to.

use std::time::Duration;

use lab::Command;

fn sh(script: &str) -> Command {
    Command::new("sh").args(["-c", script])
}

#[test]
fn the_world_is_empty_but_for_what_is_named() {
    let command = Command::new("env")
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
fn the_home_stays_from_run_to_run_and_goes_in_the_end() {
    let command = sh("pwd -P; ls; touch was-here; mktemp > /dev/null");
    assert!(!command.run().stdout.contains("was-here"));
    assert!(command.run().stdout.contains("was-here"));
    assert_eq!(std::fs::read_dir(command.temp()).unwrap().count(), 2);
    let home = command.home();
    drop(command);
    assert!(!home.exists());
}

#[test]
fn input_output_and_code_are_the_programs() {
    let run = sh("cat; echo oops >&2; exit 12").stdin("data").run();
    assert_eq!(
        (run.code, &*run.stdout, &*run.stderr),
        (12, "data", "oops\n")
    );
}

#[test]
fn input_need_not_be_read() {
    assert_eq!(sh("exit 0").stdin(vec![0; 1_000_000]).run().code, 0);
}

#[test]
fn stdout_is_one_document() {
    assert_eq!(sh("echo '{\"a\": 1}'").run().json()["a"], 1);
    let two = std::panic::catch_unwind(|| sh("echo '{}'; echo '{}'").run().json());
    assert!(two.is_err());
}

#[test]
fn memory_is_what_it_had_at_most() {
    let run = sh("x=$(head -c 30000000 /dev/zero | tr '\\0' x); sleep 0.05; exit 0").run();
    assert!(run.max_rss_kib.unwrap() > 25_000, "{:?}", run.max_rss_kib);
}

#[test]
fn signals_arrive() {
    let mut running =
        sh("trap 'echo bye; exit 130' INT; echo ready; while :; do sleep 0.01; done").spawn();
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
fn too_long_is_too_long() {
    let _run = sh("sleep 60 & sleep 60")
        .time_limit(Duration::from_millis(200))
        .run();
}

#[test]
#[should_panic(expected = "it never said `ready`")]
fn what_is_never_said_is_not_waited_for() {
    sh("echo no").spawn().wait_for("ready");
}

#[test]
fn a_dropped_program_is_killed_with_all_it_started() {
    let mut running = sh("sleep 60 & echo child=$!; wait").spawn();
    running.wait_for("child=");
    let child = running.stdout().trim().replace("child=", "");
    drop(running);
    let stat = format!("/proc/{child}/stat");
    lab::wait::until("the child to be gone", || {
        std::fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z "))
    });
}
