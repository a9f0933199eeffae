//! Runs the client against Debian's docker-registry with four kinds of access, and against servers
//! that are no registry.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use contract::{Failure, Reference, Secret, Vars, Verdict, World, asking};
use lab::{Faulty, Image, Registry as Lab, ScriptedReply, registry::Setup};
use registry::{ImageRepository, ManifestAnswer, ManifestKind, RegistryOptions, RegistryPassword};

mod refusals;

const REPOSITORY: &str = "data-literate/dex";

fn reference(address: &str) -> Reference {
    format!("{address}/{REPOSITORY}:v1").parse().unwrap()
}

fn with_password(registry: &str, password: &str) -> RegistryOptions {
    RegistryOptions {
        username: Some("robot".to_owned()),
        password: Some(RegistryPassword::new(Secret::new(password), registry)),
        ..RegistryOptions::default()
    }
}

/// Asks for `v1` and returns how many requests it took.
async fn ask_as(
    address: &str,
    options: RegistryOptions,
    vars: Vars,
) -> (Result<ManifestAnswer, Failure>, u64, World) {
    let world = World::for_tests_with(Duration::ZERO, vars);
    let answer = ImageRepository::new(&world, &reference(address), options)
        .manifest("v1")
        .await;
    (answer, world.requests(), world)
}

async fn ask(address: &str, options: RegistryOptions) -> (Result<ManifestAnswer, Failure>, u64) {
    let (answer, requests, _) = ask_as(address, options, Vars::default()).await;
    (answer, requests)
}

fn push(registry: &Lab) -> String {
    Image::index()
        .platform("linux/amd64")
        .platform("linux/arm64")
        .attestations()
        .push(registry, REPOSITORY, "v1")
        .digest
}

fn digest(answer: Result<ManifestAnswer, Failure>) -> String {
    match answer.unwrap() {
        ManifestAnswer::Found(manifest) => manifest.digest.to_string(),
        ManifestAnswer::Absent(said) => panic!("absent: {said}"),
    }
}

#[tokio::test]
async fn an_open_registry_answers_in_one_request() {
    let registry = Lab::plain();
    let pushed = push(&registry);
    let (answer, requests) = ask(registry.address(), RegistryOptions::default()).await;
    assert_eq!((digest(answer), requests), (pushed, 1));
}

#[tokio::test]
async fn attestations_are_no_images() {
    let registry = Lab::plain();
    push(&registry);
    let (answer, _) = ask(registry.address(), RegistryOptions::default()).await;
    let Ok(ManifestAnswer::Found(manifest)) = answer else {
        panic!()
    };
    let ManifestKind::Index(children) = manifest.kind else {
        panic!()
    };
    let platforms: Vec<String> = children
        .iter()
        .filter_map(|child| child.platform.as_ref())
        .map(ToString::to_string)
        .collect();
    assert_eq!(platforms, ["linux/amd64", "linux/arm64"]);
}

#[tokio::test]
async fn an_absent_tag_is_an_answer() {
    let registry = Lab::plain();
    let (answer, requests) = ask(registry.address(), RegistryOptions::default()).await;
    let Ok(ManifestAnswer::Absent(said)) = answer else {
        panic!()
    };
    assert_eq!(
        (said.as_str(), requests),
        ("MANIFEST_UNKNOWN: manifest unknown", 1)
    );
}

#[tokio::test]
async fn a_wrong_or_missing_password_is_denied() {
    let registry = Lab::htpasswd("robot", "right");
    let pushed = push(&registry);
    let (answer, requests) = ask(
        registry.address(),
        with_password(registry.address(), "right"),
    )
    .await;
    assert_eq!((digest(answer), requests), (pushed, 2));
    let failure = ask(
        registry.address(),
        with_password(registry.address(), "wrong"),
    )
    .await
    .0
    .unwrap_err();
    assert_eq!(
        (failure.verdict, failure.reason),
        (Verdict::Denied, asking::CREDENTIALS_REJECTED)
    );
    let failure = ask(registry.address(), RegistryOptions::default())
        .await
        .0
        .unwrap_err();
    assert_eq!(
        (failure.verdict, failure.reason),
        (Verdict::Denied, asking::NO_CREDENTIALS)
    );
}

#[tokio::test]
async fn a_token_takes_three_requests() {
    let registry = Lab::token("robot", "right");
    let pushed = push(&registry);
    let (answer, requests) = ask(
        registry.address(),
        with_password(registry.address(), "right"),
    )
    .await;
    assert_eq!((digest(answer), requests), (pushed.clone(), 3));
    let failure = ask(registry.address(), RegistryOptions::default())
        .await
        .0
        .unwrap_err();
    assert_eq!(failure.reason, asking::NO_CREDENTIALS);
    registry.tokens().allow_anonymous(REPOSITORY);
    assert_eq!(
        digest(ask(registry.address(), RegistryOptions::default()).await.0),
        pushed
    );
}

#[tokio::test]
async fn rejected_credentials_do_not_hide_a_public_image() {
    let registry = Lab::token("robot", "right");
    let pushed = push(&registry);
    let failure = ask(
        registry.address(),
        with_password(registry.address(), "wrong"),
    )
    .await
    .0
    .unwrap_err();
    assert_eq!(failure.reason, asking::CREDENTIALS_REJECTED);
    registry.tokens().allow_anonymous(REPOSITORY);
    assert_eq!(
        digest(
            ask(
                registry.address(),
                with_password(registry.address(), "wrong")
            )
            .await
            .0
        ),
        pushed
    );
}

#[tokio::test]
async fn an_assumed_public_image_is_absent_without_credentials() {
    let registry = Lab::token("robot", "right");
    let options = RegistryOptions {
        assume_public: true,
        ..RegistryOptions::default()
    };
    assert!(matches!(
        ask(registry.address(), options).await.0,
        Ok(ManifestAnswer::Absent(_))
    ));
}

#[tokio::test]
async fn a_failing_token_server_is_retried_then_named() {
    let registry = Lab::token("robot", "right");
    let pushed = push(&registry);
    registry
        .tokens()
        .answer_next([ScriptedReply::html(503), ScriptedReply::html(503)]);
    assert_eq!(
        digest(
            ask(
                registry.address(),
                with_password(registry.address(), "right")
            )
            .await
            .0
        ),
        pushed
    );
    registry.tokens().answer_always(ScriptedReply::html(503));
    let failure = ask(
        registry.address(),
        with_password(registry.address(), "right"),
    )
    .await
    .0
    .unwrap_err();
    assert_eq!(
        (failure.verdict, failure.reason),
        (Verdict::Unavailable, asking::SERVER_ERROR)
    );
    assert!(
        failure.summary().contains("token server"),
        "{}",
        failure.summary()
    );
}

#[tokio::test]
async fn an_unknown_authority_is_untrusted_until_given() {
    let registry = Setup::default().tls().htpasswd("robot", "right").start();
    let pushed = push(&registry);
    let failure = ask(
        registry.address(),
        with_password(registry.address(), "right"),
    )
    .await
    .0
    .unwrap_err();
    assert_eq!(failure.reason, asking::UNTRUSTED_CERTIFICATE);
    assert!(
        failure
            .hints
            .iter()
            .any(|hint| hint.contains("--registry-ca-file"))
    );
    let options = RegistryOptions {
        authorities: Some(registry.ca_pem().as_bytes().to_vec()),
        ..with_password(registry.address(), "right")
    };
    assert_eq!(digest(ask(registry.address(), options).await.0), pushed);
}

#[tokio::test]
async fn the_longest_path_in_dockers_file_wins() {
    let registry = Lab::htpasswd("robot", "right");
    let pushed = push(&registry);
    let home = tempfile::tempdir().unwrap();
    let (right, wrong) = (
        r#"{"auth":"cm9ib3Q6cmlnaHQ="}"#,
        r#"{"auth":"cm9ib3Q6d3Jvbmc="}"#,
    );
    let (host, file) = (registry.address(), home.path().join("config.json"));
    std::fs::write(
        &file,
        format!(r#"{{"auths":{{"{host}":{wrong},"{host}/data-literate":{right}}}}}"#),
    )
    .unwrap();
    let vars = || {
        [("DOCKER_CONFIG", home.path().to_str().unwrap())]
            .into_iter()
            .collect()
    };
    assert_eq!(
        digest(ask_as(host, RegistryOptions::default(), vars()).await.0),
        pushed
    );
    std::fs::write(&file, format!(r#"{{"auths":{{"{host}":{wrong}}}}}"#)).unwrap();
    let failure = ask_as(host, RegistryOptions::default(), vars())
        .await
        .0
        .unwrap_err();
    assert_eq!(failure.reason, asking::CREDENTIALS_REJECTED);
    assert!(
        failure.summary().contains("config.json"),
        "{}",
        failure.summary()
    );
}

#[tokio::test]
async fn an_identity_token_is_exchanged() {
    let registry = Lab::token("robot", "right");
    let pushed = push(&registry);
    registry.tokens().accept_identity_token("identity");
    let home = tempfile::tempdir().unwrap();
    let entry = format!(
        r#"{{"auths":{{"{}":{{"identitytoken":"identity"}}}}}}"#,
        registry.address()
    );
    std::fs::write(home.path().join("config.json"), entry).unwrap();
    let vars = [("DOCKER_CONFIG", home.path().to_str().unwrap())]
        .into_iter()
        .collect();
    let (answer, _, world) = ask_as(registry.address(), RegistryOptions::default(), vars).await;
    assert_eq!(digest(answer), pushed);
    assert_eq!(world.redact("identity"), "***");
}

#[tokio::test]
async fn a_404_without_registry_json_is_not_absent() {
    let server = Faulty::new([ScriptedReply::html(404)]);
    let failure = ask(&server.address(), RegistryOptions::default())
        .await
        .0
        .unwrap_err();
    assert_eq!(
        (failure.verdict, failure.reason),
        (Verdict::Unavailable, asking::NOT_THE_API)
    );
}

#[tokio::test]
async fn a_body_with_another_digest_is_a_mismatch() {
    let registry = Lab::plain();
    push(&registry);
    let server = Faulty::new([ScriptedReply::json(
        200,
        &serde_json::json!({"schemaVersion": 2, "manifests": []}),
    )
    .wrong_digest()]);
    let failure = ask(&server.address(), RegistryOptions::default())
        .await
        .0
        .unwrap_err();
    assert_eq!(failure.reason, asking::DIGEST_MISMATCH);
}

/// Refuses everyone, and names a way to log in.
fn challenge(challenge: &str) -> ScriptedReply {
    ScriptedReply::registry_error(401, "UNAUTHORIZED", "log in")
        .header("WWW-Authenticate", challenge)
}

fn has_secret(server: &Faulty) -> bool {
    let seen = server.seen();
    seen.iter()
        .any(|seen| seen.header("authorization").is_some())
}

#[tokio::test]
async fn a_challenge_behind_a_redirect_gets_no_credentials() {
    for header in ["Basic realm=\"x\"", "Bearer realm=\"/token\""] {
        let other = Faulty::answering(move |seen| {
            let realm = format!("http://{}/token", seen.header("host").unwrap());
            challenge(&header.replace("/token", &realm))
        });
        let server = Faulty::new([ScriptedReply::redirect(307, &other.url())]);
        let options = with_password(&server.address(), "right");
        let failure = ask(&server.address(), options).await.0.unwrap_err();
        assert_eq!(
            (failure.verdict, failure.reason),
            (Verdict::Unavailable, asking::REDIRECTED_ELSEWHERE)
        );
        assert_eq!((other.seen().len(), has_secret(&other)), (1, false));
    }
}

#[tokio::test]
async fn a_realm_at_the_metadata_service_is_not_asked() {
    let realm = "Bearer realm=\"http://169.254.169.254/token\"";
    let server = Faulty::new([challenge(realm)]);
    let options = with_password(&server.address(), "right");
    let (answer, requests) = ask(&server.address(), options).await;
    let failure = answer.unwrap_err();
    assert_eq!(
        (failure.verdict, failure.reason, requests),
        (Verdict::Unavailable, asking::REALM_REFUSED, 1)
    );
}

#[tokio::test]
async fn a_password_goes_to_no_other_registry() {
    let other = Faulty::new([challenge("Basic realm=\"x\"")]);
    let options = with_password("registry.example.org", "right");
    let failure = ask(&other.address(), options).await.0.unwrap_err();
    assert_eq!(failure.reason, asking::NO_CREDENTIALS);
    let hints = failure.hints.join(" ");
    assert!(
        hints.contains("belongs to `registry.example.org`"),
        "{hints}"
    );
    assert!(!has_secret(&other));
}

#[tokio::test]
async fn a_404_from_elsewhere_is_absent_without_its_words() {
    let other = Faulty::new([ScriptedReply::registry_error(
        404,
        "MANIFEST_UNKNOWN",
        "s3cret",
    )]);
    let server = Faulty::new([ScriptedReply::redirect(307, &other.url())]);
    let (answer, _) = ask(&server.address(), RegistryOptions::default()).await;
    let Ok(ManifestAnswer::Absent(said)) = answer else {
        panic!()
    };
    assert_eq!(said, format!("`{}` answered 404", other.address()));
}
