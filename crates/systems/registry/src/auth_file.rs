//! The files in which Docker and Podman keep credentials.

use std::collections::BTreeMap;

use base64::Engine as _;
use serde::{Deserialize, Serialize};

/// Docker Hub's key in the files.
const DOCKER_HUB_KEY: &str = "https://index.docker.io/v1/";
/// The hosts of Docker Hub.
const DOCKER_HUB_HOSTS: [&str; 3] = ["docker.io", "index.docker.io", "registry-1.docker.io"];

/// How to use the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum CredentialKind {
    Password,
    /// The token server exchanges it for a bearer token.
    IdentityToken,
    /// It already is a bearer token.
    RegistryToken,
}

/// Credentials as they are found.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct FoundCredentials {
    pub(crate) username: String,
    pub(crate) secret: String,
    pub(crate) kind: CredentialKind,
    pub(crate) source: String,
}

/// The names of a repository in the files.
pub(crate) struct RegistryKeys {
    host: String,
    /// The longest path first (containers-auth.json(5)).
    paths: Vec<String>,
}

impl RegistryKeys {
    pub(crate) fn new(host: &str, repository: &str) -> Self {
        let mut paths = Vec::new();
        let mut path = format!("{host}/{repository}");
        while let Some(slash) = path.rfind('/') {
            paths.push(path.clone());
            path.truncate(slash);
        }
        paths.push(host.to_owned());
        Self {
            host: host.to_owned(),
            paths,
        }
    }

    /// Returns whether a key names the registry as a whole: with or without scheme and version, as
    /// Docker compares the keys of old files too (docker/cli, `ConvertToHostname`).
    fn is_registry(&self, key: &str) -> bool {
        let key = key.to_ascii_lowercase();
        let bare = ["https://", "http://"]
            .iter()
            .find_map(|scheme| key.strip_prefix(scheme));
        let (host, path) = match bare.unwrap_or(&key).split_once('/') {
            Some((host, path)) => (host, path),
            None => (bare.unwrap_or(&key), ""),
        };
        let is_same =
            host == self.host || (self.host == "docker.io" && DOCKER_HUB_HOSTS.contains(&host));
        is_same && matches!(path.trim_end_matches('/'), "" | "v1" | "v2")
    }

    /// Returns the entries of a map for the repository, the most exact first.
    fn find<'m, T>(
        &self,
        map: &'m BTreeMap<String, T>,
    ) -> impl Iterator<Item = (&'m String, &'m T)> {
        let exact = self.paths.iter().filter_map(|key| map.get_key_value(key));
        let exact: Vec<_> = exact.collect();
        let whole = map.iter().filter(|(key, _)| self.is_registry(key));
        let whole: Vec<_> = whole.collect();
        exact.into_iter().chain(whole)
    }

    /// Returns the name by which a store knows the registry.
    fn server(&self) -> String {
        match self.host.as_str() {
            "docker.io" => DOCKER_HUB_KEY.to_owned(),
            host => host.to_owned(),
        }
    }
}

/// Docker's `config.json` or Podman's `auth.json`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct AuthFile {
    auths: Option<BTreeMap<String, Option<AuthEntry>>>,
    cred_helpers: Option<BTreeMap<String, Option<String>>>,
    creds_store: Option<String>,
}

/// An entry of `auths`.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct AuthEntry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
    registrytoken: Option<String>,
}

impl AuthFile {
    /// Returns the helper for a registry, and the name by which the helper knows the server. As Docker
    /// does, a store is asked for every registry, also without an entry in `auths`.
    pub(crate) fn helper(&self, keys: &RegistryKeys) -> Option<(String, String)> {
        let helpers = self.cred_helpers.as_ref();
        let own = helpers.and_then(|helpers| keys.find(helpers).next());
        if let Some((server, helper)) = own {
            let helper = helper.clone().filter(|helper| !helper.is_empty())?;
            return Some((helper, server.clone()));
        }
        let store = self.creds_store.clone().filter(|store| !store.is_empty())?;
        let entries = self.auths.as_ref();
        let entry = entries.and_then(|entries| keys.find(entries).next());
        let server = entry.map_or_else(|| keys.server(), |(server, _)| server.clone());
        Some((store, server))
    }

    /// Returns the entries for a repository, the most exact first.
    pub(crate) fn entries(&self, keys: &RegistryKeys) -> impl Iterator<Item = &AuthEntry> {
        let entries = self.auths.as_ref().map(|entries| keys.find(entries));
        let entries = entries.into_iter().flatten();
        entries.filter_map(|(_, entry)| entry.as_ref())
    }
}

impl AuthEntry {
    /// Returns the credentials of the entry; `None` when it is empty, as where a store has them.
    pub(crate) fn read(&self, source: &str) -> Option<FoundCredentials> {
        let (username, password) = self.pair()?;
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        let tokens = [text(&self.identitytoken), text(&self.registrytoken)];
        let (secret, kind) = match tokens.each_ref().map(String::as_str) {
            ["", ""] => (password, CredentialKind::Password),
            ["", token] => (token.to_owned(), CredentialKind::RegistryToken),
            [token, _] => (token.to_owned(), CredentialKind::IdentityToken),
        };
        (!secret.is_empty()).then_some(FoundCredentials {
            username,
            secret,
            kind,
            source: source.to_owned(),
        })
    }

    /// Returns the user name and the password. `auth` is the base64 of both; some files have them
    /// in fields of their own.
    fn pair(&self) -> Option<(String, String)> {
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        let auth = self.auth.as_deref().unwrap_or_default().trim();
        if auth.is_empty() {
            return Some((text(&self.username), text(&self.password)));
        }
        let decoded = base64::engine::general_purpose::STANDARD
            .decode(auth)
            .ok()?;
        let text = String::from_utf8(decoded).ok()?;
        let (username, password) = text.split_once(':')?;
        Some((
            username.to_owned(),
            password.trim_end_matches('\0').to_owned(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(json: &str) -> AuthFile {
        serde_json::from_str(json).unwrap()
    }

    fn user(json: &str, host: &str) -> Option<String> {
        let found = file(json);
        let keys = RegistryKeys::new(host, "acme/app");
        let found = found.entries(&keys).find_map(|entry| entry.read(""));
        found.map(|found| found.username)
    }

    #[test]
    fn the_longest_path_comes_first() {
        let json = r#"{"auths":{
            "docker.io/acme/app": {},
            "docker.io/acme": {"username":"path","password":"p"},
            "docker.io": {"username":"host","password":"p"}
        }}"#;
        assert_eq!(user(json, "docker.io").as_deref(), Some("path"));
        let hub = r#"{"auths":{"https://index.docker.io/v1/":{"username":"hub","password":"p"}}}"#;
        assert_eq!(user(hub, "docker.io").as_deref(), Some("hub"));
    }

    #[test]
    fn a_key_may_have_a_scheme_and_a_version() {
        for key in [
            "registry.example:5000",
            "https://registry.example:5000",
            "https://registry.example:5000/",
            "http://registry.example:5000/v2/",
            "https://Registry.Example:5000/v1",
        ] {
            let json = format!(r#"{{"auths":{{"{key}":{{"username":"u","password":"p"}}}}}}"#);
            let found = user(&json, "registry.example:5000");
            assert_eq!(found.as_deref(), Some("u"), "{key}");
            for other in ["registry.example", "registry.example:5001", "docker.io"] {
                assert_eq!(user(&json, other), None, "{key} {other}");
            }
        }
        let json =
            r#"{"auths":{"https://registry.example/other":{"username":"u","password":"p"}}}"#;
        assert_eq!(user(json, "registry.example"), None);
    }

    #[test]
    fn an_entry_without_value_is_empty() {
        let json = r#"{
            "auths": {"a.example": null, "b.example": {"username":"u","password":"p"}},
            "credHelpers": {"b.example": null}
        }"#;
        assert_eq!(user(json, "a.example"), None);
        assert_eq!(user(json, "b.example").as_deref(), Some("u"));
        let keys = RegistryKeys::new("b.example", "acme/app");
        assert_eq!(file(json).helper(&keys), None);
    }

    #[test]
    fn a_store_is_asked_for_every_registry() {
        let asked =
            |json: &str, host: &str| file(json).helper(&RegistryKeys::new(host, "acme/app"));
        let pair = |helper: &str, server: &str| Some((helper.to_owned(), server.to_owned()));
        let hub = "https://index.docker.io/v1/";
        for json in [
            r#"{"credsStore":"ecr-login"}"#,
            r#"{"auths":{},"credsStore":"ecr-login"}"#,
            r#"{"auths":null,"credsStore":"ecr-login","credHelpers":null}"#,
            r#"{"auths":{"other.example":{}},"credsStore":"ecr-login"}"#,
        ] {
            assert_eq!(asked(json, "a.example"), pair("ecr-login", "a.example"));
            assert_eq!(asked(json, "docker.io"), pair("ecr-login", hub));
        }
        let json = r#"{
            "auths": {"https://a.example": {}},
            "credHelpers": {"b.example": "own", "c.example": ""},
            "credsStore": "store"
        }"#;
        assert_eq!(asked(json, "a.example"), pair("store", "https://a.example"));
        assert_eq!(asked(json, "b.example"), pair("own", "b.example"));
        assert_eq!(asked(json, "c.example"), None);
        assert_eq!(asked("{}", "a.example"), None);
    }

    #[test]
    fn an_entry_holds_a_password_or_a_token() {
        let entry = |json: &str| serde_json::from_str::<AuthEntry>(json).unwrap().read("");
        let pair = entry(r#"{"auth":"dXNlcjpwYTpzcw=="}"#).unwrap();
        assert_eq!(
            (pair.username.as_str(), pair.secret.as_str()),
            ("user", "pa:ss")
        );
        assert_eq!(
            entry(r#"{"username":"u","password":"p"}"#).unwrap().kind,
            CredentialKind::Password
        );
        assert_eq!(
            entry(r#"{"auth":"dTo=","identitytoken":"t"}"#)
                .unwrap()
                .kind,
            CredentialKind::IdentityToken
        );
        assert!(entry("{}").is_none() && entry(r#"{"auth":"%%%"}"#).is_none());
    }
}
