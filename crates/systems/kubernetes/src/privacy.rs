//! Decides whether a connection is private enough for credentials.

use contract::world::Origin;
use http::Uri;
use kube::config::{AuthInfo, Config};
use url::{Host, Url};

use crate::connect_error::ConnectError;

/// Refuses credentials over plain HTTP to another machine: everybody on the way can read them.
pub(crate) fn check(config: &Config) -> Result<(), ConnectError> {
    let server = &config.cluster_url;
    let is_private = server.scheme_str() == Some("https") || is_loopback(server);
    if is_private || !has_credentials(&config.auth_info) {
        return Ok(());
    }
    Err(ConnectError::settings(
        format!(
            "the kubeconfig's server `{server}` uses plain HTTP, and others could read the \
             credentials of the kubeconfig's user on the way"
        ),
        "set `server` of the kubeconfig's cluster to an `https://` address, or to \
         `http://localhost:PORT` of a port forwarding to the API server",
    ))
}

/// Returns whether an address stays on this machine. Other names below `.localhost`, and other
/// spellings of an address, do not count here: kube has them resolved by the machine, and a DNS
/// server may answer with any address.
pub(crate) fn is_loopback(server: &Uri) -> bool {
    let host = server.host().unwrap_or_default();
    let Ok(url) = server.to_string().parse::<Url>() else {
        return false;
    };
    let is_literal = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(address) => address.to_string() == host,
        None => false,
    };
    is_literal && Origin::of(&url).is_loopback()
}

/// Returns whether a user of a kubeconfig has anything to prove who it is.
fn has_credentials(user: &AuthInfo) -> bool {
    user.username.is_some()
        || user.password.is_some()
        || user.token.is_some()
        || user.token_file.is_some()
        || user.exec.is_some()
        || user.auth_provider.is_some()
        || user.client_certificate.is_some()
        || user.client_certificate_data.is_some()
        || user.client_key.is_some()
        || user.client_key_data.is_some()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn config(server: &str, user: Value) -> Config {
        let mut config = Config::new(server.parse().unwrap());
        config.auth_info = serde_json::from_value(user).unwrap();
        config
    }

    #[test]
    fn only_literals_and_localhost_are_loopback() {
        for (server, expected) in [
            ("http://127.0.0.1:8080", true),
            ("http://127.9.9.9", true),
            ("http://[::1]:6443", true),
            ("http://localhost:8001", true),
            ("http://LOCALHOST", true),
            ("http://api.localhost", false),
            ("http://localhost.example", false),
            ("http://localhost.", false),
            ("http://127.0.0.1.example", false),
            ("http://127.1", false),
            ("http://0.0.0.0", false),
            ("http://169.254.169.254", false),
            ("http://[fe80::1]", false),
            ("http://10.0.0.1", false),
        ] {
            assert_eq!(is_loopback(&server.parse().unwrap()), expected, "{server}");
        }
    }

    #[test]
    fn credentials_need_a_private_connection() {
        let users = [
            json!({ "token": "t" }),
            json!({ "username": "u", "password": "p" }),
            json!({ "tokenFile": "/token" }),
            json!({ "exec": { "command": "aws" } }),
            json!({ "auth-provider": { "name": "oidc", "config": { "id-token": "t" } } }),
            json!({ "client-certificate": "/crt", "client-key": "/key" }),
            json!({ "client-certificate-data": "YQ==", "client-key-data": "YQ==" }),
        ];
        for user in users {
            let is_allowed = |server: &str| check(&config(server, user.clone())).is_ok();
            assert!(!is_allowed("http://api.example:8080"), "{user}");
            assert!(!is_allowed("http://10.0.0.1"), "{user}");
            assert!(!is_allowed("http://api.localhost:8080"), "{user}");
            assert!(is_allowed("https://api.example:6443"), "{user}");
            assert!(is_allowed("http://127.0.0.1:8001"), "{user}");
        }
        assert!(check(&config("http://api.example", json!({}))).is_ok());
        let refused = check(&config("http://api.example", json!({ "token": "t" }))).unwrap_err();
        assert!(refused.text.contains("http://api.example"), "{refused:?}");
    }
}
