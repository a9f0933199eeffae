//! No output contains a token: words, JSON, outputs, summaries, recordings.

use std::path::Path;

use super::{NEW, PROD, bump, remote};

const TOKEN: &str = "ghs_Very-Secret_0123456789";

/// Returns all output of a run, and all files in its directory.
fn texts(run: &lab::ProgramRun, folder: &Path) -> String {
    let mut all = format!("{}{}", run.stdout, run.stderr);
    let mut open = vec![folder.to_owned()];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(
                std::fs::read_dir(path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else {
            all.push_str(&String::from_utf8_lossy(&std::fs::read(path).unwrap()));
        }
    }
    all
}

fn clean(text: &str, format: &str) {
    // The base64 of `x-access-token:` and the token's start.
    for secret in [TOKEN, "Very-Secret", "eC1hY2Nlc3MtdG9rZW46Z2hz"] {
        let masks = text
            .lines()
            .filter(|line| !(format == "github" && line.starts_with("::add-mask::")));
        let bad: Vec<_> = masks.filter(|line| line.contains(secret)).collect();
        assert!(bad.is_empty(), "{format}: {bad:?}");
    }
}

#[test]
fn no_text_contains_the_token() {
    let remote = remote();
    for (password, code) in [(TOKEN, 0), ("another", 21)] {
        let http = remote.http("x-access-token", password);
        for format in ["plain", "json", "github"] {
            let command = bump().args([
                "--overlay",
                PROD,
                "--image",
                NEW,
                "--branch",
                "main",
                "--remote",
                &http.url(),
            ]);
            let home = command.home();
            let command = command
                .args(["-vv", "--format", format, "--record"])
                .arg(home.join("record"));
            let run = command
                .clone()
                .env("RUNBOOK_GITHUB_TOKEN", TOKEN)
                .env("GITHUB_SERVER_URL", format!("http://{}", http.address()))
                .env("GITHUB_OUTPUT", home.join("outputs"))
                .env("GITHUB_STEP_SUMMARY", home.join("summary"))
                .run();
            run.expect_code(code);
            clean(&texts(&run, &home), format);
            assert!(home.join("record/run.json").exists());
        }
    }
}

#[test]
fn the_apis_token_stays_secret_and_local() {
    let remote = remote();
    let server = lab::FakeGitHub::new(&remote);
    let other = lab::Faulty::new([lab::ScriptedReply::status(404)]);
    for (token, code) in [(server.token(), 0), (TOKEN.to_owned(), 21)] {
        for format in ["plain", "json", "github"] {
            let command = super::writing(&["--repository", "example/dex"], &["stage"]);
            let home = command.home();
            let command = command
                .args(["-vv", "--format", format, "--record"])
                .arg(home.join("record"));
            let run = server
                .environment(command.clone(), &token)
                .env("GITHUB_SERVER_URL", other.url())
                .env("GITHUB_OUTPUT", home.join("outputs"))
                .run();
            run.expect_code(code);
            clean(&texts(&run, &home).replace(&token, TOKEN), format);
            assert!(home.join("record/run.json").exists());
        }
    }
    assert!(other.seen().is_empty());
}

#[test]
fn no_text_contains_the_remotes_password() {
    let remote = remote();
    for (password, code) in [(TOKEN, 0), ("another", 21)] {
        let http = remote.http("ada", password);
        let url = http.url().replace("://", &format!("://ada:{TOKEN}@"));
        for format in ["plain", "json", "github"] {
            let command = bump().args([
                "--overlay",
                PROD,
                "--image",
                NEW,
                "--branch",
                "main",
                "--remote",
                &url,
            ]);
            let home = command.home();
            let command = command
                .args(["-vv", "--format", format, "--record"])
                .arg(home.join("record"));
            let run = command
                .clone()
                .env("GITHUB_OUTPUT", home.join("outputs"))
                .env("GIT_SSH_COMMAND", format!("sshpass -p {TOKEN} ssh"))
                .run();
            run.expect_code(code);
            clean(&texts(&run, &home), format);
            assert!(home.join("record/run.json").exists());
        }
    }
}
