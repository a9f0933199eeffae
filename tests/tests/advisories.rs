//! `.ci/advisories` tells a missing database from a known vulnerability.

use std::{fs, os::unix::fs::PermissionsExt as _};

/// Runs the script with a `cargo-deny` whose two commands do this.
fn advisories(fetch: &str, check: &str) -> lab::ProgramRun {
    advisories_with(fetch, check, &[])
}

fn advisories_with(fetch: &str, check: &str, arguments: &[&str]) -> lab::ProgramRun {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let deny = folder.path().join("cargo-deny");
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in\n*' fetch db') {fetch} ;;\n*' --offline check advisories') {check} ;;\nesac\n"
    );
    fs::write(&deny, script).expect("a file in a temporary folder");
    fs::set_permissions(&deny, fs::Permissions::from_mode(0o755)).expect("an executable file");
    lab::HermeticCommand::new(tests::root().join(".ci/advisories"))
        .arg(&deny)
        .args(arguments)
        .run()
}

const NO_NETWORK: &str =
    "echo 'failed to fetch advisory database https://example.org/db: no route' >&2; exit 1";

#[test]
fn without_a_database_the_script_warns_and_passes() {
    let run = advisories(NO_NETWORK, "echo checked");
    assert_eq!(run.code, 0, "{run}");
    let warning = "warning: the advisory database is not available; advisories were not checked";
    assert_eq!(run.stdout.trim(), warning, "{run}");
    assert!(run.stderr.contains("no route"), "{run}");
}

#[test]
fn a_required_database_may_not_be_missing() {
    let run = advisories_with(NO_NETWORK, "echo checked", &["--require-database"]);
    assert_eq!(run.code, 1, "{run}");
    assert!(run.stdout.contains("advisories were not checked"), "{run}");
}

#[test]
fn a_found_advisory_fails() {
    let run = advisories("true", "echo RUSTSEC-2099-0001; exit 1");
    assert_eq!(
        (run.code, run.stdout.trim()),
        (1, "RUSTSEC-2099-0001"),
        "{run}"
    );
}

#[test]
fn without_advisories_the_script_passes() {
    let run = advisories("true", "echo advisories ok");
    assert_eq!((run.code, run.stdout.trim()), (0, "advisories ok"), "{run}");
}

#[test]
fn a_broken_configuration_is_no_missing_database() {
    let run = advisories("echo 'failed to parse config' >&2; exit 1", "true");
    assert_eq!(run.code, 1, "{run}");
}

#[test]
fn a_missing_program_fails() {
    let run = lab::HermeticCommand::new(tests::root().join(".ci/advisories"))
        .arg("/nowhere/cargo-deny")
        .run();
    assert_ne!(run.code, 0, "{run}");
}
