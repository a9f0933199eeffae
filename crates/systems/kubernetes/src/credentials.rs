//! The credentials of the kubeconfig's user: what each request carries.
//!
//! kube could add them, but it reads token files and the output of plugins by itself, so that the
//! [`World`] would not know these secrets and an answer that repeats them would be shown.

use std::{
    path::{Path, PathBuf},
    rc::Rc,
    time::{Duration, SystemTime},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use contract::{World, world::Effects};
use http::{HeaderValue, Request, header::AUTHORIZATION};
use kube::{
    client::Body,
    config::{AuthInfo, AuthProviderConfig, ExecConfig},
};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Mutex;

use crate::{
    connect_error::ConnectError,
    kubeconfig_text::path_text,
    plugin::{self, PluginCredentials},
};

/// How often a token file is read: a service account's token is replaced while a pod runs.
const TOKEN_FILE_INTERVAL: Duration = Duration::from_secs(50);
/// How long before its end a token is renewed.
const RENEWAL_MARGIN: Duration = Duration::from_secs(60);
/// The largest token file.
const MAX_TOKEN_FILE: u64 = 1 << 20;

/// The credentials of the kubeconfig's user.
pub(crate) struct ClusterCredentials {
    source: CredentialSource,
    /// Effects that a recording does not have.
    effects: Rc<dyn Effects>,
    /// Locked while it is renewed, so that a plugin runs once for all requests.
    current: Mutex<AuthorizationHeader>,
}

/// Where the next token comes from.
enum CredentialSource {
    /// The kubeconfig itself: there is no next one.
    Fixed,
    TokenFile(PathBuf),
    Plugin(Box<ExecConfig>),
}

/// The header at this moment.
#[derive(Default)]
struct AuthorizationHeader {
    value: Option<HeaderValue>,
    renew_at: Option<SystemTime>,
}

impl ClusterCredentials {
    /// Takes the credentials out of a user of a kubeconfig, and logs in. Certificates stay: TLS
    /// uses them.
    pub(crate) async fn take(
        user: &mut AuthInfo,
        effects: Rc<dyn Effects>,
        world: &World,
    ) -> Result<Self, ConnectError> {
        let stored = take_stored(user, world)?;
        let file = user.token_file.take().filter(|path| !path.is_empty());
        let (source, current) = match (stored, file, user.exec.take()) {
            (Some(header), ..) => (CredentialSource::Fixed, header),
            (None, Some(file), _) => {
                let file = PathBuf::from(file);
                let header = of_file(&file, &effects, world)?;
                (CredentialSource::TokenFile(file), header)
            }
            (None, None, Some(plugin)) => {
                let found = plugin::run(&plugin, &effects, world).await?;
                let header = of_plugin(&found, world)?;
                use_certificate(user, found);
                (CredentialSource::Plugin(Box::new(plugin)), header)
            }
            (None, None, None) => (CredentialSource::Fixed, AuthorizationHeader::default()),
        };
        Ok(Self {
            source,
            effects,
            current: Mutex::new(current),
        })
    }

    /// Adds the header to a request, and renews it before if its time has come.
    pub(crate) async fn authorize(
        &self,
        request: &mut Request<Body>,
        world: &World,
    ) -> Result<(), ConnectError> {
        let mut current = self.current.lock().await;
        let now = self.effects.now();
        if current.renew_at.is_some_and(|at| at <= now) {
            self.renew(&mut current, world).await?;
        }
        if let Some(value) = &current.value {
            request.headers_mut().insert(AUTHORIZATION, value.clone());
        }
        Ok(())
    }

    async fn renew(
        &self,
        current: &mut AuthorizationHeader,
        world: &World,
    ) -> Result<(), ConnectError> {
        match &self.source {
            CredentialSource::Fixed => {}
            CredentialSource::TokenFile(file) => match of_file(file, &self.effects, world) {
                Ok(header) => *current = header,
                // Some machines delete the file once it was read (kubernetes/kubernetes#68164).
                Err(_) => current.renew_at = Some(self.effects.now() + TOKEN_FILE_INTERVAL),
            },
            CredentialSource::Plugin(plugin) => {
                let found = plugin::run(plugin, &self.effects, world).await?;
                *current = of_plugin(&found, world)?;
            }
        }
        Ok(())
    }
}

/// Takes what the kubeconfig itself has, in the order in which `kubectl` prefers it.
fn take_stored(
    user: &mut AuthInfo,
    world: &World,
) -> Result<Option<AuthorizationHeader>, ConnectError> {
    let provider = user.auth_provider.take();
    let basic = user.username.take().zip(user.password.take());
    let token = user.token.take();
    let token = token.filter(|token| !token.expose_secret().is_empty());
    let header = if let Some(provider) = provider {
        bearer(provider_token(&provider)?, None, world)
    } else if let Some((name, password)) = basic {
        basic_header(&name, &password, world)
    } else if let Some(token) = token {
        bearer(token.expose_secret(), None, world)
    } else {
        return Ok(None);
    };
    header.map(Some)
}

/// Returns the token that an `auth-provider` has stored; `kubectl` no longer knows these.
fn provider_token(provider: &AuthProviderConfig) -> Result<&str, ConnectError> {
    let stored = ["id-token", "access-token"].into_iter();
    let mut tokens = stored.filter_map(|name| provider.config.get(name));
    tokens.next().map(String::as_str).ok_or_else(|| {
        ConnectError::settings(
            format!(
                "the kubeconfig's `auth-provider` {} has no stored token",
                provider.name
            ),
            "replace `auth-provider` by an exec plugin, as Kubernetes has required since 1.26",
        )
    })
}

fn of_file(
    file: &Path,
    effects: &Rc<dyn Effects>,
    world: &World,
) -> Result<AuthorizationHeader, ConnectError> {
    let content = effects.read(file, MAX_TOKEN_FILE).map_err(|error| {
        ConnectError::login(
            format!(
                "could not read the token file {}: {error}",
                path_text(&file.to_string_lossy())
            ),
            "set `tokenFile` of the kubeconfig's user to a readable file with a token",
        )
    })?;
    let renew_at = effects.now() + TOKEN_FILE_INTERVAL;
    bearer(&String::from_utf8_lossy(&content), Some(renew_at), world)
}

fn of_plugin(
    found: &PluginCredentials,
    world: &World,
) -> Result<AuthorizationHeader, ConnectError> {
    let Some(token) = &found.token else {
        return Ok(AuthorizationHeader::default());
    };
    let end = found.expiration_timestamp.as_ref();
    let end = end.and_then(|end| u64::try_from(end.0.as_second()).ok());
    let renew_at = end.and_then(|end| {
        let end = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(end))?;
        end.checked_sub(RENEWAL_MARGIN)
    });
    bearer(token, renew_at, world)
}

/// Gives the certificate of a plugin to TLS.
fn use_certificate(user: &mut AuthInfo, found: PluginCredentials) {
    if let (Some(certificate), Some(key)) = (found.client_certificate_data, found.client_key_data) {
        user.client_certificate_data = Some(STANDARD.encode(certificate));
        user.client_key_data = Some(STANDARD.encode(key).into());
    }
}

fn bearer(
    token: &str,
    renew_at: Option<SystemTime>,
    world: &World,
) -> Result<AuthorizationHeader, ConnectError> {
    let token = token.trim();
    world.hide(token);
    Ok(AuthorizationHeader {
        value: Some(sensitive(&format!("Bearer {token}"))?),
        renew_at,
    })
}

fn basic_header(
    name: &str,
    password: &SecretString,
    world: &World,
) -> Result<AuthorizationHeader, ConnectError> {
    let password = password.expose_secret();
    world.hide(password);
    let encoded = STANDARD.encode(format!("{name}:{password}"));
    world.hide(&encoded);
    Ok(AuthorizationHeader {
        value: Some(sensitive(&format!("Basic {encoded}"))?),
        renew_at: None,
    })
}

fn sensitive(text: &str) -> Result<HeaderValue, ConnectError> {
    let mut value = HeaderValue::from_str(text).map_err(|_| {
        ConnectError::settings(
            "the token of the kubeconfig's user has characters that no header may have",
            "log in again, or create a new token (`kubectl create token`)",
        )
    })?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests;
