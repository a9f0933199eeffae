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

/// A kubeconfig for a server, whose user is this.
fn kubeconfig(server: &str, ca_pem: Option<&str>, user: &Value) -> Value {
    use base64::Engine as _;
    let ca = ca_pem.map(|pem| base64::engine::general_purpose::STANDARD.encode(pem));
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": "c", "cluster": { "server": server, "certificate-authority-data": ca } }],
        "users": [{ "name": "u", "user": user }],
        "contexts": [{ "name": "here", "context": { "cluster": "c", "user": "u" } }],
        "current-context": "here",
    })
}

/// Verifies one Deployment by a kubeconfig in its home.
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

/// An error as the API writes it.
fn status(code: u16, reason: &str, message: &str) -> Reply {
    Reply::json(
        code,
        &json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "reason": reason, "code": code }),
    )
}

/// One Deployment with one pod, listed as the API does.
fn list(seen: &Seen, ready: bool) -> Reply {
    list_with(
        seen,
        &json!([{ "type": "Ready", "status": if ready { "True" } else { "False" } }]),
    )
}

/// The same with these conditions of the pod.
fn list_with(seen: &Seen, conditions: &Value) -> Reply {
    let ready = conditions[0]["status"] == "True";
    let owner = |kind: &str, name: &str| json!([{ "apiVersion": "apps/v1", "kind": kind, "name": name, "uid": name, "controller": true }]);
    let meta = |name: &str, owners: Value| json!({ "name": name, "namespace": "dex-prod", "uid": name, "resourceVersion": "5", "generation": 1, "ownerReferences": owners });
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
            "metadata": meta("dex", json!([])),
            "spec": { "replicas": 1, "template": template },
            "status": { "observedGeneration": 1, "updatedReplicas": 1 },
        }),
        Some("replicasets") => json!({ "metadata": meta("dex-1", owner("Deployment", "dex")) }),
        _ => json!({
            "metadata": meta("dex-1-a", owner("ReplicaSet", "dex-1")),
            "spec": { "nodeName": "node-1", "containers": containers },
            "status": {
                "phase": "Running",
                "conditions": conditions,
                "containerStatuses": [{ "name": "dex", "ready": ready, "state": { "running": {} } }],
            },
        }),
    };
    Reply::json(
        200,
        &json!({ "kind": "List", "apiVersion": "v1", "metadata": { "resourceVersion": "7" }, "items": [item] }),
    )
}

fn is_watch(seen: &Seen) -> bool {
    seen.query("watch").is_some()
}

/// A watch in which nothing happens.
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

#[test]
fn invalid_flags_or_kubeconfigs_fail_before_any_request() {
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
    let servers = [
        "ftp://api.example",
        "https://",
        "https://:6443",
        "not a server",
        "https://api.example:99999",
    ];
    let broken = ["", "[]", "not: [a kubeconfig", "clusters: 7"];
    let absent = |file: &str| at(&server.url()).env("KUBECONFIG", file);
    let commands = flags.iter().map(|flags| at(&server.url()).args(*flags));
    let commands = commands
        .chain(servers.map(at))
        .chain(broken.map(with_config));
    for command in commands.chain(["/nowhere/kubeconfig", "/", "/nowhere/a:/nowhere/b"].map(absent))
    {
        let run = command.run();
        expect(&run, 2, "invalid-usage", "configuration");
        assert_eq!(run.json()["requests"], 0, "{run}");
        assert!(!run.json()["hints"].as_array().unwrap().is_empty(), "{run}");
    }
    let none = at(&server.url()).without_env("KUBECONFIG").run();
    expect(&none, 2, "invalid-usage", "configuration");
    assert!(
        none.json()["summary"]
            .as_str()
            .unwrap()
            .contains("no kubeconfig"),
        "{none}"
    );
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

#[test]
fn no_answer_is_never_a_refusal() {
    let mib = 1 << 20;
    let cases = [
        (Reply::html(200), 20, "not-the-api", "environment"),
        (Reply::html(401), 20, "not-the-api", "environment"),
        (Reply::html(403), 20, "not-the-api", "environment"),
        (Reply::html(404), 20, "not-the-api", "environment"),
        (
            Reply::redirect(302, "https://login.example/"),
            20,
            "not-the-api",
            "environment",
        ),
        (
            Reply::json(200, &json!({ "hello": "world" })),
            20,
            "not-the-api",
            "environment",
        ),
        (
            Reply::json(200, &json!([])),
            20,
            "not-the-api",
            "environment",
        ),
        (
            Reply::text(200, &"x".repeat(mib)),
            20,
            "not-the-api",
            "environment",
        ),
        (
            status(
                404,
                "NotFound",
                "the server could not find the requested resource",
            ),
            20,
            "not-the-api",
            "environment",
        ),
        (
            status(401, "Unauthorized", "Unauthorized"),
            21,
            "credentials-rejected",
            "configuration",
        ),
        (
            status(
                403,
                "Forbidden",
                "pods is forbidden: User \"system:anonymous\" cannot list resource \"pods\"",
            ),
            21,
            "no-credentials",
            "configuration",
        ),
        (
            status(
                403,
                "Forbidden",
                "pods is forbidden: User \"ci\" cannot list resource \"pods\" in API group \"\"",
            ),
            21,
            "permission-missing",
            "configuration",
        ),
        (
            status(500, "InternalError", "etcdserver: no leader"),
            20,
            "server-error",
            "environment",
        ),
        (Reply::html(502), 20, "server-error", "environment"),
        (
            status(
                429,
                "TooManyRequests",
                "Too many requests, please try again later.",
            ),
            20,
            "rate-limited",
            "environment",
        ),
        (Reply::hang_up(), 20, "unreachable", "environment"),
    ];
    for (reply, code, reason, fault) in cases {
        let server = Faulty::new([reply.clone()]);
        for timeout in ["20s", "0"] {
            let run = at(&server.url()).args(["--timeout", timeout]).run();
            expect(&run, code, reason, fault);
            assert!(run.elapsed < Duration::from_secs(6), "{run}");
            assert!(!format!("{run}").contains(TOKEN), "{run}");
        }
    }
    let refused = at(&format!("https://{}", closed_port())).run();
    expect(&refused, 20, "unreachable", "environment");
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
    let server = Faulty::answering(move |seen| match is_watch(seen) {
        // Three of them end, as the server ends them now and then.
        true if watches.fetch_add(1, Ordering::SeqCst) < 3 => Reply::status(200),
        true => status(401, "Unauthorized", "Unauthorized"),
        false => list(seen, false),
    });
    let run = at(&server.url()).run();
    expect(&run, 21, "credentials-rejected", "configuration");
    assert!(run.elapsed < Duration::from_secs(5), "{run}");
    assert_eq!(
        run.json()["subjects"][0]["reason"],
        "not-ready",
        "what was known is reported: {run}"
    );
}

#[test]
fn an_expired_watch_starts_with_a_new_list() {
    let gone = json!({ "type": "ERROR", "object": { "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Expired", "code": 410, "message": "too old resource version" } });
    for expired in [
        Reply::json(200, &gone),
        status(410, "Expired", "too old resource version"),
    ] {
        let lists = AtomicUsize::new(0);
        let server = Faulty::answering(move |seen| match is_watch(seen) {
            true if lists.load(Ordering::SeqCst) <= 3 => expired.clone(),
            true => quiet(),
            false => list(seen, lists.fetch_add(1, Ordering::SeqCst) >= 3),
        });
        at(&server.url()).run().expect_code(0);
    }
}

#[test]
fn a_truncated_event_does_not_end_the_watch() {
    let cut = AtomicUsize::new(0);
    let server = Faulty::answering(move |seen| match is_watch(seen) {
        true if cut.fetch_add(1, Ordering::SeqCst) < 6 => {
            Reply::text(200, "{\"type\":\"MODIFIED\",\"object\":{\"kind\"").cut_after(30)
        }
        true => quiet(),
        false => list(seen, true),
    });
    at(&server.url())
        .args(["--soak", "3s"])
        .run()
        .expect_code(0);
}

#[test]
fn a_silent_server_stops_grace_periods() {
    let conditions = json!([{ "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "Insufficient cpu" }]);
    let server = Faulty::answering(move |seen| match is_watch(seen) {
        true => Reply::hang_up(),
        false => list_with(seen, &conditions),
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

/// Verifies by an exec plugin that is this script.
fn by_plugin(server: &Faulty, script: &str) -> Command {
    let command = with_config("");
    let plugin = command.home().join("plugin");
    std::fs::write(&plugin, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&plugin, std::fs::Permissions::from_mode(0o755)).unwrap();
    let exec = json!({ "apiVersion": "client.authentication.k8s.io/v1", "command": plugin, "interactiveMode": "Never" });
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
