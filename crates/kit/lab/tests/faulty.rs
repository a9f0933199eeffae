//! Each fault, as an ordinary client sees it.

use std::time::{Duration, SystemTime};

use lab::{Faulty, Image, Registry, ScriptedReply, closed_port};

fn curl(args: &[&str]) -> lab::ProgramRun {
    lab::HermeticCommand::new("curl")
        .args(["-sS"])
        .args(args)
        .run()
}

#[test]
fn replies_come_in_order_and_the_last_repeats() {
    let server = Faulty::new([
        ScriptedReply::html(503),
        ScriptedReply::status(503),
        ScriptedReply::text(200, "at last"),
    ]);
    let url = server.url();
    let said = [(); 4].map(|()| curl(&["-w", "%{http_code}", &url]).stdout);
    assert!(
        said[0].starts_with("<!DOCTYPE html>") && said[0].ends_with("503"),
        "{}",
        said[0]
    );
    assert_eq!(said[1..], ["503", "at last200", "at last200"]);
}

#[test]
fn requests_are_recorded_whole() {
    let server = Faulty::new([ScriptedReply::status(204)]);
    let url = format!("{}/token?service=x&scope=y", server.url());
    curl(&[
        "-X",
        "PUT",
        "-H",
        "Authorization: Bearer t",
        "--data",
        "0123",
        &url,
    ])
    .expect_code(0);
    curl(&["-H", "Transfer-Encoding: chunked", "--data", "chunky", &url]).expect_code(0);
    let seen = server.seen();
    assert_eq!(
        (&*seen[0].method, seen[0].query("scope")),
        ("PUT", Some("y"))
    );
    assert_eq!(seen[0].path, "/token?service=x&scope=y");
    assert_eq!(seen[0].header("authorization"), Some("Bearer t"));
    assert_eq!(
        (&*seen[0].body, &*seen[1].body),
        (&b"0123"[..], &b"chunky"[..])
    );
}

#[test]
fn an_answer_may_depend_on_the_request() {
    let server = Faulty::answering(|seen| match seen.header("authorization") {
        Some(_) => ScriptedReply::registry_error(403, "DENIED", "denied"),
        None => ScriptedReply::json(200, &serde_json::json!({ "token": "t" })),
    });
    assert_eq!(curl(&[&server.url()]).json()["token"], "t");
    assert_eq!(
        curl(&["-u", "a:b", &server.url()]).json()["errors"][0]["code"],
        "DENIED"
    );
}

#[test]
fn an_endless_body_exceeds_every_limit() {
    let server = Faulty::new([ScriptedReply::status(200).endless(b' ')]);
    let run = curl(&[
        "--max-filesize",
        "1000000",
        "-o",
        "/dev/null",
        "--max-time",
        "1",
        &server.url(),
    ]);
    assert!([28, 63].contains(&run.code), "{run}");
    let declared = Faulty::new([ScriptedReply::status(200).filled(0, 10_000_000_000)]);
    assert_eq!(
        curl(&[
            "--max-filesize",
            "1000000",
            "-o",
            "/dev/null",
            &declared.url()
        ])
        .code,
        63
    );
    let small = Faulty::new([ScriptedReply::status(200).filled(b'x', 100_000)]);
    assert_eq!(curl(&[&small.url()]).stdout.len(), 100_000);
}

#[test]
fn a_cut_body_ends_early() {
    let server = Faulty::new([ScriptedReply::text(200, "0123456789").cut_after(4)]);
    let run = curl(&[&server.url()]);
    assert_eq!((run.code, &*run.stdout), (18, "0123"), "{run}");
}

#[test]
fn a_silent_server_never_answers() {
    for (reply, head) in [
        (ScriptedReply::silent(), ""),
        (
            ScriptedReply::text(200, "never").headers_only(),
            "HTTP/1.1 200 Scripted",
        ),
    ] {
        let run = curl(&["-i", "--max-time", "0.3", &Faulty::new([reply]).url()]);
        assert_eq!(run.code, 28, "{run}");
        assert_eq!(run.stdout.lines().next().unwrap_or_default(), head);
    }
    assert_eq!(
        curl(&[&Faulty::new([ScriptedReply::hang_up()]).url()]).code,
        52
    );
}

#[test]
fn a_dripping_body_takes_its_time() {
    let server =
        Faulty::new([ScriptedReply::text(200, "abcde").drip(1, Duration::from_millis(60))]);
    let run = curl(&[&server.url()]);
    assert_eq!(run.stdout, "abcde");
    assert!(
        run.elapsed >= Duration::from_millis(240),
        "{:?}",
        run.elapsed
    );
}

#[test]
fn headers_delay_redirect_or_lie() {
    let server = Faulty::new([
        ScriptedReply::status(429).retry_after(3600),
        ScriptedReply::status(503).retry_after_date(Duration::from_secs(120)),
        ScriptedReply::redirect(307, "http://localhost:1/elsewhere"),
        ScriptedReply::text(200, "{}").wrong_digest(),
    ]);
    let ask = |header: &str| {
        let run = curl(&["-i", &server.url()]);
        let start = format!("{header}: ");
        run.stdout
            .lines()
            .find_map(|line| line.strip_prefix(&start))
            .map(str::to_owned)
            .unwrap()
    };
    assert_eq!(ask("Retry-After"), "3600");
    let date = httpdate::parse_http_date(&ask("Retry-After")).unwrap();
    assert!(date > SystemTime::now() + Duration::from_secs(110));
    assert_eq!(ask("Location"), "http://localhost:1/elsewhere");
    assert_eq!(
        ask("Docker-Content-Digest"),
        format!("sha256:{}", "0".repeat(64))
    );
}

#[test]
fn a_reply_may_come_from_a_real_server() {
    let registry = Registry::plain();
    let pushed = Image::single("linux/amd64").push(&registry, "dex", "v1");
    let missing = ScriptedReply::registry_error(404, "MANIFEST_UNKNOWN", "manifest unknown");
    let server = Faulty::new([missing, ScriptedReply::forward(registry.address())]);
    let url = format!("{}/v2/dex/manifests/v1", server.url());
    let accept = format!("Accept: {}", lab::image::media::OCI_MANIFEST);
    let ask = || curl(&["-H", &accept, &url]);
    assert_eq!(ask().json()["errors"][0]["code"], "MANIFEST_UNKNOWN");
    assert_eq!(lab::image::sha256(ask().stdout.as_bytes()), pushed.digest);
}

#[test]
fn tls_uses_an_authority_of_its_own() {
    let server = Faulty::tls([ScriptedReply::text(200, "hello")]);
    assert_eq!(curl(&[&server.url()]).code, 60);
    let curl = lab::HermeticCommand::new("curl");
    std::fs::write(curl.home().join("ca.pem"), server.ca_pem()).unwrap();
    let url = server.url().replace("127.0.0.1", "localhost");
    assert_eq!(
        curl.args(["-sS", "--cacert", "ca.pem", &url]).run().stdout,
        "hello"
    );
}

#[test]
fn a_closed_port_refuses_connections() {
    assert_eq!(curl(&[&format!("http://{}/", closed_port())]).code, 7);
}

#[test]
fn a_dropped_server_is_gone() {
    let server = Faulty::new([ScriptedReply::silent()]);
    let url = server.url();
    drop(server);
    assert_eq!(curl(&[&url]).code, 7);
}
