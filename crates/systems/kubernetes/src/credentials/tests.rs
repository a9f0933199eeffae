use contract::world::Effects;
use serde_json::{Value, json};

use super::*;

/// Real effects, as a live exchange gets them.
async fn effects(world: &World) -> Rc<dyn Effects> {
    let mut found = None;
    let answer: Result<(), _> = world
        .exchange("effects", &(), async |effects| found = Some(effects))
        .await;
    answer.unwrap();
    found.unwrap()
}

/// Returns the header of a request of this user, and what the world knows.
async fn header(user: Value, world: &World) -> Result<Option<String>, ConnectError> {
    let mut user: AuthInfo = serde_json::from_value(user).unwrap();
    let credentials = ClusterCredentials::take(&mut user, effects(world).await, world).await?;
    assert!(user.token.is_none() && user.exec.is_none() && user.password.is_none());
    let mut request = Request::new(Body::empty());
    credentials.authorize(&mut request, world).await?;
    let value = request.headers().get(AUTHORIZATION);
    assert!(value.is_none_or(HeaderValue::is_sensitive));
    Ok(value.map(|value| value.to_str().unwrap().to_owned()))
}

fn plugin(script: &str) -> Value {
    json!({ "exec": {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "sh",
        "args": ["-c", script],
    } })
}

#[tokio::test]
async fn every_sent_credential_is_a_known_secret() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "of-a-file\n").unwrap();
    let credential = json!({ "kind": "ExecCredential", "status": { "token": "of-a-plugin" } });
    let users = [
        (json!({ "token": "of-the-config" }), "Bearer of-the-config"),
        (json!({ "tokenFile": file }), "Bearer of-a-file"),
        (
            json!({ "username": "u", "password": "of-a-user" }),
            "Basic dTpvZi1hLXVzZXI=",
        ),
        (
            plugin(&format!("echo '{credential}'")),
            "Bearer of-a-plugin",
        ),
        (
            json!({ "auth-provider": { "name": "oidc", "config": { "id-token": "of-a-provider" } } }),
            "Bearer of-a-provider",
        ),
    ];
    for (user, expected) in users {
        let world = World::for_tests(Duration::ZERO);
        let sent = header(user, &world).await.unwrap().unwrap();
        assert_eq!(sent, expected);
        let (scheme, secret) = sent.split_once(' ').unwrap();
        assert_eq!(world.redact(&sent), format!("{scheme} ***"), "{secret}");
    }
}

#[tokio::test]
async fn a_user_without_credentials_sends_none() {
    let world = World::for_tests(Duration::ZERO);
    for user in [
        json!({}),
        json!({ "token": "" }),
        json!({ "username": "u" }),
    ] {
        assert_eq!(header(user, &world).await, Ok(None));
    }
}

#[tokio::test]
async fn an_invalid_credential_is_an_error() {
    let world = World::for_tests(Duration::ZERO);
    for user in [
        json!({ "token": "a\nb" }),
        json!({ "tokenFile": "/nowhere/token" }),
        json!({ "auth-provider": { "name": "gcp", "config": { "cmd-path": "gcloud" } } }),
        json!({ "exec": {} }),
        plugin("exit 3"),
        plugin("echo nothing"),
        plugin("kill -9 $$"),
        plugin("yes | head -c 2000000"),
        json!({ "exec": { "command": "/nowhere/plugin" } }),
    ] {
        assert!(header(user.clone(), &world).await.is_err(), "{user}");
    }
}

#[tokio::test]
async fn an_expired_token_is_renewed_once() {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("runs");
    let script = format!(
        "echo x >> {0}; n=$(wc -l < {0}); if [ $n -gt 1 ]; then end=2999-01-01; else end=2000-01-01; fi; \
         echo \"{{\\\"status\\\":{{\\\"token\\\":\\\"token-$n\\\",\\\"expirationTimestamp\\\":\\\"${{end}}T00:00:00Z\\\"}}}}\"",
        runs.display()
    );
    let world = World::for_tests(Duration::ZERO);
    let mut user: AuthInfo = serde_json::from_value(plugin(&script)).unwrap();
    let effects = effects(&world).await;
    let credentials = ClusterCredentials::take(&mut user, effects, &world)
        .await
        .unwrap();
    let ask = async || {
        let mut request = Request::new(Body::empty());
        credentials.authorize(&mut request, &world).await.unwrap();
        request.headers()[AUTHORIZATION]
            .to_str()
            .unwrap()
            .to_owned()
    };
    let (one, other) = tokio::join!(ask(), ask());
    assert_eq!(
        (one.as_str(), other.as_str()),
        ("Bearer token-2", "Bearer token-2")
    );
    assert_eq!(world.redact("token-1 token-2"), "*** ***");
}

#[tokio::test]
async fn a_plugin_may_return_a_certificate() {
    let world = World::for_tests(Duration::ZERO);
    let credential =
        json!({ "status": { "clientCertificateData": "CERT", "clientKeyData": "KEY" } });
    let script = format!("echo '{credential}'");
    let mut user: AuthInfo = serde_json::from_value(plugin(&script)).unwrap();
    let effects = effects(&world).await;
    ClusterCredentials::take(&mut user, effects, &world)
        .await
        .unwrap();
    assert_eq!(user.client_certificate_data.as_deref(), Some("Q0VSVA=="));
    assert!(user.client_key_data.is_some());
}
