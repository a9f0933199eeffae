//! The proxy connects to loopback only, and records everything.

use lab::{Faulty, Proxy, ScriptedReply};

fn curl(proxy: &Proxy, args: &[&str]) -> lab::ProgramRun {
    let curl = lab::HermeticCommand::new("curl")
        .env("http_proxy", proxy.url())
        .env("https_proxy", proxy.url());
    curl.args(["-sS", "-k"]).args(args).run()
}

#[test]
fn a_plain_request_is_forwarded() {
    let (proxy, server) = (
        Proxy::new(),
        Faulty::new([ScriptedReply::text(200, "hello")]),
    );
    let url = format!("{}/a?b=c", server.url());
    let run = curl(
        &proxy,
        &[
            "-H",
            "Proxy-Authorization: Basic eDp5",
            "--data",
            "body",
            &url,
        ],
    );
    assert_eq!(run.stdout, "hello", "{run}");
    assert_eq!(proxy.requests(), [format!("POST {url}")]);
    assert_eq!(proxy.authorizations(), [Some("Basic eDp5".to_owned())]);
    let seen = &server.seen()[0];
    assert_eq!((&*seen.path, &*seen.body), ("/a?b=c", &b"body"[..]));
    assert_eq!(seen.header("proxy-authorization"), None);
}

#[test]
fn a_tunnel_follows_its_route() {
    let (proxy, server) = (
        Proxy::new(),
        Faulty::tls([ScriptedReply::text(200, "hello")]),
    );
    proxy.route("registry.example:443", &server.address());
    let run = curl(&proxy, &["https://registry.example/v2/"]);
    assert_eq!(run.stdout, "hello", "{run}");
    assert_eq!(proxy.requests(), ["CONNECT registry.example:443"]);
}

#[test]
fn targets_outside_loopback_are_refused() {
    let proxy = Proxy::new();
    let run = curl(
        &proxy,
        &[
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}",
            "http://registry.example/v2/",
        ],
    );
    assert_eq!(run.stdout, "502", "{run}");
    assert_eq!(proxy.requests(), ["GET http://registry.example/v2/"]);
}

#[test]
fn a_client_may_bypass_the_proxy() {
    let (proxy, server) = (
        Proxy::new(),
        Faulty::new([ScriptedReply::text(200, "hello")]),
    );
    assert_eq!(
        curl(&proxy, &["--noproxy", "127.0.0.1", &server.url()]).stdout,
        "hello"
    );
    assert_eq!(proxy.requests(), [""; 0]);
}
