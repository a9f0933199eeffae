//! The binary, against servers that misbehave.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod extensions;
mod fake_api;
mod secrets;
mod watch;

use std::{os::unix::fs::PermissionsExt as _, time::Duration};

use lab::{Faulty, HermeticCommand, ProgramRun, Proxy, ScriptedReply, closed_port};
use serde_json::json;

use crate::fake_api::{TOKEN, answering, at, expect, kubeconfig, status, with_config};

/// Checks that the step fails before it sends a request, with a hint.
#[track_caller]
fn expect_usage(run: &ProgramRun) {
    expect(run, 2, "invalid-usage", "configuration");
    assert_eq!(run.json()["requests"], 0, "{run}");
    assert!(!run.json()["hints"].as_array().unwrap().is_empty(), "{run}");
}

#[test]
fn an_invalid_flag_fails_before_any_request() {
    let server = Faulty::new([ScriptedReply::status(200)]);
    let flags: [&[&str]; 11] = [
        &["--image", "ghcr.io/a/dex"],
        &["--digest", "sha256:abc"],
        &["--namespace", "../secrets"],
        &["--namespace", "Dex"],
        &["--workload", "pod/dex"],
        &["--workload", "deployment/../x"],
        &["--alias", "mirror.example"],
        &["--terminating", "maybe"],
        &["--soak", "soon"],
        &["--soak", "20s"],
        &["--context", "there"],
    ];
    for flags in flags {
        expect_usage(&at(&server.url()).args(flags).run());
    }
    assert_eq!(server.seen().len(), 0);
}

#[test]
fn an_invalid_kubeconfig_fails_before_any_request() {
    for server in [
        "ftp://api.example",
        "https://",
        "https://:6443",
        "not a server",
        "https://api.example:99999",
    ] {
        expect_usage(&at(server).run());
    }
    for config in ["", "[]", "not: [a kubeconfig", "clusters: 7"] {
        expect_usage(&with_config(config).run());
    }
    let server = Faulty::new([ScriptedReply::status(200)]);
    for file in ["/nowhere/kubeconfig", "/", "/nowhere/a:/nowhere/b"] {
        expect_usage(&at(&server.url()).env("KUBECONFIG", file).run());
    }
    let none = at(&server.url()).without_env("KUBECONFIG").run();
    expect_usage(&none);
    let summary = none.json()["summary"].to_string();
    assert!(summary.contains("no kubeconfig"), "{none}");
    assert_eq!(server.seen().len(), 0);
}

#[test]
fn a_missing_context_lists_the_existing_ones() {
    let run = at("https://127.0.0.1:1").args(["--context", "there"]).run();
    let document = run.json();
    assert_eq!(
        document["summary"], "the kubeconfig has no context `there`: it has `here`",
        "{run}"
    );
}

#[test]
fn a_server_needs_no_scheme() {
    let server = Faulty::tls_answering(answering(true));
    let user = json!({ "token": TOKEN });
    let run =
        with_config(&kubeconfig(&server.address(), Some(server.ca_pem()), &user).to_string()).run();
    run.expect_code(0);
    let bearer = format!("Bearer {TOKEN}");
    assert!(
        server
            .seen()
            .iter()
            .all(|seen| seen.header("authorization") == Some(&bearer)),
        "{run}"
    );
}

/// Checks that every one of these answers has this outcome, whether the step waits or not.
#[track_caller]
fn expect_for_each(replies: &[ScriptedReply], code: i32, reason: &str, fault: &str) {
    for reply in replies {
        let server = Faulty::new([reply.clone()]);
        for timeout in ["20s", "0"] {
            let run = at(&server.url()).args(["--timeout", timeout]).run();
            expect(&run, code, reason, fault);
            assert!(run.elapsed < Duration::from_secs(6), "{run}");
            assert!(!format!("{run}").contains(TOKEN), "{run}");
        }
    }
}

#[test]
fn an_answer_of_another_server_is_unavailable() {
    let missing = "the server could not find the requested resource";
    let replies = [
        ScriptedReply::html(200),
        ScriptedReply::html(401),
        ScriptedReply::html(403),
        ScriptedReply::html(404),
        ScriptedReply::redirect(302, "https://login.example/"),
        ScriptedReply::json(200, &json!({ "hello": "world" })),
        ScriptedReply::json(200, &json!([])),
        ScriptedReply::json(200, &json!({ "items": [] })),
        ScriptedReply::json(401, &json!({ "code": 401, "message": "log in" })),
        ScriptedReply::json(403, &json!({ "code": 403, "message": "blocked" })),
        ScriptedReply::text(401, "Unauthorized"),
        ScriptedReply::text(200, &"x".repeat(1 << 20)),
        status(404, "NotFound", missing),
    ];
    expect_for_each(&replies, 20, "not-the-api", "environment");
}

#[test]
fn rejected_credentials_are_denied() {
    let denied = |reply: ScriptedReply, reason: &str| {
        expect_for_each(&[reply], 21, reason, "configuration");
    };
    denied(
        status(401, "Unauthorized", "Unauthorized"),
        "credentials-rejected",
    );
    let forbidden = |user: &str| {
        let text = format!("pods is forbidden: User \"{user}\" cannot list resource \"pods\"");
        status(403, "Forbidden", &text)
    };
    denied(forbidden("system:anonymous"), "no-credentials");
    denied(forbidden("ci"), "permission-missing");
}

#[test]
fn a_failing_server_is_unavailable() {
    let unavailable = |replies: &[ScriptedReply], reason: &str| {
        expect_for_each(replies, 20, reason, "environment");
    };
    let failed = [
        status(500, "InternalError", "etcdserver: no leader"),
        ScriptedReply::html(502),
    ];
    unavailable(&failed, "server-error");
    let text = "Too many requests, please try again later.";
    unavailable(&[status(429, "TooManyRequests", text)], "rate-limited");
    unavailable(&[ScriptedReply::hang_up()], "unreachable");
}

#[test]
fn a_silent_or_closed_server_is_unavailable() {
    let closed = at(&format!("https://{}", closed_port())).run();
    expect(&closed, 20, "unreachable", "environment");
    let silent = at(&Faulty::new([ScriptedReply::silent()]).url())
        .args(["--timeout", "2s"])
        .run();
    expect(&silent, 20, "timed-out", "environment");
}

#[test]
fn an_unknown_certificate_authority_is_reported() {
    let server = Faulty::tls([ScriptedReply::status(200)]);
    let run = at(&server.url()).run();
    expect(&run, 20, "untrusted-certificate", "environment");
    assert!(
        run.json()["hints"]
            .to_string()
            .contains("certificate-authority-data"),
        "{run}"
    );
    assert_eq!(server.seen().len(), 0);
}

#[test]
fn requests_use_the_proxy_unless_exempt() {
    let (server, proxy) = (Faulty::tls_answering(answering(true)), Proxy::new());
    proxy.route("registry.example:443", &server.address());
    let config = kubeconfig(
        "https://registry.example",
        Some(server.ca_pem()),
        &json!({ "token": TOKEN }),
    )
    .to_string();
    let through = |url: &str| with_config(&config).env("HTTPS_PROXY", url);
    through(&proxy.url()).run().expect_code(0);
    assert!(!proxy.requests().is_empty());
    let known = proxy.requests().len();
    through(proxy.url().trim_start_matches("http://"))
        .run()
        .expect_code(0);
    assert!(
        proxy.requests().len() > known,
        "a proxy may be given without its scheme"
    );
    let known = proxy.requests().len();
    through(&proxy.url())
        .env("NO_PROXY", "registry.example")
        .args(["--timeout", "0", "--soak", "0"])
        .run()
        .expect_code(20);
    assert_eq!(proxy.requests().len(), known);
}

#[test]
fn loopback_never_uses_a_proxy() {
    let (server, proxy) = (Faulty::answering(answering(true)), Proxy::new());
    let variables = ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy"];
    let by_variable = variables.map(|name| at(&server.url()).env(name, proxy.url()));
    let mut config = kubeconfig(&server.url(), None, &json!({ "token": TOKEN }));
    config["clusters"][0]["cluster"]["proxy-url"] = json!(proxy.url());
    let by_config = with_config(&config.to_string());
    for command in by_variable.into_iter().chain([by_config]) {
        command.run().expect_code(0);
    }
    assert_eq!(proxy.requests(), Vec::<String>::new());
}

/// Verifies with an exec plugin that runs a script.
fn by_plugin(server: &Faulty, script: &str) -> HermeticCommand {
    let command = with_config("");
    let plugin = command.home().join("plugin");
    std::fs::write(&plugin, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&plugin, std::fs::Permissions::from_mode(0o755)).unwrap();
    let exec = json!({
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": plugin,
        "interactiveMode": "Never",
    });
    let config = kubeconfig(&server.url(), None, &json!({ "exec": exec }));
    std::fs::write(command.home().join("kubeconfig"), config.to_string()).unwrap();
    command
}

#[test]
fn an_exec_plugin_logs_in_or_fails() {
    let server = Faulty::answering(answering(true));
    let credential = json!({
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": { "token": TOKEN },
    });
    let run = by_plugin(&server, &format!("echo '{credential}'"))
        .arg("-vv")
        .run();
    run.expect_code(0);
    assert_eq!(
        server.seen()[0].header("authorization"),
        Some(format!("Bearer {TOKEN}").as_str())
    );
    assert!(!format!("{run}").contains(TOKEN), "{run}");
    let failing = by_plugin(
        &server,
        &format!("echo {TOKEN}; echo 'session has expired' >&2; exit 3"),
    )
    .run();
    expect(&failing, 21, "no-credentials", "configuration");
    assert!(
        failing.json()["summary"]
            .as_str()
            .unwrap()
            .contains("session has expired"),
        "{failing}"
    );
    assert!(!format!("{failing}").contains(TOKEN), "{failing}");
    let talking = by_plugin(&server, "yes expired | head -c 100000 >&2; exit 3").run();
    let said = talking.json()["summary"].as_str().unwrap().len();
    assert!(said < 1_300, "{said} bytes");
}

#[test]
fn a_waiting_exec_plugin_can_be_interrupted() {
    let server = Faulty::new([ScriptedReply::status(200)]);
    let command = by_plugin(&server, "touch asked; exec sleep 5");
    let asked = command.home().join("asked");
    let mut running = command.spawn();
    lab::wait::until("the plugin", || asked.exists());
    running.interrupt();
    assert_eq!(running.wait().code, 130);
}

#[test]
fn the_reasons_are_a_closed_list() {
    use contract::Step as _;
    let reasons: Vec<String> = verify_pods::VerifyPods::REASONS
        .iter()
        .map(|r| format!("{} {}", r.word, r.fault))
        .collect();
    insta::assert_snapshot!(reasons.join("\n"), @r"
    image-not-found change
    image-pull-denied configuration
    image-pull environment
    invalid-image-name change
    crash-loop change
    crashed-before environment
    out-of-memory change
    config-error change
    settings-missing environment
    init-failed change
    unschedulable environment
    quota environment
    admission change
    cluster-policy configuration
    create-failed environment
    volume environment
    sandbox environment
    node-runtime environment
    name-reserved environment
    node-policy configuration
    node-pressure environment
    node-lost environment
    pod-rejected environment
    evicted change
    start-failed environment
    sidecar environment
    stuck-pod environment
    unknown-digest environment
    not-available environment
    not-ready environment
    old-pods environment
    mixed-digests environment
    no-pods configuration
    on-delete configuration
    partitioned configuration
    paused configuration
    restarted environment
    ");
}

#[test]
fn help_lists_every_flag_and_exit_code() {
    let run = HermeticCommand::new(env!("CARGO_BIN_EXE_verify-pods"))
        .arg("--help")
        .run();
    assert_eq!(run.code, 0);
    insta::assert_snapshot!(run.stdout);
}
