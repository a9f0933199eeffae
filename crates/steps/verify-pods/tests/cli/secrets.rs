//! Where credentials go, and what an answer may show of them.

use std::{fs, path::Path};

use lab::{Faulty, HermeticCommand, ScriptedReply};
use serde_json::{Value, json};

use crate::fake_api::{
    TOKEN, answering, at, expect, is_watch, kubeconfig, list_with_container, quiet, status,
    with_config,
};

fn with_user(server: &str, user: &Value) -> HermeticCommand {
    with_config(&kubeconfig(server, None, user).to_string())
}

#[test]
fn credentials_never_use_plain_http() {
    let plugin = json!({ "exec": {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "touch",
        "args": ["plugin-has-run"],
    } });
    for user in [
        json!({ "token": TOKEN }),
        json!({ "username": "u", "password": TOKEN }),
        plugin,
    ] {
        for server in ["http://192.0.2.1:8080", "http://api.localhost:8080"] {
            let command = with_user(server, &user);
            let home = command.home();
            let command = command.current_dir(&home);
            let run = command.run();
            expect(&run, 2, "invalid-usage", "configuration");
            assert_eq!(run.json()["requests"], 0, "{run}");
            let hints = run.json()["hints"].to_string();
            assert!(hints.contains("https://"), "{run}");
            assert!(!home.join("plugin-has-run").exists());
        }
    }
}

#[test]
fn a_redirect_is_not_followed() {
    let other = Faulty::answering(answering(true));
    let server = Faulty::new([ScriptedReply::redirect(307, &other.url())]);
    let run = at(&server.url()).run();
    expect(&run, 20, "not-the-api", "environment");
    assert_eq!(other.seen().len(), 0, "{run}");
}

/// Returns whether a recording has a text.
fn is_recorded(folder: &Path, text: &str) -> bool {
    fs::read_to_string(folder.join("tape.jsonl"))
        .unwrap()
        .contains(text)
}

#[test]
fn an_echoed_credential_is_never_shown() {
    let server = Faulty::answering(|seen| {
        let sent = seen.header("authorization").unwrap_or("nothing");
        // The cut of a long message falls into the credential.
        let text = format!("{} {sent}  rejected {sent}", "x".repeat(380));
        status(401, "Unauthorized", &text)
    });
    let credential = json!({ "status": { "token": "token-of-a-plugin" } });
    let script = format!("echo '{credential}'");
    let users = [
        (json!({ "token": TOKEN }), TOKEN),
        (
            json!({ "username": "u", "password": "a-password" }),
            "dTphLXBhc3N3b3Jk",
        ),
        (
            json!({ "exec": { "command": "sh", "args": ["-c", script] } }),
            "token-of-a-plugin",
        ),
        (json!({ "tokenFile": "/dev/stdin" }), "token-of-a-file"),
    ];
    for (user, secret) in users {
        let command = with_user(&server.url(), &user).stdin("token-of-a-file\n");
        let recording = command.home().join("recording");
        let command = command.arg("--record").arg(&recording).arg("-vv");
        let run = command.run();
        expect(&run, 21, "credentials-rejected", "configuration");
        let sent = server.seen().pop().unwrap();
        assert!(sent.header("authorization").unwrap().ends_with(secret));
        let shown = format!("{}{}", run.stdout, run.stderr);
        assert!(!shown.contains(&secret[..6]), "{user}: {shown}");
        assert!(!is_recorded(&recording, secret), "{user}");
    }
}

#[test]
fn a_plugin_gets_no_secret_of_another_system() {
    let server = Faulty::answering(answering(true));
    let credential = json!({ "status": { "token": TOKEN } });
    let script = format!("env > seen; echo '{credential}'");
    let user = json!({ "exec": {
        "command": "sh",
        "args": ["-c", script],
        "env": [{ "name": "OF_THE_CONFIG_TOKEN", "value": "given" }],
    } });
    let command = with_user(&server.url(), &user)
        .env("RUNBOOK_GITHUB_TOKEN", "secret-1")
        .env("RUNBOOK_REGISTRY_PASSWORD", "secret-2")
        .env("RUNBOOK_ARGOCD_TOKEN", "secret-3")
        .env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "secret-4")
        .env("AWS_SESSION_TOKEN", "of-the-cloud");
    let folder = command.home();
    let command = command.current_dir(&folder);
    command.run().expect_code(0);
    let seen = fs::read_to_string(folder.join("seen")).unwrap();
    assert!(!seen.contains("secret-"), "{seen}");
    assert!(seen.contains("AWS_SESSION_TOKEN=of-the-cloud"), "{seen}");
    assert!(seen.contains("OF_THE_CONFIG_TOKEN=given"), "{seen}");
    assert!(seen.contains("KUBERNETES_EXEC_INFO="), "{seen}");
}

#[test]
fn the_output_of_a_probe_obeys_the_log_lines() {
    let server = Faulty::answering(|seen| {
        if is_watch(seen) {
            return quiet();
        }
        if seen.path.contains("/events?") {
            let message = "Readiness probe failed: KEY=of-the-probe";
            let event = json!({ "type": "Warning", "reason": "Unhealthy", "message": message });
            let list = json!({ "kind": "EventList", "items": [event] });
            return ScriptedReply::json(200, &list);
        }
        if seen.path.contains("/log?") {
            return ScriptedReply::text(200, "the log");
        }
        let container = json!({
            "name": "dex",
            "restartCount": 3,
            "state": { "waiting": { "reason": "CrashLoopBackOff" } },
            "lastState": { "terminated": { "exitCode": 1, "reason": "Error" } },
        });
        list_with_container(seen, &json!([]), &container)
    });
    for (lines, expected) in [("0", false), ("1", true)] {
        let run = at(&server.url()).args(["--log-lines", lines]).run();
        expect(&run, 10, "crash-loop", "change");
        let shown = format!("{run}");
        assert!(
            shown.contains("event Unhealthy: Readiness probe failed"),
            "{run}"
        );
        assert_eq!(shown.contains("of-the-probe"), expected, "{run}");
    }
}

#[test]
fn a_termination_message_obeys_the_log_lines() {
    let server = Faulty::answering(|seen| {
        if is_watch(seen) {
            return quiet();
        }
        if seen.path.contains("/log?") {
            return ScriptedReply::text(200, "the log");
        }
        let container = json!({
            "name": "dex",
            "restartCount": 3,
            "state": { "waiting": { "reason": "CrashLoopBackOff" } },
            "lastState": { "terminated": {
                "exitCode": 1,
                "reason": "Error",
                "message": "first-line\npassword=hunter2 last-of-the-log\n",
            } },
        });
        list_with_container(seen, &json!([]), &container)
    });
    for (lines, expected) in [("0", false), ("1", true)] {
        let run = at(&server.url()).args(["--log-lines", lines]).run();
        expect(&run, 10, "crash-loop", "change");
        let shown = format!("{run}");
        assert_eq!(shown.contains("last-of-the-log"), expected, "{run}");
        assert!(
            !shown.contains("first-line") && !shown.contains("hunter2"),
            "{run}"
        );
    }
}
