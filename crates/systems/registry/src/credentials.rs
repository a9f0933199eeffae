//! Finds credentials: in flags, in the files of Docker and Podman, with their helpers, in GitHub's
//! token.

use std::{path::PathBuf, rc::Rc, time::Duration};

use base64::Engine as _;
use contract::{
    Failure, Secret, World,
    world::{Effects, Spawn},
};
use serde::{Deserialize, Serialize};

use crate::{
    RegistryOptions,
    auth_file::{AuthFile, CredentialKind, FoundCredentials, RegistryKeys},
};

/// The largest credentials file to read.
const MAX_FILE_SIZE: u64 = 1 << 20;
/// The largest output of a helper: a token.
const MAX_HELPER_OUTPUT: usize = 1 << 20;
/// The most characters of a helper's message that are shown.
const MAX_WARNING: usize = 500;
/// Ends a helper that waits for the user.
const HELPER_TIMEOUT: Duration = Duration::from_secs(10);
/// A variable with the JSON of Docker's `config.json`.
const AUTH_VARIABLE: &str = "DOCKER_AUTH_CONFIG";

/// A user name and a secret to log in with.
#[derive(Debug, Clone)]
pub(crate) struct Credentials {
    pub(crate) username: String,
    pub(crate) secret: Secret,
    pub(crate) kind: CredentialKind,
    /// Where they come from, for messages: "in `FILE`".
    pub(crate) source: String,
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

async fn find_in_files(
    world: &World,
    host: &str,
    repository: &str,
) -> Result<Option<Credentials>, Failure> {
    let sources = CredentialSources {
        variable: world.text_with_secrets(AUTH_VARIABLE),
        files: auth_files(world),
    };
    let keys = RegistryKeys::new(host, repository);
    let request = serde_json::json!({ "credentials": format!("{host}/{repository}") });
    let lookup: CredentialLookup = world
        .exchange("registry", &request, |effects| {
            search(effects, sources, keys)
        })
        .await?;
    for warning in lookup.warnings {
        world.notice(world.excerpt(&warning, MAX_WARNING));
    }
    Ok(lookup.found.map(|found| Credentials {
        username: found.username,
        secret: world.hide(&found.secret),
        kind: found.kind,
        source: found.source,
    }))
}

/// Where Docker and Podman look for credentials.
struct CredentialSources {
    /// JSON as in a file; it comes first (docker/cli 28.2; GitLab's runner).
    variable: Option<String>,
    files: Vec<PathBuf>,
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

async fn search(
    effects: Rc<dyn Effects>,
    sources: CredentialSources,
    keys: RegistryKeys,
) -> CredentialLookup {
    let variable = sources
        .variable
        .map(|text| (format!("in `{AUTH_VARIABLE}`"), text.into_bytes()));
    let files = sources.files.iter().filter_map(|path| {
        let content = effects.read(path, MAX_FILE_SIZE).ok()?;
        Some((format!("in `{}`", path.display()), content))
    });
    let mut warnings = Vec::new();
    for (source, content) in variable.into_iter().chain(files) {
        let found = match serde_json::from_slice(&content) {
            Ok(file) => search_file(&effects, &file, &keys, &source, &mut warnings).await,
            Err(error) => {
                let place = format!("line {} column {}", error.line(), error.column());
                warnings.push(format!(
                    "skipped the credentials {source}, since it is not the JSON of Docker's \
                     `config.json`: {place}"
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
    keys: &RegistryKeys,
    source: &str,
    warnings: &mut Vec<String>,
) -> Option<FoundCredentials> {
    if let Some((helper, server)) = file.helper(keys) {
        match ask_helper(effects, &helper, &server).await {
            Ok(Some(found)) => return Some(found),
            Ok(None) => {}
            Err(warning) => warnings.push(warning),
        }
    }
    file.entries(keys).find_map(|entry| entry.read(source))
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
    spawn.output_limit = MAX_HELPER_OUTPUT;
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
    if answer.secret.is_empty() {
        return Ok(None);
    }
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
