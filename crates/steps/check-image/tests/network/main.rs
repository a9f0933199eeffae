//! Proxies, certificates, and `ghcr.io`, which the step knows by name.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use lab::{
    Faulty, HermeticCommand, Image, Proxy, Registry, ScriptedReply, SeenRequest, registry::Setup,
};
use serde_json::json;

mod indexes;

const REPOSITORY: &str = "data-literate/dex";
/// The token that the token server grants.
const MINTED: &str = "minted-by-the-token-server";

fn check(image: &str) -> HermeticCommand {
    HermeticCommand::new(env!("CARGO_BIN_EXE_check-image"))
        .args(["--format=json", "--image"])
        .arg(image)
}

fn pushed_over_tls() -> Registry {
    let registry = Setup::default().tls().start();
    Image::index()
        .platform("linux/amd64")
        .push(&registry, REPOSITORY, "v1");
    registry
}

/// Writes the authority's certificate to a file for a flag or a variable.
fn ca_file(pem: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), pem).unwrap();
    file
}

#[test]
fn a_proxy_is_used_unless_no_proxy_matches() {
    let (registry, proxy) = (pushed_over_tls(), Proxy::new());
    let ca = ca_file(registry.ca_pem());
    proxy.route("registry.example:443", registry.address());
    let image = format!("registry.example/{REPOSITORY}:v1");
    let check = check(&image)
        .arg("--registry-ca-file")
        .arg(ca.path())
        .env("HTTPS_PROXY", proxy.url());
    let run = check.run();
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(
        proxy.requests(),
        ["CONNECT registry.example:443"],
        "one connection for all requests"
    );
    let run = check.env("NO_PROXY", ".example").arg("--timeout=1s").run();
    assert_eq!((run.code, proxy.requests().len()), (20, 1), "{run}");
}

#[test]
fn a_proxy_that_refuses_is_unreachable() {
    let proxy = Proxy::new();
    let run = check(&format!("registry.example/{REPOSITORY}:v1"))
        .env("HTTPS_PROXY", proxy.url())
        .run();
    assert_eq!(
        (run.code, &run.json()["reason"]),
        (20, &json!("unreachable")),
        "{run}"
    );
}

#[test]
fn an_unknown_issuer_is_looked_up_in_system_certificates() {
    let registry = pushed_over_tls();
    let ca = ca_file(registry.ca_pem());
    let check = check(&format!("{}/{REPOSITORY}:v1", registry.address()));
    let run = check.clone().env("SSL_CERT_FILE", ca.path()).run();
    assert_eq!(run.code, 0, "{run}");
    let run = check.run();
    assert_eq!(
        (run.code, &run.json()["reason"]),
        (20, &json!("untrusted-certificate")),
        "{run}"
    );
}

/// Answers as `ghcr.io` does: its token server accepts any user name with the right password, and
/// refuses requests without one.
fn ghcr(seen: &SeenRequest) -> ScriptedReply {
    let basic = "Basic eDpnaHMtdG9rZW4=";
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": format!("sha256:{}", "a".repeat(64)),
            "platform": { "os": "linux", "architecture": "amd64" },
        }],
    });
    match (seen.path.split('?').next(), seen.header("authorization")) {
        (Some("/token"), Some(given)) if given == basic => {
            ScriptedReply::json(200, &json!({"token": MINTED}))
        }
        (Some("/token"), Some(_)) => ScriptedReply::registry_error(403, "DENIED", "denied"),
        (Some("/token"), None) => ScriptedReply::registry_error(
            403,
            "DENIED",
            "requested access to the resource is denied",
        ),
        (_, Some(given)) if given == format!("Bearer {MINTED}") => ScriptedReply::json(200, &index),
        _ => ScriptedReply::registry_error(401, "UNAUTHORIZED", "authentication required"),
    }
}

fn on_ghcr() -> (Faulty, Proxy, tempfile::NamedTempFile) {
    let (server, proxy) = (Faulty::tls_answering(ghcr), Proxy::new());
    proxy.route("ghcr.io:443", &server.address());
    let ca = ca_file(server.ca_pem());
    (server, proxy, ca)
}

#[test]
fn ghcr_takes_two_requests_and_githubs_token() {
    let (server, proxy, ca) = on_ghcr();
    let check = check(&format!("ghcr.io/{REPOSITORY}:v1"))
        .arg("--shallow")
        .arg("--registry-ca-file")
        .arg(ca.path());
    let run = check
        .env("HTTPS_PROXY", proxy.url())
        .env("GITHUB_TOKEN", "ghs-token")
        .run();
    assert_eq!((run.code, &run.json()["requests"]), (0, &json!(2)), "{run}");
    assert_eq!(
        server.seen()[0].query("scope"),
        Some("repository%3Adata-literate%2Fdex%3Apull")
    );
    assert!(!format!("{run}").contains("ghs-token") && !format!("{run}").contains(MINTED));
}

#[test]
fn without_credentials_ghcr_hides_whether_an_image_exists() {
    let (_server, proxy, ca) = on_ghcr();
    let check = check(&format!("ghcr.io/{REPOSITORY}:v1"))
        .arg("--registry-ca-file")
        .arg(ca.path());
    let check = check.env("HTTPS_PROXY", proxy.url());
    let run = check.run();
    let document = run.json();
    assert_eq!(
        (run.code, &document["reason"]),
        (21, &json!("no-credentials"))
    );
    let hints = document["hints"].to_string();
    assert!(
        hints.contains("packages: read") && hints.contains("--assume-public"),
        "{hints}"
    );
    let run = check.arg("--assume-public").run();
    assert_eq!(
        (run.code, &run.json()["reason"]),
        (10, &json!("absent")),
        "{run}"
    );
}

#[test]
fn githubs_token_goes_to_no_other_registry() {
    let challenge = "Basic realm=\"x\"";
    let server = Faulty::new(
        [ScriptedReply::registry_error(401, "UNAUTHORIZED", "log in")
            .header("WWW-Authenticate", challenge)],
    );
    let run = check(&format!("{}/{REPOSITORY}:v1", server.address()))
        .env("GITHUB_TOKEN", "ghs-token")
        .run();
    assert_eq!(
        (run.code, &run.json()["reason"]),
        (21, &json!("no-credentials"))
    );
    assert!(
        server
            .seen()
            .iter()
            .all(|seen| seen.header("authorization").is_none())
    );
}

/// An index of `count` images for `linux/arm64`, none of which the registry has.
fn crowded(count: usize) -> Faulty {
    let absent = ScriptedReply::registry_error(404, "MANIFEST_UNKNOWN", "manifest unknown");
    index_of(count, absent)
}

/// An index of `count` images, and the reply to the requests for them.
fn index_of(count: usize, reply: ScriptedReply) -> Faulty {
    let images: Vec<_> = (0..count)
        .map(|number| {
            json!({
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "digest": format!("sha256:{number:064x}"),
                "platform": { "os": "linux", "architecture": "arm64" },
            })
        })
        .collect();
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": images,
    });
    Faulty::answering(move |seen| {
        if seen.path.ends_with("/v1") {
            ScriptedReply::json(200, &index)
        } else {
            reply.clone()
        }
    })
}

#[test]
fn an_index_of_thousands_costs_one_request() {
    let server = crowded(3000);
    let check = check(&format!("{}/{REPOSITORY}:v1", server.address()));
    let run = check.clone().arg("--platform=linux/amd64").run();
    let document = run.json();
    assert_eq!(
        (run.code, &document["reason"], server.seen().len()),
        (10, &json!("platform-missing"), 1)
    );
    assert!(run.to_string().contains("(has linux/arm64)"), "{run}");
    for run in [check.run(), check.arg("--platform=linux/arm64").run()] {
        assert_eq!(
            (run.code, &run.json()["reason"]),
            (20, &json!("not-the-api")),
            "{run}"
        );
    }
    assert_eq!(server.seen().len(), 3);
}

#[test]
fn an_index_of_sixty_four_is_read() {
    let server = crowded(64);
    let run = check(&format!("{}/{REPOSITORY}:v1", server.address())).run();
    assert_eq!((run.code, server.seen().len()), (10, 65), "{run}");
}

#[test]
fn eight_images_are_read_at_the_same_time() {
    let server = index_of(64, ScriptedReply::silent());
    let run = check(&format!("{}/{REPOSITORY}:v1", server.address()))
        .arg("--timeout=1s")
        .run();
    assert_eq!((run.code, server.seen().len()), (20, 1 + 8), "{run}");
}

#[test]
fn loopback_is_asked_without_a_proxy() {
    let proxy = Proxy::new();
    let challenge = "Basic realm=\"x\"";
    let server = Faulty::new(
        [ScriptedReply::registry_error(401, "UNAUTHORIZED", "log in")
            .header("WWW-Authenticate", challenge)],
    );
    let port = server.address().split_once(':').unwrap().1.to_owned();
    for host in ["127.0.0.1", "localhost", "registry.localhost"] {
        let run = check(&format!("{host}:{port}/{REPOSITORY}:v1"))
            .env("HTTP_PROXY", proxy.url())
            .env("http_proxy", proxy.url())
            .env("ALL_PROXY", proxy.url())
            .env("RUNBOOK_REGISTRY_PASSWORD", "a-password")
            .run();
        assert_eq!(
            (run.code, &run.json()["reason"]),
            (21, &json!("credentials-rejected")),
            "{run}"
        );
    }
    assert_eq!(proxy.requests(), [""; 0]);
    assert!(server.seen().len() >= 6);
}

#[test]
fn a_token_is_no_word_of_the_report() {
    for token in ["sha256", "linux/arm64"] {
        let server = Faulty::answering(move |seen| {
            if seen.path.starts_with("/token") {
                return ScriptedReply::json(200, &json!({ "token": token }));
            }
            let realm = format!("http://{}/token", seen.header("host").unwrap());
            ScriptedReply::registry_error(401, "UNAUTHORIZED", "log in")
                .header("WWW-Authenticate", &format!("Bearer realm=\"{realm}\""))
        });
        let run = check(&format!("{}/{REPOSITORY}:v1", server.address())).run();
        assert_eq!(
            (run.code, &run.json()["reason"]),
            (20, &json!("not-the-api")),
            "{run}"
        );
    }
}
