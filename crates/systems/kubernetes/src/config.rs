//! Where the cluster is and who asks: a kubeconfig and its context, or the pod that we run in.

use std::{path::PathBuf, time::Duration};

use anyhow::anyhow;
use contract::{Failure, World, asking};
use hyper_util::client::proxy::matcher::Matcher;
use kube::config::{Config, KubeConfigOptions, Kubeconfig, KubeconfigError, NamedCluster};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};

use crate::health::{CONNECT_TIMEOUT, READ_TIMEOUT};

/// How long an exec plugin may take.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(30);

const PLUGIN_HINT: &str = "run the kubeconfig's exec plugin by hand, and log in to what it asks";

/// Which cluster.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Options {
    /// The kubeconfig, or several separated as in `PATH`; the one of the home, else the pod's, when `None`.
    pub kubeconfig: Option<String>,
    /// The context; the current one when `None`.
    pub context: Option<String>,
}

/// Where the cluster is: all that a recording keeps of a kubeconfig.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Place {
    /// The API server's address.
    pub(crate) server: String,
}

/// Why there is no cluster to ask.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Nowhere {
    /// Whether credentials are missing, rather than settings wrong.
    denied: bool,
    text: String,
    hint: String,
}

impl From<Nowhere> for Failure {
    fn from(nowhere: Nowhere) -> Self {
        let error = anyhow!(nowhere.text);
        let failure = if nowhere.denied {
            Self::denied(asking::NO_CREDENTIALS, error)
        } else {
            Self::usage(error)
        };
        failure.hinted(nowhere.hint)
    }
}

/// Reads the configuration and logs in, which runs the exec plugin where the kubeconfig names one.
pub(crate) async fn live(
    world: &World,
    options: &Options,
) -> Result<(Place, kube::Client), Nowhere> {
    let mut config = read(options).await?;
    for secret in [&config.auth_info.token, &config.auth_info.password]
        .into_iter()
        .flatten()
    {
        world.hide(secret.expose_secret());
    }
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    config.read_timeout = Some(READ_TIMEOUT);
    // Whoever waits decides how often to ask again; here every answer is recorded.
    config.default_retry = false;
    let place = Place {
        server: config
            .cluster_url
            .to_string()
            .trim_end_matches('/')
            .to_owned(),
    };
    Ok((place, log_in(config).await?))
}

/// An exec plugin may wait for somebody to log in, so it runs on a thread of its own.
async fn log_in(config: Config) -> Result<kube::Client, Nowhere> {
    let (done, client) = tokio::sync::oneshot::channel();
    let runtime = tokio::runtime::Handle::current();
    std::thread::spawn(move || {
        let _inside = runtime.enter();
        drop(done.send(kube::Client::try_from(config)));
    });
    match tokio::time::timeout(LOGIN_TIMEOUT, client).await {
        Ok(Ok(client)) => client.map_err(|error| not_logged_in(&error)),
        _ => Err(Nowhere {
            denied: true,
            text: format!(
                "the kubeconfig's exec plugin did not end within {} s",
                LOGIN_TIMEOUT.as_secs()
            ),
            hint: PLUGIN_HINT.to_owned(),
        }),
    }
}

async fn read(options: &Options) -> Result<Config, Nowhere> {
    let choice = KubeConfigOptions {
        context: options.context.clone(),
        ..KubeConfigOptions::default()
    };
    let kubeconfig = match &options.kubeconfig {
        Some(paths) => merged(paths),
        None => match Kubeconfig::read() {
            // Without a kubeconfig we may be in a pod, whose service account is as good.
            Err(KubeconfigError::ReadConfig(error, _))
                if error.kind() == std::io::ErrorKind::NotFound =>
            {
                return Config::incluster().map_err(|_| nowhere_to_look());
            }
            Err(KubeconfigError::FindPath) => {
                return Config::incluster().map_err(|_| nowhere_to_look());
            }
            other => other,
        },
    };
    let mut kubeconfig = kubeconfig.map_err(|error| unreadable(&error))?;
    kubeconfig.clusters.iter_mut().for_each(with_scheme);
    let has_proxy = kubeconfig
        .clusters
        .iter()
        .flat_map(|it| &it.cluster)
        .any(|it| it.proxy_url.is_some());
    let known: Vec<String> = kubeconfig
        .contexts
        .iter()
        .map(|context| format!("`{}`", context.name))
        .collect();
    let config = Config::from_custom_kubeconfig(kubeconfig, &choice).await;
    let config = config.map_err(|error| wrong_context(&error, &known))?;
    if !is_address(&config.cluster_url) {
        return Err(Nowhere {
            denied: false,
            text: format!(
                "the kubeconfig's server `{}` is no address",
                config.cluster_url
            ),
            hint: "set `server` of the kubeconfig's cluster to `https://HOST:PORT`".to_owned(),
        });
    }
    Ok(if has_proxy {
        config
    } else {
        through_proxy(config)
    })
}

/// A port that is no number goes unnoticed until somebody connects.
fn is_address(server: &http::Uri) -> bool {
    let Some(authority) = server.authority().filter(|it| !it.host().is_empty()) else {
        return false;
    };
    let after = authority.as_str().strip_prefix(authority.host());
    let port = after.is_some_and(|after| after.is_empty() || authority.port_u16().is_some());
    port && matches!(server.scheme_str(), Some("http" | "https"))
}

/// kube compares `NO_PROXY` with the proxy's own address, and takes no proxy without a scheme.
fn through_proxy(mut config: Config) -> Config {
    let is_meant = Matcher::from_env().intercept(&config.cluster_url).is_some();
    let with_scheme = |uri: http::Uri| match uri.scheme() {
        Some(_) => Some(uri),
        None => format!("http://{}", uri.authority()?).parse().ok(),
    };
    config.proxy_url = config.proxy_url.filter(|_| is_meant).and_then(with_scheme);
    config
}

/// `kubectl` takes `HOST:PORT` as well.
fn with_scheme(cluster: &mut NamedCluster) {
    if let Some(server) = cluster
        .cluster
        .as_mut()
        .and_then(|cluster| cluster.server.as_mut())
        && !server.contains("://")
    {
        *server = format!("https://{server}");
    }
}

fn merged(paths: &str) -> Result<Kubeconfig, KubeconfigError> {
    let files: Vec<PathBuf> = std::env::split_paths(paths)
        .filter(|path| !path.as_os_str().is_empty())
        .collect();
    files.iter().try_fold(Kubeconfig::default(), |all, path| {
        all.merge(Kubeconfig::read_from(path)?)
    })
}

fn nowhere_to_look() -> Nowhere {
    Nowhere {
        denied: false,
        text: "there is no kubeconfig, and this is no pod".to_owned(),
        hint: "pass `--kubeconfig`, or set `KUBECONFIG`".to_owned(),
    }
}

fn unreadable(error: &KubeconfigError) -> Nowhere {
    let text = match error {
        KubeconfigError::ReadConfig(error, path) => {
            format!(
                "could not read the kubeconfig `{}`: {error}",
                path.display()
            )
        }
        error => format!("could not read the kubeconfig: {error}"),
    };
    Nowhere {
        denied: false,
        text,
        hint: "pass a readable kubeconfig as `--kubeconfig`".to_owned(),
    }
}

fn wrong_context(error: &KubeconfigError, known: &[String]) -> Nowhere {
    let has = if known.is_empty() {
        "it has none".to_owned()
    } else {
        format!("it has {}", known.join(", "))
    };
    let text = match error {
        KubeconfigError::LoadContext(name) => {
            format!("the kubeconfig has no context `{name}`: {has}")
        }
        KubeconfigError::CurrentContextNotSet => {
            format!("the kubeconfig has no current context: {has}")
        }
        error => format!("the kubeconfig is of no use: {error}"),
    };
    Nowhere {
        denied: false,
        text,
        hint: "pass the name of a context as `--context`".to_owned(),
    }
}

fn not_logged_in(error: &kube::Error) -> Nowhere {
    match error {
        kube::Error::Auth(error) => Nowhere {
            denied: true,
            text: format!("could not log in as the kubeconfig says: {}", plugin(error)),
            hint: PLUGIN_HINT.to_owned(),
        },
        error => Nowhere {
            denied: false,
            text: format!("the kubeconfig is of no use: {error}"),
            hint: "check its certificates and addresses".to_owned(),
        },
    }
}

/// What the plugin printed may hold a token on standard output; its standard error is for people.
fn plugin(error: &kube::client::AuthError) -> String {
    match error {
        kube::client::AuthError::AuthExecRun { cmd, out } => {
            let said = String::from_utf8_lossy(&out.stderr);
            format!("`{cmd}` failed ({}): {}", out.status, said.trim())
        }
        error => error.to_string(),
    }
}
