//! Where credentials come from: flags, Docker's and Podman's files, their helpers, GitHub's token.

use std::{collections::BTreeMap, path::PathBuf, rc::Rc, time::Duration};

use base64::Engine as _;
use contract::{
    Failure, Secret, World,
    world::{Effects, Spawn},
};
use serde::{Deserialize, Serialize};

use crate::RegistryOptions;

/// What a credentials file may weigh.
const FILE_LIMIT: u64 = 1 << 20;
/// A helper that asks the user something would wait for ever.
const HELPER_LIMIT: Duration = Duration::from_secs(10);
/// Docker Hub's key in the files.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

/// What to log in with.
#[derive(Debug, Clone)]
pub(crate) struct Credentials {
    pub(crate) username: String,
    pub(crate) secret: Secret,
    pub(crate) kind: CredentialKind,
    /// Where they come from, for messages.
    pub(crate) source: String,
}

/// What the secret is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum CredentialKind {
    Password,
    /// To be exchanged for a bearer token.
    IdentityToken,
    /// A bearer token as it is.
    RegistryToken,
}

/// Looks in the order of go-containerregistry's and regclient's keychains; `None` is anonymous.
pub(crate) async fn find(
    world: &World,
    host: &str,
    repository: &str,
    options: &RegistryOptions,
) -> Result<Option<Credentials>, Failure> {
    let password = |secret: &Secret, source: &str| Credentials {
        username: options.username.clone().unwrap_or_else(|| "x".to_owned()),
        secret: secret.clone(),
        kind: CredentialKind::Password,
        source: source.to_owned(),
    };
    if let Some(secret) = &options.password {
        return Ok(Some(password(secret, "in `RUNBOOK_REGISTRY_PASSWORD`")));
    }
    if let Some(found) = in_files(world, host, repository).await? {
        return Ok(Some(found));
    }
    let github = options.github_token.as_ref().filter(|_| host == "ghcr.io");
    Ok(github.map(|secret| password(secret, "in `RUNBOOK_GITHUB_TOKEN`")))
}

/// What was found in files, as it is recorded: one exchange, so that no other entry of the files and
/// nothing that a helper printed gets into a recording.
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

async fn in_files(
    world: &World,
    host: &str,
    repository: &str,
) -> Result<Option<Credentials>, Failure> {
    let (files, keys) = (files(world), keys(host, repository));
    let request = serde_json::json!({ "credentials": format!("{host}/{repository}") });
    let lookup: CredentialLookup = world
        .exchange("registry", &request, |effects| look(effects, files, keys))
        .await?;
    lookup
        .warnings
        .into_iter()
        .for_each(|warning| world.notice(warning));
    Ok(lookup.found.map(|found| Credentials {
        username: found.username,
        secret: world.hide(&found.secret),
        kind: found.kind,
        source: found.source,
    }))
}

/// The files that Docker, then Podman, would read.
fn files(world: &World) -> Vec<PathBuf> {
    let home = world.var("HOME").map(PathBuf::from);
    let below = |base: Option<PathBuf>, path: &str| base.map(|base| base.join(path));
    let docker = world
        .var("DOCKER_CONFIG")
        .map(PathBuf::from)
        .or_else(|| below(home.clone(), ".docker"));
    let config = world
        .var("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| below(home, ".config"));
    let runtime = world.var("XDG_RUNTIME_DIR").map(PathBuf::from);
    let files = [
        below(docker, "config.json"),
        world.var("REGISTRY_AUTH_FILE").map(PathBuf::from),
        below(runtime, "containers/auth.json"),
        below(config, "containers/auth.json"),
    ];
    files.into_iter().flatten().collect()
}

/// The keys under which a file may list a repository, the most exact first (containers-auth.json(5)).
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
        keys.push(DOCKER_HUB.to_owned());
    }
    keys
}

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

async fn look(
    effects: Rc<dyn Effects>,
    files: Vec<PathBuf>,
    keys: Vec<String>,
) -> CredentialLookup {
    let mut lookup = CredentialLookup::default();
    for path in files {
        let source = format!("in `{}`", path.display());
        let file: AuthFile = match effects.read(&path, FILE_LIMIT) {
            Err(_) => continue,
            Ok(content) => match serde_json::from_slice(&content) {
                Ok(file) => file,
                Err(error) => {
                    lookup.warnings.push(format!("the credentials {source} were passed over: it is not JSON of the known shape ({error})"));
                    continue;
                }
            },
        };
        if let Some((helper, server)) = helper(&file, &keys) {
            match ask_helper(&effects, &helper, &server).await {
                Ok(Some(found)) => {
                    return CredentialLookup {
                        found: Some(found),
                        ..lookup
                    };
                }
                Ok(None) => {}
                Err(warning) => lookup.warnings.push(warning),
            }
        }
        let entry = keys.iter().find_map(|key| file.auths.get(key));
        if let Some(found) = entry.and_then(|entry| entry.read(source)) {
            return CredentialLookup {
                found: Some(found),
                ..lookup
            };
        }
    }
    lookup
}

/// The helper for this registry, and the server's name that it knows.
fn helper(file: &AuthFile, keys: &[String]) -> Option<(String, String)> {
    let own = keys
        .iter()
        .find_map(|key| Some((file.cred_helpers.get(key)?.clone(), key.clone())));
    // The store holds what `docker login` wrote, which leaves an empty entry behind.
    let stored = || {
        let key = keys.iter().find(|key| file.auths.contains_key(*key))?;
        Some((file.creds_store.clone()?, key.clone()))
    };
    own.or_else(stored).filter(|(helper, _)| !helper.is_empty())
}

/// Asks `docker-credential-<helper> get` (docker/docker-credential-helpers). A helper that fails is a
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
    let mut spawn = Spawn::new(&program).args(["get"]);
    spawn.input = server.as_bytes().to_vec();
    spawn.limit = HELPER_LIMIT;
    let output = Rc::clone(effects)
        .spawn(spawn)
        .await
        .map_err(|error| format!("`{program}` was passed over: {error}"))?;
    if !output.is_good() {
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let unknown = said.contains("credentials not found");
        return if unknown {
            Ok(None)
        } else {
            Err(format!("`{program}` failed and was passed over: {said}"))
        };
    }
    let answer: HelperAnswer = serde_json::from_slice(&output.stdout).map_err(|_| {
        format!("`{program}` was passed over: it did not answer with a user name and a secret")
    })?;
    let identity = answer.username == "<token>";
    let kind = if identity {
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
    fn read(&self, source: String) -> Option<FoundCredentials> {
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
            source,
        })
    }

    /// `auth` is the base64 of `user:password`; both may also stand there as they are.
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
    fn the_longest_path_comes_first_and_docker_hub_has_its_own_key() {
        let keys = keys("docker.io", "example/dex");
        assert_eq!(
            keys[..3],
            ["docker.io/example/dex", "docker.io/example", "docker.io"]
        );
        assert!(keys.contains(&DOCKER_HUB.to_owned()));
    }

    #[test]
    fn an_entry_may_be_a_pair_a_password_or_a_token() {
        let entry = |json: &str| {
            serde_json::from_str::<AuthEntry>(json)
                .unwrap()
                .read(String::new())
        };
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
