//! The binary, in an empty environment.

use lab::HermeticCommand;
use serde_json::json;

/// Returns the command; it runs in a home of its own.
fn check(file: &str) -> HermeticCommand {
    let command = HermeticCommand::new(env!("CARGO_BIN_EXE_check-sample"));
    command.args(["--file", file])
}

#[test]
fn a_file_with_content_passes() {
    let check = check("overlay.yaml");
    std::fs::write(check.home().join("overlay.yaml"), "kind: x\n").unwrap();
    let run = check.arg("--format=json").run();
    let document = run.json();
    assert_eq!((run.code, &document["verdict"]), (0, &json!("passed")));
    assert_eq!(document["facts"]["size"], 8);
}

#[test]
fn a_missing_file_refuses() {
    let run = check("overlay.yaml").run();
    insta::assert_snapshot!(run.stderr, @r"
    refused: `overlay.yaml`: the working directory does not have the file [file-missing]
    hint: commit the file, or pass another one as `--file`
    reproduce: check-sample --file overlay.yaml
    ");
    assert_eq!((run.code, run.stdout.as_str()), (10, ""));
}

#[test]
fn an_absolute_path_is_a_usage_error() {
    let run = check("/etc/passwd").run();
    assert_eq!(run.code, 2, "{run}");
}

#[test]
fn help_shows_every_flag() {
    let run = HermeticCommand::new(env!("CARGO_BIN_EXE_check-sample"))
        .arg("--help")
        .run();
    assert_eq!(run.code, 0, "{run}");
    insta::assert_snapshot!(run.stdout);
}
