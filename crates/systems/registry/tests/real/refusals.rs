//! The ways in which a registry says no, and what says nothing although it has the same status.

use contract::{Failure, Reason, Vars, Verdict, asking};
use lab::{Faulty, ScriptedReply};
use registry::{
    ManifestAnswer, RegistryOptions,
    reasons::{FIREWALL, PULL_BLOCKED},
};
use serde_json::json;

use super::{ask, ask_as, challenge, with_password};

const FIREWALL_WORDS: &str = "client with IP '203.0.113.9' is not allowed access.";
const POLICY_WORDS: &str = "current image with 7 vulnerabilities cannot be pulled due to configured \
    policy in 'Prevent images with vulnerability severity of \"High\" or higher from running.' To \
    continue with pull, please contact your project administrator";

/// Lets a registry of one reply be asked, and returns why it did not answer.
async fn failure_of(reply: ScriptedReply, password: Option<&str>) -> Failure {
    let server = Faulty::new([reply]);
    let options = match password {
        Some(password) => with_password(&server.address(), password),
        None => RegistryOptions::default(),
    };
    ask(&server.address(), options).await.0.unwrap_err()
}

/// A registry with a token server, whose reply is this one for credentials and that one without.
fn with_tokens(with: ScriptedReply, without: ScriptedReply) -> Faulty {
    Faulty::answering(move |seen| {
        let has_credentials = seen.header("authorization").is_some();
        match seen.path.starts_with("/token") {
            true if has_credentials => with.clone(),
            true => without.clone(),
            false => {
                let host = seen.header("host").unwrap();
                challenge(&format!("Bearer realm=\"http://{host}/token\""))
            }
        }
    })
}

fn is_about_login(failure: &Failure) -> bool {
    let hints = failure.hints.join(" ");
    hints.contains("docker login") || hints.contains("assume-public")
}

#[tokio::test]
async fn a_firewall_or_a_policy_is_no_missing_login() {
    let error = ScriptedReply::registry_error;
    for (reply, reason) in [
        (error(403, "DENIED", FIREWALL_WORDS), FIREWALL),
        (error(403, "DENIED", POLICY_WORDS), PULL_BLOCKED),
        (
            error(412, "PROJECTPOLICYVIOLATION", POLICY_WORDS),
            PULL_BLOCKED,
        ),
        (error(451, "UNAVAILABLE", "export control"), PULL_BLOCKED),
    ] {
        for password in [None, Some("right")] {
            let failure = failure_of(reply.clone(), password).await;
            assert_eq!((failure.verdict, failure.reason), (Verdict::Denied, reason));
            assert!(!is_about_login(&failure), "{:?}", failure.hints);
        }
    }
    let failure = failure_of(error(412, "PROJECTPOLICYVIOLATION", POLICY_WORDS), None).await;
    assert!(
        failure.summary().ends_with("administrator"),
        "{}",
        failure.summary()
    );
}

#[tokio::test]
async fn what_is_no_registrys_answer_says_nothing() {
    for status in [400, 401, 403, 404, 405, 406, 410, 412, 418, 451] {
        for reply in [
            ScriptedReply::html(status),
            ScriptedReply::status(status),
            ScriptedReply::text(status, "Forbidden"),
            ScriptedReply::json(status, &json!({ "message": "Forbidden" })),
            ScriptedReply::json(status, &json!({ "errors": [] })),
            ScriptedReply::json(status, &json!({ "errors": [{ "message": "no route" }] })),
        ] {
            let failure = failure_of(reply.clone(), Some("right")).await;
            let found = (failure.verdict, failure.reason);
            assert_eq!(
                found,
                (Verdict::Unavailable, asking::NOT_THE_API),
                "{reply:?}"
            );
            assert!(!is_about_login(&failure), "{:?}", failure.hints);
        }
    }
}

#[tokio::test]
async fn a_manifest_that_is_not_sent_is_not_absent() {
    let reply = ScriptedReply::registry_error(
        404,
        "MANIFEST_UNKNOWN",
        "OCI index found, but accept header does not support OCI indexes",
    );
    let failure = failure_of(reply, None).await;
    assert_eq!(failure.reason, asking::NOT_THE_API);
    assert!(failure.hints[0].contains("accept"), "{:?}", failure.hints);
}

#[tokio::test]
async fn expired_credentials_are_rejected_ones() {
    let expired = "Your authorization token has expired. Reauthenticate and try again.";
    let no_right = "User: arn:aws:iam::1:user/x is not authorized to perform: ecr:BatchGetImage";
    for (words, reason) in [
        (expired, asking::CREDENTIALS_REJECTED),
        (no_right, asking::PERMISSION_MISSING),
    ] {
        let server = Faulty::answering(move |seen| match seen.header("authorization") {
            None => ScriptedReply::text(401, "Not Authorized\n")
                .header("WWW-Authenticate", "Basic realm=\"x\""),
            Some(_) => ScriptedReply::registry_error(403, "DENIED", words),
        });
        let options = with_password(&server.address(), "old");
        let failure = ask(&server.address(), options).await.0.unwrap_err();
        assert_eq!(failure.reason, reason);
        let failure = ask(&server.address(), RegistryOptions::default()).await.0;
        assert_eq!(failure.unwrap_err().reason, asking::NO_CREDENTIALS);
    }
}

#[tokio::test]
async fn a_token_server_tells_wrong_from_not_allowed() {
    let error = ScriptedReply::registry_error;
    let docker_hub = json!({ "details": "incorrect username or password" });
    let rejected = asking::CREDENTIALS_REJECTED;
    let basic = ("WWW-Authenticate", "Basic realm=\"x\"");
    let cases: [(ScriptedReply, Reason); 10] = [
        (
            error(401, "UNAUTHORIZED", "authentication required"),
            rejected,
        ),
        (ScriptedReply::json(401, &docker_hub), rejected),
        (
            ScriptedReply::text(401, "Auth failed.").header(basic.0, basic.1),
            rejected,
        ),
        (error(403, "DENIED", "denied"), rejected),
        (
            ScriptedReply::json(400, &json!({ "error": "invalid_grant" })),
            rejected,
        ),
        (
            error(403, "DENIED", "access forbidden"),
            asking::PERMISSION_MISSING,
        ),
        (error(403, "DENIED", FIREWALL_WORDS), FIREWALL),
        (ScriptedReply::html(401), asking::NOT_THE_API),
        (ScriptedReply::html(403), asking::NOT_THE_API),
        (
            ScriptedReply::json(403, &json!({ "hello": "world" })),
            asking::NOT_THE_API,
        ),
    ];
    for (reply, reason) in cases {
        let server = with_tokens(reply.clone(), error(401, "UNAUTHORIZED", "log in"));
        let options = with_password(&server.address(), "a-password");
        let failure = ask(&server.address(), options).await.0.unwrap_err();
        assert_eq!(failure.reason, reason, "{reply:?}: {}", failure.summary());
        let seen = server.seen();
        let logins = seen
            .iter()
            .filter(|seen| seen.header("authorization").is_some());
        assert_eq!(logins.count(), 1, "{reply:?}");
    }
}

#[tokio::test]
async fn only_a_registrys_unauthorized_is_assumed_absent() {
    let error = ScriptedReply::registry_error;
    let basic = ("WWW-Authenticate", "Basic realm=\"x\"");
    let html = |status| ScriptedReply::html(status);
    let denied = error(403, "DENIED", "requested access to the resource is denied");
    let cases = [
        (
            Faulty::new([error(401, "UNAUTHORIZED", "no").header(basic.0, basic.1)]),
            true,
        ),
        (Faulty::new([error(401, "UNAUTHORIZED", "no")]), true),
        (Faulty::new([denied.clone()]), true),
        (with_tokens(html(403), denied), true),
        (Faulty::new([html(401).header(basic.0, basic.1)]), false),
        (Faulty::new([html(401)]), false),
        (Faulty::new([html(403)]), false),
        (Faulty::new([error(403, "DENIED", FIREWALL_WORDS)]), false),
        (Faulty::new([error(403, "DENIED", POLICY_WORDS)]), false),
        (with_tokens(html(403), html(403)), false),
        (
            with_tokens(html(403), error(403, "DENIED", FIREWALL_WORDS)),
            false,
        ),
    ];
    for (server, is_absent) in cases {
        let options = RegistryOptions {
            assume_public: true,
            ..RegistryOptions::default()
        };
        let answer = ask(&server.address(), options).await.0;
        let found = matches!(answer, Ok(ManifestAnswer::Absent(_)));
        assert_eq!(found, is_absent, "{answer:?}");
    }
}

#[tokio::test]
async fn a_refusal_without_a_challenge_is_not_about_missing_credentials() {
    let denied = ScriptedReply::registry_error(403, "DENIED", "no");
    let failure = failure_of(denied, Some("right")).await;
    assert_eq!(failure.reason, asking::PERMISSION_MISSING);
    assert!(!is_about_login(&failure), "{:?}", failure.hints);
}

#[tokio::test]
async fn a_rate_limit_speaks_and_a_login_is_not_repeated() {
    let words = "You have reached your unauthenticated pull rate limit.";
    let limited = ScriptedReply::registry_error(429, "TOOMANYREQUESTS", words);
    let failure = failure_of(limited.clone(), None).await;
    assert_eq!(failure.reason, asking::RATE_LIMITED);
    assert!(failure.summary().contains(words), "{}", failure.summary());
    assert!(
        failure.hints[0].starts_with("log in"),
        "{:?}",
        failure.hints
    );
    let basic = {
        let limited = limited.clone();
        Faulty::answering(move |seen| match seen.header("authorization") {
            None => challenge("Basic realm=\"x\""),
            Some(_) => limited.clone(),
        })
    };
    for server in [basic, with_tokens(limited.clone(), limited)] {
        let options = with_password(&server.address(), "a-password");
        let failure = ask(&server.address(), options).await.0.unwrap_err();
        assert_eq!(failure.reason, asking::RATE_LIMITED);
        assert!(failure.hints.is_empty(), "{:?}", failure.hints);
        assert_eq!(server.seen().len(), 2);
    }
}

#[tokio::test]
async fn a_rejected_login_is_tried_once() {
    let basic = Faulty::new([challenge("Basic realm=\"x\"")]);
    let options = with_password(&basic.address(), "wrong");
    let failure = ask(&basic.address(), options).await.0.unwrap_err();
    assert_eq!(failure.reason, asking::CREDENTIALS_REJECTED);
    assert_eq!(basic.seen().len(), 2);
    // A token of the file that the registry itself has to accept.
    let denied = ScriptedReply::registry_error(401, "UNAUTHORIZED", "no");
    let bearer = with_tokens(denied.clone(), denied);
    let auths = format!(
        r#"{{"auths":{{"{}":{{"registrytoken":"expired-token"}}}}}}"#,
        bearer.address()
    );
    let vars = [("DOCKER_AUTH_CONFIG", auths)].into_iter().collect();
    let (answer, _, _) = ask_as(&bearer.address(), RegistryOptions::default(), vars).await;
    assert_eq!(answer.unwrap_err().reason, asking::CREDENTIALS_REJECTED);
    assert_eq!(bearer.seen().len(), 2);
}

#[tokio::test]
async fn dockers_variable_comes_before_its_file() {
    let right = "Basic cm9ib3Q6cmlnaHQ=";
    let server = Faulty::answering(move |seen| match seen.header("authorization") {
        Some(given) if given == right => {
            ScriptedReply::registry_error(404, "MANIFEST_UNKNOWN", "unknown")
        }
        _ => challenge("Basic realm=\"x\""),
    });
    let home = tempfile::tempdir().unwrap();
    let address = server.address();
    let auths = |auth: &str| format!("{{\n \"auths\": {{\n\"{address}\": {auth}}}\n}}\n");
    let wrong = auths(r#"{"auth":"cm9ib3Q6d3Jvbmc="}"#);
    let right = auths(r#"{"auth":"cm9ib3Q6cmlnaHQ="}"#);
    let ask = async |variable: &str, file: &str| {
        std::fs::write(home.path().join("config.json"), file).unwrap();
        let vars: Vars = [
            ("DOCKER_AUTH_CONFIG", variable),
            ("DOCKER_CONFIG", home.path().to_str().unwrap()),
        ]
        .into_iter()
        .collect();
        let (answer, _, world) = ask_as(&address, RegistryOptions::default(), vars).await;
        (answer, world.redact("a right secret"))
    };
    let (answer, shown) = ask(&right, &wrong).await;
    assert!(
        matches!(answer, Ok(ManifestAnswer::Absent(_))),
        "{answer:?}"
    );
    assert_eq!(shown, "a *** secret");
    let (answer, _) = ask(r#"{"auths":{"other.example":{}}}"#, &right).await;
    assert!(
        matches!(answer, Ok(ManifestAnswer::Absent(_))),
        "{answer:?}"
    );
    let (answer, _) = ask("no JSON", &right).await;
    assert!(
        matches!(answer, Ok(ManifestAnswer::Absent(_))),
        "{answer:?}"
    );
    let (answer, _) = ask(&wrong, &right).await;
    let failure = answer.unwrap_err();
    assert_eq!(failure.reason, asking::CREDENTIALS_REJECTED);
    assert!(failure.summary().contains("`DOCKER_AUTH_CONFIG`"));
}
