//! The binary, against servers that misbehave.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    os::unix::fs::PermissionsExt as _,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use lab::{Command, Faulty, Proxy, Reply, Run, Seen, closed_port};
use serde_json::{Value, json};

const IMAGE: &str = "ghcr.io/data-literate/dex:v2";
const TOKEN: &str = "s3cr3t-of-the-kubeconfig";

/// Returns a kubeconfig for a server and a user.
fn kubeconfig(server: &str, ca_pem: Option<&str>, user: &Value) -> Value {
    use base64::Engine as _;
    let ca = ca_pem.map(|pem| base64::engine::general_purpose::STANDARD.encode(pem));
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{
            "name": "c",
            "cluster": { "server": server, "certificate-authority-data": ca },
        }],
        "users": [{ "name": "u", "user": user }],
        "contexts": [{ "name": "here", "context": { "cluster": "c", "user": "u" } }],
        "current-context": "here",
    })
}

/// Verifies one Deployment with a kubeconfig in the home directory.
fn with_config(config: &str) -> Command {
    let verify = Command::new(env!("CARGO_BIN_EXE_verify-pods"));
    let file = verify.home().join("kubeconfig");
    std::fs::write(&file, config).unwrap();
    verify
        .args([
            "--namespace",
            "dex-prod",
            "--workload",
            "deployment/dex",
            "--format",
            "json",
        ])
        .env("RUNBOOK_IMAGE", IMAGE)
        .env("RUNBOOK_TIMEOUT", "20s")
        .env("RUNBOOK_SOAK", "0")
        .env("KUBECONFIG", file)
}

fn at(server: &str) -> Command {
    with_config(&kubeconfig(server, None, &json!({ "token": TOKEN })).to_string())
}

/// Returns code, reason and fault.
fn outcome(run: &Run) -> (i32, Value, Value) {
    let document = run.json();
    (
        run.code,
        document["reason"].clone(),
        document["fault"].clone(),
    )
}

#[track_caller]
fn expect(run: &Run, code: i32, reason: &str, fault: &str) {
    assert_eq!(outcome(run), (code, json!(reason), json!(fault)), "{run}");
}

/// Returns an error in the format of the API.
fn status(code: u16, reason: &str, message: &str) -> Reply {
    Reply::json(
        code,
        &json!({
            "kind": "Status",
            "apiVersion": "v1",
            "status": "Failure",
            "message": message,
            "reason": reason,
            "code": code,
        }),
    )
}

/// Lists one Deployment with one pod.
fn list(seen: &Seen, ready: bool) -> Reply {
    list_with(
        seen,
        &json!([{ "type": "Ready", "status": if ready { "True" } else { "False" } }]),
    )
}

/// Returns the metadata of an object.
fn metadata(name: &str, owners: &Value) -> Value {
    json!({
        "name": name,
        "namespace": "dex-prod",
        "uid": name,
        "resourceVersion": "5",
        "generation": 1,
        "ownerReferences": owners,
    })
}

/// Returns the owner references of an object with one owner.
fn owned_by(kind: &str, name: &str) -> Value {
    json!([{
        "apiVersion": "apps/v1",
        "kind": kind,
        "name": name,
        "uid": name,
        "controller": true,
    }])
}

/// Lists them with these conditions of the pod.
fn list_with(seen: &Seen, conditions: &Value) -> Reply {
    let ready = conditions[0]["status"] == "True";
    let containers = json!([{ "name": "dex", "image": IMAGE }]);
    let template = json!({ "spec": { "containers": containers } });
    let item = match seen
        .path
        .split('?')
        .next()
        .unwrap_or_default()
        .rsplit('/')
        .next()
    {
        Some("deployments") => json!({
            "metadata": metadata("dex", &json!([])),
            "spec": { "replicas": 1, "template": template },
            "status": { "observedGeneration": 1, "updatedReplicas": 1 },
        }),
        Some("replicasets") => {
            json!({ "metadata": metadata("dex-1", &owned_by("Deployment", "dex")) })
        }
        _ => json!({
            "metadata": metadata("dex-1-a", &owned_by("ReplicaSet", "dex-1")),
            "spec": { "nodeName": "node-1", "containers": containers },
            "status": {
                "phase": "Running",
                "conditions": conditions,
                "containerStatuses": [
                    { "name": "dex", "ready": ready, "state": { "running": {} } },
                ],
            },
        }),
    };
    Reply::json(
        200,
        &json!({
            "kind": "List",
            "apiVersion": "v1",
            "metadata": { "resourceVersion": "7" },
            "items": [item],
        }),
    )
}

fn is_watch(seen: &Seen) -> bool {
    seen.query("watch").is_some()
}

/// Returns a watch without events.
fn quiet() -> Reply {
    Reply::status(200)
        .header("Content-Type", "application/json")
        .filled(b' ', 1000)
        .headers_only()
}

fn answering(ready: bool) -> impl Fn(&Seen) -> Reply + Send + Sync + 'static {
    move |seen| {
        if is_watch(seen) {
            quiet()
        } else {
            list(seen, ready)
        }
    }
}

/// Checks that the step fails before it sends a request, with a hint.
#[track_caller]
fn expect_usage(run: &Run) {
    expect(run, 2, "invalid-usage", "configuration");
    assert_eq!(run.json()["requests"], 0, "{run}");
    assert!(!run.json()["hints"].as_array().unwrap().is_empty(), "{run}");
}

#[test]
fn an_invalid_flag_fails_before_any_request() {
    let server = Faulty::new([Reply::status(200)]);
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
    let server = Faulty::new([Reply::status(200)]);
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
fn expect_for_each(replies: &[Reply], code: i32, reason: &str, fault: &str) {
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
        Reply::html(200),
        Reply::html(401),
        Reply::html(403),
        Reply::html(404),
        Reply::redirect(302, "https://login.example/"),
        Reply::json(200, &json!({ "hello": "world" })),
        Reply::json(200, &json!([])),
        Reply::text(200, &"x".repeat(1 << 20)),
        status(404, "NotFound", missing),
    ];
    expect_for_each(&replies, 20, "not-the-api", "environment");
}

#[test]
fn rejected_credentials_are_denied() {
    let denied = |reply: Reply, reason: &str| {
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
    let unavailable = |replies: &[Reply], reason: &str| {
        expect_for_each(replies, 20, reason, "environment");
    };
    let failed = [
        status(500, "InternalError", "etcdserver: no leader"),
        Reply::html(502),
    ];
    unavailable(&failed, "server-error");
    let text = "Too many requests, please try again later.";
    unavailable(&[status(429, "TooManyRequests", text)], "rate-limited");
    unavailable(&[Reply::hang_up()], "unreachable");
}

#[test]
fn a_silent_or_closed_server_is_unavailable() {
    let closed = at(&format!("https://{}", closed_port())).run();
    expect(&closed, 20, "unreachable", "environment");
    let silent = at(&Faulty::new([Reply::silent()]).url())
        .args(["--timeout", "2s"])
        .run();
    expect(&silent, 20, "timed-out", "environment");
}

#[test]
fn an_unknown_certificate_authority_is_reported() {
    let server = Faulty::tls([Reply::status(200)]);
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
fn a_token_that_expires_ends_the_wait() {
    let watches = AtomicUsize::new(0);
    let server = Faulty::answering(move |seen| {
        if !is_watch(seen) {
            return list(seen, false);
        }
        // Three watches end normally before the token expires.
        match watches.fetch_add(1, Ordering::SeqCst) {
            0..3 => Reply::status(200),
            _ => status(401, "Unauthorized", "Unauthorized"),
        }
    });
    let run = at(&server.url()).run();
    expect(&run, 21, "credentials-rejected", "configuration");
    assert!(run.elapsed < Duration::from_secs(5), "{run}");
    assert_eq!(
        run.json()["subjects"][0]["reason"],
        "not-ready",
        "the report has the last state: {run}"
    );
}

#[test]
fn an_expired_watch_starts_with_a_new_list() {
    let gone = json!({
        "type": "ERROR",
        "object": {
            "kind": "Status",
            "apiVersion": "v1",
            "status": "Failure",
            "reason": "Expired",
            "code": 410,
            "message": "too old resource version",
        },
    });
    for expired in [
        Reply::json(200, &gone),
        status(410, "Expired", "too old resource version"),
    ] {
        let lists = AtomicUsize::new(0);
        let server = Faulty::answering(move |seen| {
            if !is_watch(seen) {
                return list(seen, lists.fetch_add(1, Ordering::SeqCst) >= 3);
            }
            match lists.load(Ordering::SeqCst) {
                0..=3 => expired.clone(),
                _ => quiet(),
            }
        });
        at(&server.url()).run().expect_code(0);
    }
}

#[test]
fn a_truncated_event_does_not_end_the_watch() {
    let cut = AtomicUsize::new(0);
    let server = Faulty::answering(move |seen| {
        if !is_watch(seen) {
            return list(seen, true);
        }
        match cut.fetch_add(1, Ordering::SeqCst) {
            0..6 => Reply::text(200, "{\"type\":\"MODIFIED\",\"object\":{\"kind\"").cut_after(30),
            _ => quiet(),
        }
    });
    at(&server.url())
        .args(["--soak", "3s"])
        .run()
        .expect_code(0);
}

#[test]
fn a_silent_server_stops_grace_periods() {
    let conditions = json!([{
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": "Insufficient cpu",
    }]);
    let server = Faulty::answering(move |seen| {
        if is_watch(seen) {
            Reply::hang_up()
        } else {
            list_with(seen, &conditions)
        }
    });
    let run = at(&server.url())
        .args(["--schedule-grace", "1s", "--timeout", "4s"])
        .run();
    expect(&run, 20, "unreachable", "environment");
    assert_eq!(run.json()["subjects"][0]["reason"], "not-ready", "{run}");
}

#[test]
fn requests_use_the_proxy_unless_exempt() {
    let (server, proxy) = (Faulty::tls_answering(answering(true)), Proxy::new());
    let config = kubeconfig(
        &server.url(),
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
        .env("NO_PROXY", "127.0.0.1")
        .run()
        .expect_code(0);
    assert_eq!(proxy.requests().len(), known);
}

/// Verifies with an exec plugin that runs a script.
fn by_plugin(server: &Faulty, script: &str) -> Command {
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
}

#[test]
fn a_waiting_exec_plugin_can_be_interrupted() {
    let server = Faulty::new([Reply::status(200)]);
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
    out-of-memory change
    config-error change
    init-failed change
    unschedulable environment
    quota environment
    admission change
    volume environment
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
    let run = Command::new(env!("CARGO_BIN_EXE_verify-pods"))
        .arg("--help")
        .run();
    assert_eq!(run.code, 0);
    insta::assert_snapshot!(run.stdout);
}
