//! The contract from outside, through a process: the example `probe`.
//!
//! `PROBE=<path>` tests another build of it: `.ci/run` passes the one of the profile `dist`, whose
//! panics abort.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

fn probe() -> Command {
    let path = std::env::var_os("PROBE")
        .map(PathBuf::from)
        .unwrap_or_else(|| {
            let mut path = std::env::current_exe().unwrap();
            path.pop();
            path.pop();
            path.join("examples/probe")
        });
    let mut command = Command::new(path);
    command.env_clear().stdin(Stdio::null());
    command
}

fn run(arguments: &[&str], vars: &[(&str, &str)]) -> Output {
    probe()
        .args(arguments)
        .envs(vars.iter().copied())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Fails unless standard output is exactly one JSON document.
fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", text(&output.stdout)))
}

#[test]
fn the_first_line_has_verdict_and_reason() {
    let output = run(&["--act", "refuse", "--text", "prod is bad"], &[]);
    insta::assert_snapshot!(text(&output.stderr), @r"
    refused: prod is bad [bad]
    hint: do this
    reproduce: probe --act refuse --text 'prod is bad'
    ");
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(10), ""));
}

#[test]
fn only_a_good_run_prints_its_value() {
    assert_eq!(text(&run(&["--text", "abc"], &[]).stdout), "abc\n");
}

#[test]
fn json_is_exactly_one_document_in_every_case() {
    let cases: [(&[&str], i32, &str); 6] = [
        (&[], 0, "passed"),
        (&["--act=mixed"], 10, "refused"),
        (&["--act=fail"], 20, "unavailable"),
        (&["--act=panic"], 1, "internal"),
        (&["--nonsense"], 2, "usage"),
        (&["--act=wait", "--timeout=soon"], 2, "usage"),
    ];
    for (arguments, code, verdict) in cases {
        let output = run(&[arguments, &["--format", "json"]].concat(), &[]);
        let document = json(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        assert_eq!(
            (&document["verdict"], &document["exit"]),
            (&Value::from(verdict), &Value::from(code))
        );
        assert_eq!(document["reason"].is_null(), code == 0, "{document}");
        assert_eq!(document["fault"].is_null(), code == 0, "{document}");
    }
}

#[test]
fn the_document_keeps_its_shape() {
    let output = run(
        &["--act=mixed", "--format=json", "--accept", "refused"],
        &[("RUNBOOK_NAME", "a,b")],
    );
    let mut document = json(&output);
    document["elapsed_ms"] = Value::from(0);
    insta::assert_snapshot!(document, @r#"{"schema":1,"step":"probe","verdict":"refused","exit":12,"reason":"bad","fault":"change","summary":"bad","hints":[],"notices":[],"subjects":[{"name":"stage","verdict":"superseded","reason":"old","fault":"nobody","summary":"newer is there","facts":{}},{"name":"prod","verdict":"refused","reason":"bad","fault":"change","summary":"bad","facts":{}}],"facts":{"text":"fine","names":["a","b"],"loud":false},"requests":0,"elapsed_ms":0,"reproduce":"probe --act=mixed --accept refused --name=a --name=b"}"#);
}

#[test]
fn an_accepted_verdict_exits_with_zero() {
    let output = run(&["--act=refuse", "--accept=refused"], &[]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stderr).contains("exit code 0, since `--accept`"));
}

#[test]
fn an_unknown_flag_gets_a_suggestion() {
    let output = run(&["--lod"], &[]);
    insta::assert_snapshot!(text(&output.stderr), @r"
    usage: unexpected argument '--lod' found [invalid-usage]
    hint: a similar argument exists: `--loud`
    hint: see `--help`
    ");
}

#[test]
fn an_invalid_variable_is_named() {
    let empty = [
        ("RUNBOOK_ACT", ""),
        ("RUNBOOK_TIMEOUT", ""),
        ("RUNBOOK_LOUD", ""),
        ("RUNBOOK_NAME", ""),
        ("RUNBOOK_LOG_LINES", ""),
    ];
    assert_eq!(run(&[], &empty).status.code(), Some(0));
    let output = run(&["--format=json"], &[("RUNBOOK_LOUD", "maybe")]);
    assert!(
        json(&output)["summary"]
            .as_str()
            .unwrap()
            .contains("RUNBOOK_LOUD")
    );
}

#[test]
fn a_panic_is_reported_in_every_format() {
    let output = run(&["--act=panic", "--text=boom", "--format=json"], &[]);
    let document = json(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        document["summary"]
            .as_str()
            .unwrap()
            .starts_with("boom at "),
        "{document}"
    );
    let directory = tempfile::tempdir().unwrap();
    let outputs = directory.path().join("output");
    let vars = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_OUTPUT", outputs.to_str().unwrap()),
    ];
    let output = run(&["--act=panic"], &vars);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("::error title=probe%3A internal%2C bug::"));
    assert!(
        std::fs::read_to_string(&outputs)
            .unwrap()
            .contains("internal")
    );
}

#[test]
fn a_panic_ends_what_the_step_started() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("id");
    let text = format!("--text={}", file.display());
    let path = std::env::var("PATH").unwrap();
    let output = run(&["--act=panic-with-program", &text], &[("PATH", &path)]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let id = std::fs::read_to_string(&file).unwrap();
    let stat = format!("/proc/{}/stat", id.trim());
    let is_gone = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        let stat = std::fs::read_to_string(&stat).unwrap_or_default();
        stat.is_empty() || stat.contains(") Z ")
    });
    assert!(is_gone, "{id} still runs");
}

#[test]
fn a_signal_ends_the_run_with_its_facts() {
    for (signal, name) in [("INT", "SIGINT"), ("TERM", "SIGTERM")] {
        let child = waiting_probe();
        let started = Instant::now();
        assert!(
            Command::new("kill")
                .args(["-s", signal, &child.id().to_string()])
                .status()
                .unwrap()
                .success()
        );
        let output = child.wait_with_output().unwrap();
        assert!(started.elapsed() < Duration::from_secs(1));
        let document = json(&output);
        assert_eq!(
            (output.status.code(), &document["verdict"]),
            (Some(130), &Value::from("interrupted"))
        );
        assert_eq!(document["facts"]["text"], "known");
        assert_eq!(
            document["summary"],
            format!("stopped by {name}, while waiting for a thing that never comes")
        );
    }
}

/// Starts a probe and returns once it waits: by then its signal handlers are installed.
fn waiting_probe() -> Child {
    use std::io::{BufRead as _, BufReader};
    let mut command = probe();
    command.args([
        "--act=wait",
        "--text=known",
        "--timeout=10m",
        "--format=json",
    ]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert!(line.contains("waiting for a thing"), "{line}");
    child
}

#[test]
fn a_secret_is_in_no_output() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let (outputs, summary, tape) = (file("output"), file("summary"), file("tape"));
    for format in ["plain", "json", "github"] {
        let vars = [
            ("RUNBOOK_PROBE_TOKEN", "s3cr3t-v4lue"),
            ("GITHUB_OUTPUT", &outputs),
            ("GITHUB_STEP_SUMMARY", &summary),
            ("GITHUB_ACTIONS", "true"),
        ];
        let output = run(
            &[
                "--act=secret",
                "-v",
                "--format",
                format,
                "--record",
                &tape,
                "--text",
                "s3cr3t-v4lue",
            ],
            &vars,
        );
        assert_eq!(output.status.code(), Some(10));
        let mut all = format!("{}{}", text(&output.stdout), text(&output.stderr));
        // Only the mask itself has it, and the runner does not show that line.
        if format == "github" {
            assert!(all.starts_with("::add-mask::s3cr3t-v4lue\n"), "{all}");
            all = all.replacen("::add-mask::s3cr3t-v4lue", "", 1);
            all += &std::fs::read_to_string(&outputs).unwrap();
            all += &std::fs::read_to_string(&summary).unwrap();
        }
        all += &std::fs::read_to_string(format!("{tape}/run.json")).unwrap();
        all += &std::fs::read_to_string(format!("{tape}/tape.jsonl")).unwrap();
        assert!(!all.contains("s3cr3t"), "{all}");
        assert!(all.contains("the token is ***"));
    }
}

#[test]
fn no_line_is_a_command_on_a_runner() {
    let text_from_outside = "x\n::stop-commands::y\n##[error]z\n##vso[task.complete]z";
    for format in ["plain", "json", "github"] {
        for act in ["refuse", "fail", "panic"] {
            let arguments = [
                "--act",
                act,
                "--format",
                format,
                "--text",
                text_from_outside,
            ];
            let output = run(&arguments, &[("GITHUB_ACTIONS", "true")]);
            let all = format!("{}{}", text(&output.stdout), text(&output.stderr));
            for line in all
                .lines()
                .filter(|line| !line.starts_with("::error title="))
            {
                let is_command = line.trim_start().starts_with("::") || line.contains("##[");
                assert!(!is_command, "{line}");
            }
        }
    }
}

#[test]
fn no_line_is_a_command_of_another_agent() {
    let evil = "x ##vso[task.setvariable variable=a]b\n##teamcity[buildStatus]\n##[error]z";
    for format in ["plain", "json", "github"] {
        for act in ["refuse", "fail", "panic"] {
            let arguments = ["--act", act, "--format", format, "--text", evil];
            let output = run(&arguments, &[("TF_BUILD", "True")]);
            let all = format!("{}{}", text(&output.stdout), text(&output.stderr));
            for command in ["##vso[", "##teamcity[", "##["] {
                assert!(!all.contains(command), "{format} {act}: {all}");
            }
        }
    }
}

#[test]
fn only_a_runner_is_told_a_secret() {
    let arguments = ["--act=secret", "--format=github"];
    let output = run(&arguments, &[("RUNBOOK_PROBE_TOKEN", "s3cr3t-v4lue")]);
    assert_eq!(output.status.code(), Some(10));
    assert!(!text(&output.stderr).contains("s3cr3t"));
}

#[test]
fn a_short_secret_is_noticed_once() {
    let output = run(
        &["--act=secret", "--format=json"],
        &[("RUNBOOK_PROBE_TOKEN", "q7")],
    );
    let notices = &json(&output)["notices"];
    assert_eq!(notices.as_array().unwrap().len(), 2);
    assert!(
        notices[0]
            .as_str()
            .unwrap()
            .contains("fewer than 4 characters")
    );
}

#[test]
fn a_recording_does_not_follow_a_link() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    std::fs::create_dir(path("other")).unwrap();
    std::os::unix::fs::symlink(path("other"), path("link")).unwrap();
    let output = run(&["--record", path("link").to_str().unwrap()], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("hint: pass a directory that does not exist"));
    assert_eq!(std::fs::read_dir(path("other")).unwrap().count(), 0);
}

#[test]
fn a_timeout_beyond_every_clock_is_invalid() {
    let output = run(&["--timeout=18446744073709551615s"], &[]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_secret_with_a_line_break_is_invalid() {
    let output = run(
        &["--act=secret", "--format=json"],
        &[("RUNBOOK_PROBE_TOKEN", "abc\n")],
    );
    assert_eq!(output.status.code(), Some(2));
    assert!(!text(&output.stderr).contains("abc"));
}

#[test]
fn unwritten_outputs_are_not_a_pass() {
    let vars = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_OUTPUT", "/nowhere/at/all"),
    ];
    assert_eq!(run(&[], &vars).status.code(), Some(20));
}

#[test]
fn no_colour_goes_into_a_pipe() {
    let output = run(&["--act=refuse"], &[("CLICOLOR", "1"), ("TERM", "xterm")]);
    assert!(!text(&output.stderr).contains('\u{1b}'));
    let output = run(&["--act=refuse"], &[("CLICOLOR_FORCE", "1")]);
    assert!(text(&output.stderr).contains('\u{1b}'));
}

/// One document of every verdict, without its time, as the JSON of a workflow.
#[test]
fn every_verdict_keeps_its_document() {
    let acts = [
        "pass",
        "skip",
        "refuse",
        "not-yet",
        "supersede",
        "misuse",
        "fail",
        "deny",
        "contend",
    ];
    let mut documents = String::new();
    for act in acts {
        let output = run(&["--act", act, "--format=json", "--name=a"], &[]);
        let mut document = json(&output);
        document["elapsed_ms"] = Value::from(0);
        documents.push_str(&format!("{document}\n"));
    }
    insta::assert_snapshot!(documents);
}

fn help(flag: &str, columns: &str) -> String {
    let output = run(&[flag], &[("COLUMNS", columns)]);
    assert_eq!(output.status.code(), Some(0));
    let text = text(&output.stdout).to_owned();
    let columns: usize = columns.parse().unwrap();
    let widest = text.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(columns), "{text}");
    text
}

#[test]
fn long_help_has_every_section() {
    insta::assert_snapshot!(help("--help", "100"));
}

#[test]
fn long_help_fits_eighty_columns() {
    insta::assert_snapshot!(help("--help", "80"));
}

#[test]
fn short_help_lists_only_flags() {
    insta::assert_snapshot!(help("-h", "80"));
}

#[test]
fn help_has_colour_only_on_request() {
    assert!(!help("--help", "80").contains('\u{1b}'));
    let output = run(&["--help"], &[("CLICOLOR_FORCE", "1")]);
    assert!(text(&output.stdout).contains('\u{1b}'));
}
