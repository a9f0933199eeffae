//! The binary, against servers that misbehave.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use lab::{Faulty, HermeticCommand, ProgramRun, ScriptedReply, SeenRequest, closed_port};
use serde_json::{Value, json};

const COMMIT: &str = "1a2b3c4d1a2b3c4d1a2b3c4d1a2b3c4d1a2b3c4d";
const TOKEN: &str = "s3cr3t.eyJleHAiOjE3OTAwMDAwMDB9.signature";

fn wait(server: &str) -> HermeticCommand {
    HermeticCommand::new(env!("CARGO_BIN_EXE_wait-argo"))
        .args([
            "--argocd-server",
            server,
            "--app",
            "dex-prod",
            "--commit",
            COMMIT,
        ])
        .env("RUNBOOK_ARGOCD_PROJECT", "default")
        .env("RUNBOOK_ARGOCD_TOKEN", TOKEN)
        .env("RUNBOOK_TIMEOUT", "20s")
}

/// Runs with `--format json` and returns code, reason and fault.
fn outcome(command: &HermeticCommand) -> (ProgramRun, (i32, Value, Value)) {
    let run = command.clone().args(["--format", "json"]).run();
    let document = run.json();
    let outcome = (
        run.code,
        document["reason"].clone(),
        document["fault"].clone(),
    );
    (run, outcome)
}

/// An error as Argo CD writes it.
fn said(status: u16, code: u32, message: &str) -> ScriptedReply {
    ScriptedReply::json(
        status,
        &json!({ "error": message, "code": code, "message": message }),
    )
}

/// An application at the commit, as an old Argo CD shows it: without an operation.
fn deployed(version: u32) -> Value {
    json!({
        "metadata": { "name": "dex-prod", "resourceVersion": version.to_string() },
        "spec": { "source": { "repoURL": "https://github.com/data-literate/dex", "targetRevision": "main" } },
        "status": { "sync": { "status": "Synced", "revision": COMMIT }, "health": { "status": "Healthy" } },
    })
}

fn is_stream(seen: &SeenRequest) -> bool {
    seen.path.starts_with("/api/v1/stream/")
}

fn events(frames: &[Value]) -> ScriptedReply {
    let text: String = frames
        .iter()
        .map(|frame| format!("data: {frame}\n\n"))
        .collect();
    ScriptedReply::text(200, &text).header("Content-Type", "text/event-stream")
}

#[test]
fn invalid_flags_are_refused_before_any_request() {
    let server = Faulty::new([ScriptedReply::status(200)]);
    let url = server.url();
    let nonsense = [
        "ftp://argocd.example.org",
        "https://",
        "argo cd",
        "argocd..example",
        "https://user:pass@argocd.example.org",
        "x:99999",
    ];
    let flags: [&[&str]; 8] = [
        &["--digest", "sha256:abc"],
        &["--image", "ghcr.io/a/dex"],
        &["--argocd-ca-file", "/nowhere/ca.pem"],
        &["--remote", "ext::sh -c true"],
        &["--app", "Dex_Prod"],
        &["--app", "../../session"],
        &["--health-scope", "some"],
        &["--degraded-grace", "soon"],
    ];
    let wrong = nonsense
        .map(wait)
        .into_iter()
        .chain(flags.map(|flags| wait(&url).args(flags)));
    for command in wrong {
        let (run, outcome) = outcome(&command);
        assert_eq!(
            outcome,
            (2, json!("invalid-usage"), json!("configuration")),
            "{run}"
        );
        assert_eq!(run.json()["requests"], 0, "{run}");
    }
    let short = wait(&url).without_env("RUNBOOK_ARGOCD_TOKEN");
    assert_eq!(short.args(["--commit", "1a2b"]).run().code, 2);
    assert_eq!(wait(&url).env("RUNBOOK_ARGOCD_TOKEN", "a\nb").run().code, 2);
    assert_eq!(server.seen().len(), 0);
}

#[test]
fn a_server_may_lack_a_scheme_or_a_flag() {
    let server = Faulty::answering(|_| ScriptedReply::json(200, &deployed(2)));
    let (run, (code, ..)) = outcome(&wait(&server.address()).args(["--timeout", "0"]));
    assert_eq!(code, 0, "{run}");
    let by_variable = HermeticCommand::new(env!("CARGO_BIN_EXE_wait-argo"))
        .args(["--app", "dex-prod", "--commit", COMMIT, "--timeout", "0"])
        .env("ARGOCD_SERVER", server.address())
        .env("ARGOCD_AUTH_TOKEN", TOKEN);
    by_variable.run().expect_code(0);
    assert!(
        server
            .seen()
            .iter()
            .all(|seen| seen.header("authorization") == Some(&format!("Bearer {TOKEN}")))
    );
    let tls = Faulty::tls_answering(|_| ScriptedReply::json(200, &deployed(2)));
    let directory = tempfile::tempdir().unwrap();
    let authority = directory.path().join("ca.pem");
    std::fs::write(&authority, tls.ca_pem()).unwrap();
    let trusting = wait(&tls.address())
        .args(["--timeout", "0", "--argocd-ca-file"])
        .arg(&authority);
    assert_eq!(outcome(&trusting).1.0, 0);
}

/// Expects this outcome of a server that always gives the same reply.
#[track_caller]
fn expect_outcome(reply: ScriptedReply, code: i32, reason: &str, fault: &str) {
    let server = Faulty::new([reply]);
    let (run, outcome) = outcome(&wait(&server.url()).args(["--timeout", "5s"]));
    assert_eq!(outcome, (code, json!(reason), json!(fault)), "{run}");
    assert!(
        run.elapsed < Duration::from_secs(7) && !format!("{run}").contains("s3cr3t"),
        "{run}"
    );
}

#[test]
fn refusals_of_argocd_differ_from_other_pages() {
    let not_the_api = [
        ScriptedReply::html(404),
        ScriptedReply::html(401),
        ScriptedReply::html(200),
        ScriptedReply::json(200, &json!({ "hello": "world" })),
        ScriptedReply::json(200, &json!([])),
        ScriptedReply::status(200).endless(b' '),
        // A proxy in front of Argo CD, whatever its status says.
        ScriptedReply::status(401),
        ScriptedReply::json(403, &json!({ "message": "Forbidden" })),
        ScriptedReply::json(
            404,
            &json!({ "message": "no Route matched with those values" }),
        ),
    ];
    for reply in not_the_api {
        expect_outcome(reply, 20, "not-the-api", "environment");
    }
    let environment = [
        (ScriptedReply::html(502), "server-error"),
        (ScriptedReply::status(429).retry_after(3600), "rate-limited"),
        (ScriptedReply::hang_up(), "unreachable"),
        (ScriptedReply::silent(), "timed-out"),
    ];
    for (reply, reason) in environment {
        expect_outcome(reply, 20, reason, "environment");
    }
    let missing = said(404, 5, "applications.argoproj.io \"dex-prod\" not found");
    let server = Faulty::new([missing]);
    let (run, once) = outcome(&wait(&server.url()).args(["--timeout", "0"]));
    let expected = (10, json!("app-missing"), json!("configuration"));
    assert_eq!((once, server.seen().len()), (expected, 1), "{run}");
    let denied = [
        (said(403, 7, "permission denied"), "permission-missing"),
        (said(401, 16, "token is expired"), "credentials-rejected"),
    ];
    for (reply, reason) in denied {
        expect_outcome(reply, 21, reason, "configuration");
    }
    let (_, outcome) = outcome(&wait(&closed_port()).args(["--timeout", "2s"]));
    assert_eq!(outcome, (20, json!("unreachable"), json!("environment")));
}

#[test]
fn an_unknown_authority_names_the_flag() {
    let server = Faulty::tls([ScriptedReply::status(200)]);
    let (run, outcome) = outcome(&wait(&server.url()));
    assert_eq!(
        outcome,
        (20, json!("untrusted-certificate"), json!("environment")),
        "{run}"
    );
    assert!(
        run.json()["hints"].to_string().contains("--argocd-ca-file"),
        "{run}"
    );
}

#[test]
fn no_token_is_sent_over_plain_http() {
    let server = wait("http://argocd.example.invalid").args(["--timeout", "1s"]);
    let (run, (code, ..)) = outcome(&server);
    assert_eq!(code, 20, "{run}");
    assert!(
        run.json()["notices"].to_string().contains("plain HTTP"),
        "{run}"
    );
}

#[test]
fn no_token_is_ever_printed() {
    let token = TOKEN.to_owned();
    let server = Faulty::answering(move |seen| {
        let echo = format!(
            "permission denied for {token} and {}",
            seen.header("authorization").unwrap_or_default()
        );
        said(403, 7, &echo)
    });
    for format in ["plain", "json", "github"] {
        let directory = tempfile::tempdir().unwrap();
        let run = wait(&server.url())
            .args(["-vv", "--format", format, "--record"])
            .arg(directory.path())
            .env("GITHUB_OUTPUT", directory.path().join("output"))
            .env("GITHUB_STEP_SUMMARY", directory.path().join("summary"))
            .run();
        let files = std::fs::read_dir(directory.path()).unwrap();
        let written: String = files
            .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap())
            .collect();
        // A runner learns from the mask what to hide.
        let said = format!("{}{}", run.stdout, run.stderr);
        let said = said
            .lines()
            .filter(|line| !line.starts_with("::add-mask::"))
            .collect::<String>();
        let shown = format!("{said}{written}");
        assert!(
            run.code == 21 && !shown.contains("s3cr3t") && !shown.contains("signature"),
            "{shown}"
        );
    }
}

#[test]
fn a_text_is_redacted_before_it_is_cut() {
    // The largest length of a message cuts the token in two.
    let message = format!("Failed to load target state: {}{TOKEN}", "x ".repeat(280));
    let app = {
        let mut app = deployed(1);
        app["status"]["conditions"] = json!([{ "type": "ComparisonError", "message": message }]);
        app
    };
    let server = Faulty::answering(move |_| ScriptedReply::json(200, &app));
    let once = wait(&server.url()).args(["--timeout", "0"]);
    let (run, (code, ..)) = outcome(&once);
    assert_eq!(code, 11, "{run}");
    let said = format!("{}{}", run.stdout, run.stderr);
    assert!(said.contains("x x") && !said.contains("s3cr3t"), "{said}");
}

#[test]
fn the_next_get_replaces_a_lost_event() {
    let old = {
        let mut app = deployed(1);
        app["status"]["sync"]["status"] = json!("OutOfSync");
        app
    };
    let gets = AtomicUsize::new(0);
    let server = Faulty::answering(move |seen| {
        if is_stream(seen) {
            // One event, and then nothing but keepalives.
            let event = json!({ "result": { "type": "ADDED", "application": old } });
            return events(&[event]).drip(200, Duration::from_secs(60));
        }
        if gets.fetch_add(1, Ordering::SeqCst) < 2 {
            ScriptedReply::json(200, &old)
        } else {
            ScriptedReply::json(200, &deployed(7))
        }
    });
    let automated = wait(&server.url()).args(["--sync"]);
    let (run, (code, ..)) = outcome(&automated);
    assert_eq!(code, 0, "{run}");
    assert!(run.elapsed < Duration::from_secs(12), "{run}");
}

#[test]
fn a_generated_application_is_awaited() {
    let gets = AtomicUsize::new(0);
    let server = Faulty::answering(move |seen| {
        if is_stream(seen) {
            ScriptedReply::silent()
        } else if gets.fetch_add(1, Ordering::SeqCst) == 0 {
            said(404, 5, "applications.argoproj.io \"dex-prod\" not found")
        } else {
            ScriptedReply::json(200, &deployed(2))
        }
    });
    let (run, (code, ..)) = outcome(&wait(&server.url()).args(["--wait-for-app"]));
    assert_eq!(code, 0, "{run}");
}

#[test]
fn an_error_or_a_deletion_ends_the_stream() {
    let old = {
        let mut app = deployed(1);
        app["status"]["sync"]["status"] = json!("Unknown");
        app
    };
    let serve = |frame: Value| {
        let old = old.clone();
        Faulty::answering(move |seen| {
            if is_stream(seen) {
                events(std::slice::from_ref(&frame))
            } else {
                ScriptedReply::json(200, &old)
            }
        })
    };
    let expired = json!({ "error": { "grpc_code": 16, "http_code": 401, "message": "token is expired", "http_status": "Unauthorized" } });
    let (run, outcome_of) = outcome(&wait(&serve(expired).url()));
    assert_eq!(
        outcome_of,
        (21, json!("credentials-rejected"), json!("configuration")),
        "{run}"
    );
    assert!(run.elapsed < Duration::from_secs(5), "{run}");
    let deleted = json!({ "result": { "type": "DELETED", "application": old } });
    let (run, outcome_of) = outcome(&wait(&serve(deleted).url()));
    assert_eq!(
        outcome_of,
        (10, json!("app-deleted"), json!("configuration")),
        "{run}"
    );
}

#[test]
fn an_interrupted_run_reports_the_last_state() {
    let old = {
        let mut app = deployed(1);
        app["status"]["sync"]["revision"] = json!("main");
        app
    };
    let server = Faulty::answering(move |seen| {
        if is_stream(seen) {
            ScriptedReply::silent()
        } else {
            ScriptedReply::json(200, &old)
        }
    });
    let mut running = wait(&server.url()).args(["--format", "json"]).spawn();
    lab::wait::until("the first requests", || server.seen().len() > 3);
    running.interrupt();
    let run = running.wait();
    let document = run.json();
    assert_eq!(
        (run.code, &document["subjects"][0]["reason"]),
        (130, &json!("old-revision")),
        "{run}"
    );
}

#[test]
fn the_reasons_are_a_closed_list() {
    use contract::Step as _;
    let reasons: Vec<String> = wait_argo::WaitArgo::REASONS
        .iter()
        .map(|r| format!("{} {}", r.word, r.fault))
        .collect();
    insta::assert_snapshot!(reasons.join("\n"), @r"
    old-revision environment
    not-compared environment
    not-synced environment
    render-error change
    plugin-failed environment
    repository-denied configuration
    failed-before environment
    sync-failed change
    sync-terminated nobody
    sync-timed-out environment
    sync-error environment
    sync-forbidden configuration
    kind-unknown configuration
    namespace-missing configuration
    field-conflict configuration
    shared-resource configuration
    renders-nothing change
    unsigned configuration
    hook-failed change
    hook-timed-out environment
    will-not-retry change
    newer-commit-failed nobody
    awaits-turn nobody
    auto-sync-off configuration
    deny-window configuration
    wrong-source configuration
    app-missing configuration
    app-deleted configuration
    commit-gone nobody
    degraded change
    degraded-elsewhere environment
    analysis-error environment
    rollout-aborted nobody
    stale-status environment
    image-not-live environment
    newer-image nobody
    no-pods configuration
    paused configuration
    not-ready environment
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
    volume environment
    sandbox environment
    sidecar environment
    evicted change
    start-failed environment
    name-reserved environment
    node-runtime environment
    node-policy configuration
    node-pressure environment
    node-lost environment
    pod-rejected environment
    ");
}

#[test]
fn help_lists_every_flag() {
    let run = HermeticCommand::new(env!("CARGO_BIN_EXE_wait-argo"))
        .arg("--help")
        .run();
    assert_eq!(run.code, 0);
    insta::assert_snapshot!(run.stdout);
}
