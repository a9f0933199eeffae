//! Finds credentials: in flags, in the files of Docker and Podman, with their helpers, in GitHub's
//! token.

use std::{collections::BTreeMap, path::PathBuf, rc::Rc, time::Duration};

use base64::Engine as _;
use contract::{
    Failure, Secret, World,
    world::{Effects, Spawn},
};
use serde::{Deserialize, Serialize};

use crate::RegistryOptions;

/// The largest credentials file to read.
const MAX_FILE_SIZE: u64 = 1 << 20;
/// Ends a helper that waits for the user.
const HELPER_TIMEOUT: Duration = Duration::from_secs(10);
/// Docker Hub's key in the files.
const DOCKER_HUB_KEY: &str = "https://index.docker.io/v1/";

/// A user name and a secret to log in with.
#[derive(Debug, Clone)]
pub(crate) struct Credentials {
    pub(crate) username: String,
    pub(crate) secret: Secret,
    pub(crate) kind: CredentialKind,
    /// Where they come from, for messages: "in `FILE`".
    pub(crate) source: String,
}

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

/// Returns the first credentials in the order of go-containerregistry's and regclient's keychains;
/// `None` means anonymous access.
pub(crate) async fn find(
    world: &World,
    host: &str,
    repository: &str,
    options: &RegistryOptions,
) -> Result<Option<Credentials>, Failure> {
    let password = options.password.as_ref();
    if let Some(secret) = password.and_then(|password| password.of(host)) {
        let source = "in `RUNBOOK_REGISTRY_PASSWORD`";
        return Ok(Some(Credentials::password(secret, source, options)));
    }
    if let Some(found) = find_in_files(world, host, repository).await? {
        return Ok(Some(found));
    }
    let github_token = options.github_token.as_ref().filter(|_| host == "ghcr.io");
    let source = "in `RUNBOOK_GITHUB_TOKEN`";
    Ok(github_token.map(|secret| Credentials::password(secret, source, options)))
}

impl Credentials {
    fn password(secret: &Secret, source: &str, options: &RegistryOptions) -> Self {
        // Where only the password matters, the user name must still not be empty.
        let username = options.username.clone().unwrap_or_else(|| "x".to_owned());
        Self {
            username,
            secret: secret.clone(),
            kind: CredentialKind::Password,
            source: source.to_owned(),
        }
    }

    /// Returns the header `authorization` for them.
    pub(crate) fn basic_header(&self, world: &World) -> Secret {
        let pair = format!("{}:{}", self.username, self.secret.expose());
        let encoded = world.hide(&base64::engine::general_purpose::STANDARD.encode(pair));
        Secret::new(format!("Basic {}", encoded.expose()))
    }
}

/// The result of the search in files, as one exchange of a recording: a recording contains no other
/// entry of the files, and nothing that a helper printed.
#[derive(Debug, Default, Serialize, Deserialize)]
struct CredentialLookup {
    found: Option<FoundCredentials>,
    warnings: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct FoundCredentials {
    username: String,
    secret: String,
    kind: CredentialKind,
    source: String,
}

async fn find_in_files(
    world: &World,
    host: &str,
    repository: &str,
) -> Result<Option<Credentials>, Failure> {
    let (files, keys) = (auth_files(world), keys(host, repository));
    let request = serde_json::json!({ "credentials": format!("{host}/{repository}") });
    let lookup: CredentialLookup = world
        .exchange("registry", &request, |effects| search(effects, files, keys))
        .await?;
    for warning in lookup.warnings {
        world.notice(warning);
    }
    Ok(lookup.found.map(|found| Credentials {
        username: found.username,
        secret: world.hide(&found.secret),
        kind: found.kind,
        source: found.source,
    }))
}

/// Returns the files that Docker reads, then those of Podman.
fn auth_files(world: &World) -> Vec<PathBuf> {
    let variable = |name| world.var(name).map(PathBuf::from);
    let home = variable("HOME");
    let below_home = |path| home.as_ref().map(|home| home.join(path));
    let docker = variable("DOCKER_CONFIG").or_else(|| below_home(".docker"));
    let config = variable("XDG_CONFIG_HOME").or_else(|| below_home(".config"));
    let files = [
        docker.map(|directory| directory.join("config.json")),
        variable("REGISTRY_AUTH_FILE"),
        variable("XDG_RUNTIME_DIR").map(|directory| directory.join("containers/auth.json")),
        config.map(|directory| directory.join("containers/auth.json")),
    ];
    files.into_iter().flatten().collect()
}

/// Returns the keys under which a file may list a repository, the longest path first
/// (containers-auth.json(5)).
fn keys(host: &str, repository: &str) -> Vec<String> {
    let mut keys = Vec::new();
    let mut path = format!("{host}/{repository}");
    while let Some(slash) = path.rfind('/') {
        keys.push(path.clone());
        path.truncate(slash);
    }
    keys.push(host.to_owned());
    keys.push(format!("https://{host}"));
    keys.push(format!("https://{host}/v1/"));
    keys.push(format!("https://{host}/v2/"));
    if host == "docker.io" {
        keys.push(DOCKER_HUB_KEY.to_owned());
    }
    keys
}

/// Docker's `config.json` or Podman's `auth.json`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AuthFile {
    auths: BTreeMap<String, AuthEntry>,
    cred_helpers: BTreeMap<String, String>,
    creds_store: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AuthEntry {
    auth: String,
    username: String,
    password: String,
    identitytoken: String,
    registrytoken: String,
}

async fn search(
    effects: Rc<dyn Effects>,
    files: Vec<PathBuf>,
    keys: Vec<String>,
) -> CredentialLookup {
    let mut warnings = Vec::new();
    for path in files {
        let Ok(content) = effects.read(&path, MAX_FILE_SIZE) else {
            continue;
        };
        let source = format!("in `{}`", path.display());
        let found = match serde_json::from_slice(&content) {
            Ok(file) => search_file(&effects, &file, &keys, &source, &mut warnings).await,
            Err(error) => {
                warnings.push(format!(
                    "skipped the credentials {source}, since the file is invalid: {error}"
                ));
                None
            }
        };
        if found.is_some() {
            return CredentialLookup { found, warnings };
        }
    }
    CredentialLookup {
        found: None,
        warnings,
    }
}

async fn search_file(
    effects: &Rc<dyn Effects>,
    file: &AuthFile,
    keys: &[String],
    source: &str,
    warnings: &mut Vec<String>,
) -> Option<FoundCredentials> {
    if let Some((helper, server)) = helper(file, keys) {
        match ask_helper(effects, &helper, &server).await {
            Ok(Some(found)) => return Some(found),
            Ok(None) => {}
            Err(warning) => warnings.push(warning),
        }
    }
    let entry = keys.iter().find_map(|key| file.auths.get(key))?;
    entry.read(source)
}

/// Returns the helper for this registry, and the name by which the helper knows the server.
fn helper(file: &AuthFile, keys: &[String]) -> Option<(String, String)> {
    let own = keys
        .iter()
        .find_map(|key| Some((file.cred_helpers.get(key)?, key)));
    let (helper, key) = own.or_else(|| {
        // The store has the credentials if `docker login` left an empty entry in the file.
        let key = keys.iter().find(|key| file.auths.contains_key(*key))?;
        Some((file.creds_store.as_ref()?, key))
    })?;
    (!helper.is_empty()).then(|| (helper.clone(), key.clone()))
}

/// Variables of the clouds whose registries have helpers: a helper logs in there itself.
const HELPER_VARIABLES: [&str; 16] = [
    "AWS_*",
    "AWS_ACCESS_KEY_ID",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AZURE_*",
    "AZURE_CLIENT_SECRET",
    "AZURE_FEDERATED_TOKEN_FILE",
    "CLOUDSDK_*",
    "GOOGLE_*",
    "GOOGLE_APPLICATION_CREDENTIALS",
];

/// Asks `docker-credential-<helper> get` (docker/docker-credential-helpers). The error is only a
/// warning: the image may be public.
async fn ask_helper(
    effects: &Rc<dyn Effects>,
    helper: &str,
    server: &str,
) -> Result<Option<FoundCredentials>, String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct HelperAnswer {
        username: String,
        secret: String,
    }
    let program = format!("docker-credential-{helper}");
    let mut spawn = Spawn::new(&program)
        .args(["get"])
        .inheriting(HELPER_VARIABLES);
    spawn.input = server.as_bytes().to_vec();
    spawn.limit = HELPER_TIMEOUT;
    let output = Rc::clone(effects)
        .spawn(spawn)
        .await
        .map_err(|error| format!("skipped `{program}`: {error}"))?;
    if !output.is_good() {
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if said.contains("credentials not found") {
            return Ok(None);
        }
        return Err(format!("skipped `{program}`, which failed: {said}"));
    }
    let answer: HelperAnswer = serde_json::from_slice(&output.stdout)
        .map_err(|_| format!("skipped `{program}`: its answer has no user name and secret"))?;
    let kind = if answer.username == "<token>" {
        CredentialKind::IdentityToken
    } else {
        CredentialKind::Password
    };
    Ok(Some(FoundCredentials {
        username: answer.username,
        secret: answer.secret,
        kind,
        source: format!("of `{program}`"),
    }))
}

impl AuthEntry {
    fn read(&self, source: &str) -> Option<FoundCredentials> {
        let (username, password) = self.pair()?;
        let (secret, kind) = match (self.identitytoken.as_str(), self.registrytoken.as_str()) {
            ("", "") => (password, CredentialKind::Password),
            ("", token) => (token.to_owned(), CredentialKind::RegistryToken),
            (token, _) => (token.to_owned(), CredentialKind::IdentityToken),
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
        if self.auth.is_empty() {
            return Some((self.username.clone(), self.password.clone()));
        }
        let decoded = base64::engine::general_purpose::STANDARD
            .decode(self.auth.trim())
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

    #[test]
    fn the_longest_path_comes_first() {
        let keys = keys("docker.io", "example/dex");
        assert_eq!(
            keys[..3],
            ["docker.io/example/dex", "docker.io/example", "docker.io"]
        );
        assert!(keys.contains(&DOCKER_HUB_KEY.to_owned()));
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
