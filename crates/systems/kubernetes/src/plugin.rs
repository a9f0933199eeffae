//! Runs the exec plugin of a kubeconfig.
//!
//! kube can do this as well, but gives the plugin every variable of this process, does not limit
//! its output, and keeps the token to itself.

use std::{collections::BTreeMap, ffi::OsString, io, rc::Rc, time::Duration};

use contract::{
    World,
    world::{Effects, Spawn},
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::config::{ExecConfig, Kubeconfig};
use serde::Deserialize;
use serde_json::json;

use crate::connect_error::ConnectError;

/// How long an exec plugin may run.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(30);

/// The largest output of a plugin: a token, or a certificate and its key.
const MAX_OUTPUT: usize = 1 << 20;

/// The most characters of its messages that are shown.
const MAX_MESSAGE: usize = 1000;

const PLUGIN_HINT: &str =
    "run the kubeconfig's exec plugin by hand, and complete the login that it asks for";

/// The credentials that a plugin returns.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct PluginCredentials {
    pub(crate) token: Option<String>,
    /// A certificate in PEM.
    pub(crate) client_certificate_data: Option<String>,
    /// Its key in PEM.
    pub(crate) client_key_data: Option<String>,
    /// When the credentials expire.
    pub(crate) expiration_timestamp: Option<Time>,
}

/// Runs a plugin to its end.
pub(crate) async fn run(
    plugin: &ExecConfig,
    effects: &Rc<dyn Effects>,
    world: &World,
) -> Result<PluginCredentials, ConnectError> {
    let Some(command) = &plugin.command else {
        return Err(ConnectError::settings(
            "the kubeconfig is invalid: its exec plugin has no `command`",
            "set `command` of the kubeconfig's exec plugin",
        ));
    };
    let output = Rc::clone(effects).spawn(spawn(plugin, command)).await;
    let output = output.map_err(|error| not_run(plugin, command, &error))?;
    if !output.is_good() {
        let said = String::from_utf8_lossy(&output.stderr);
        let how = match output.code {
            Some(code) => format!("exit code {code}"),
            None => "ended by a signal".to_owned(),
        };
        let said = world.excerpt(&said, MAX_MESSAGE);
        return Err(failed(&format!("`{command}` failed ({how}): {said}")));
    }
    if output.stdout.len() > MAX_OUTPUT {
        return Err(failed(&format!("the output of `{command}` is too large")));
    }
    read(&output.stdout)
        .ok_or_else(|| failed(&format!("`{command}` did not return an ExecCredential")))
}

fn spawn(plugin: &ExecConfig, command: &str) -> Spawn {
    // A plugin may read any variable of its cloud; no list could name them all.
    let mut environment: BTreeMap<OsString, OsString> = std::env::vars_os()
        .filter(|(name, value)| {
            let (name, value) = (name.to_string_lossy(), value.to_string_lossy());
            !is_foreign_secret(&name) && !is_foreign_address(&name, &value)
        })
        .collect();
    // The kubeconfig may pass a secret on purpose.
    let pairs = plugin.env.iter().flatten();
    environment.extend(
        pairs.filter_map(|pair| Some((pair.get("name")?.into(), pair.get("value")?.into()))),
    );
    let cluster = plugin
        .cluster
        .as_ref()
        .filter(|_| plugin.provide_cluster_info);
    let info = json!({
        "apiVersion": plugin.api_version,
        "kind": "ExecCredential",
        "spec": { "interactive": false, "cluster": cluster },
    });
    environment.insert("KUBERNETES_EXEC_INFO".into(), info.to_string().into());
    Spawn {
        environment,
        limit: LOGIN_TIMEOUT,
        ..Spawn::new(command).args(plugin.args.iter().flatten())
    }
}

/// The beginnings of the variables of steps and runners.
const OF_STEPS_AND_RUNNERS: [&str; 3] = ["RUNBOOK_", "ACTIONS_", "GITHUB_"];

/// The beginnings of the variables of systems that have clusters.
const OF_CLUSTERS: [&str; 23] = [
    "AAD_",
    "ALIBABA_",
    "ARM_",
    "AWS_",
    "AZURE_",
    "CIVO_",
    "CLOUDSDK_",
    "DIGITALOCEAN_",
    "EXOSCALE_",
    "GCE_",
    "GCLOUD_",
    "GKE_",
    "GOOGLE_",
    "HCLOUD_",
    "IBMCLOUD_",
    "KUBE",
    "LINODE_",
    "OCI_",
    "OIDC_",
    "OS_",
    "SCW_",
    "TELEPORT_",
    "VAULT_",
];

/// Parts of names that sound like a secret.
const SECRET_PARTS: [&str; 10] = [
    "TOKEN",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "SECRET",
    "CREDENTIAL",
    "APIKEY",
    "AUTH",
    "CONNECTION_STRING",
    "WEBHOOK",
];

/// Whole words that sound like a secret: `PAT` is a personal access token, `PATH` is none.
const SECRET_WORDS: [&str; 8] = ["COOKIE", "DSN", "JWT", "KEY", "KEYS", "PASS", "PAT", "PWD"];

/// The variables that say where a shell is, and was.
const FOLDERS: [&str; 2] = ["PWD", "OLDPWD"];

/// Returns whether a variable may hold a secret of another system than the plugin's: of a step, of
/// the runner, or any other that no cloud's own variables begin with.
fn is_foreign_secret(name: &str) -> bool {
    let name = name.to_uppercase();
    let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    let mut words = name.split('_');
    let sounds_secret = SECRET_PARTS.iter().any(|part| name.contains(part))
        || (words.any(|word| SECRET_WORDS.contains(&word)) && !FOLDERS.contains(&&*name));
    begins(&["RUNBOOK_", "ACTIONS_"])
        || (sounds_secret && (begins(&OF_STEPS_AND_RUNNERS) || !begins(&OF_CLUSTERS)))
}

/// Returns whether a variable is an address with a password, such as that of a database. A plugin
/// needs a proxy, whose address may have one.
fn is_foreign_address(name: &str, value: &str) -> bool {
    let name = name.to_uppercase();
    let has_password = value.split("://").skip(1).any(|rest| {
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let user = rest[..end].rsplit_once('@').map(|(user, _)| user);
        user.is_some_and(|user| user.contains(':'))
    });
    let is_own = OF_CLUSTERS.iter().any(|prefix| name.starts_with(prefix));
    has_password && !is_own && !name.ends_with("_PROXY")
}

/// Reads what a plugin printed: JSON, or YAML, which `kubectl` accepts as well.
fn read(output: &[u8]) -> Option<PluginCredentials> {
    // kube reads any YAML as a kubeconfig, and keeps the fields that a kubeconfig does not have.
    let document = Kubeconfig::from_yaml(std::str::from_utf8(output).ok()?).ok()?;
    let status = document.other.get("status")?;
    serde_json::from_value(status.clone()).ok()
}

fn not_run(plugin: &ExecConfig, command: &str, error: &io::Error) -> ConnectError {
    if error.kind() == io::ErrorKind::TimedOut {
        let seconds = LOGIN_TIMEOUT.as_secs();
        let text = format!("the kubeconfig's exec plugin did not finish within {seconds} s");
        return ConnectError::login(text, PLUGIN_HINT);
    }
    if error.kind() == io::ErrorKind::NotFound {
        return not_installed(plugin, command);
    }
    failed(&format!("could not run `{command}`: {error}"))
}

/// The kubeconfig may say itself how to install its plugin.
fn not_installed(plugin: &ExecConfig, command: &str) -> ConnectError {
    let text = format!("the kubeconfig's exec plugin `{command}` is not installed on this machine");
    let own = plugin.install_hint.as_deref().map(str::trim);
    let hint = match own.filter(|hint| !hint.is_empty()) {
        Some(hint) => format!("install `{command}` before this step: {hint}"),
        None => format!("install `{command}` before this step, and check that it is in the `PATH`"),
    };
    ConnectError::login(text, hint)
}

fn failed(why: &str) -> ConnectError {
    let text = format!("could not log in as the kubeconfig says: {why}");
    ConnectError::login(text, PLUGIN_HINT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugin_gets_no_secret_of_another_system() {
        for name in [
            "RUNBOOK_GITHUB_TOKEN",
            "RUNBOOK_REGISTRY_PASSWORD",
            "RUNBOOK_IMAGE",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
            "ACTIONS_ID_TOKEN_REQUEST_URL",
            "ACTIONS_RUNTIME_TOKEN",
            "GITHUB_TOKEN",
            "GH_TOKEN",
            "ARGOCD_AUTH_TOKEN",
            "NPM_TOKEN",
            "DOCKER_AUTH_CONFIG",
            "db_password",
            "GH_PAT",
            "MYSQL_PWD",
            "DB_PASS",
            "SENTRY_DSN",
            "SIGNING_KEY",
            "GPG_PASSPHRASE",
            "SLACK_WEBHOOK_URL",
            "QUEUE_CONNECTION_STRING",
        ] {
            assert!(is_foreign_secret(name), "{name}");
        }
    }

    #[test]
    fn a_plugin_gets_no_address_with_a_password_of_another_system() {
        let database = "postgres://ada:lovelace@db.example:5432/app";
        for (name, value, is_foreign) in [
            ("DATABASE_URL", database, true),
            ("MIRRORS", "https://a.example https://u:p@b.example/x", true),
            ("RAILS_QUEUE", "amqp://:p@queue.example", true),
            (
                "HTTPS_PROXY",
                "http://ada:lovelace@proxy.example:3128",
                false,
            ),
            (
                "https_proxy",
                "http://ada:lovelace@proxy.example:3128",
                false,
            ),
            ("VAULT_ADDR", "https://ada:lovelace@vault.example", false),
            ("HOMEPAGE", "https://a.example/x:y@z", false),
            ("REMOTE", "ssh://git@forge.example:22/x", false),
            ("PATH", "/bin:/usr/bin", false),
        ] {
            assert_eq!(is_foreign_address(name, value), is_foreign, "{name}");
        }
    }

    #[test]
    fn a_plugin_keeps_variables_of_its_cloud() {
        for name in [
            "PATH",
            "PWD",
            "OLDPWD",
            "HOME",
            "HTTPS_PROXY",
            "AAD_SERVICE_PRINCIPAL_CLIENT_SECRET",
            "AWS_SESSION_TOKEN",
            "AWS_SECRET_ACCESS_KEY",
            "AZURE_CLIENT_SECRET",
            "GOOGLE_APPLICATION_CREDENTIALS",
            "KUBECONFIG",
            "GITHUB_ACTIONS",
            "GITHUB_WORKSPACE",
        ] {
            assert!(!is_foreign_secret(name), "{name}");
        }
    }

    #[test]
    fn a_credential_may_be_json_or_yaml() {
        let json = br#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential",
            "status":{"token":"t","expirationTimestamp":"2030-01-01T00:00:00Z"}}"#;
        let yaml = b"kind: ExecCredential\nstatus:\n  token: t\n  expirationTimestamp: \"2030-01-01T00:00:00Z\"\n";
        for output in [json.as_slice(), yaml.as_slice()] {
            let found = read(output).unwrap();
            assert_eq!(found.token.as_deref(), Some("t"));
            let expires = found.expiration_timestamp.unwrap();
            assert_eq!(expires.0.as_second(), 1_893_456_000);
        }
        for output in ["", "{}", "Logged in.", "{\"status\": 7}"] {
            assert!(read(output.as_bytes()).is_none(), "{output}");
        }
    }

    #[test]
    fn a_missing_plugin_says_how_to_install_it() {
        let missing = |plugin| {
            let plugin: ExecConfig = serde_json::from_value(plugin).unwrap();
            not_run(&plugin, "kubelogin", &io::ErrorKind::NotFound.into())
        };
        let hinted = missing(json!({ "installHint": " see https://example.org/install " }));
        assert_eq!(
            hinted,
            ConnectError::login(
                "the kubeconfig's exec plugin `kubelogin` is not installed on this machine",
                "install `kubelogin` before this step: see https://example.org/install",
            )
        );
        assert!(format!("{:?}", missing(json!({}))).contains("in the `PATH`"));
    }

    #[test]
    fn the_kubeconfig_may_pass_a_secret() {
        let name = std::env::vars().next().unwrap().0;
        let plugin: ExecConfig = serde_json::from_value(json!({
            "command": "aws",
            "args": ["eks", "get-token"],
            "env": [{ "name": name, "value": "x" }],
        }))
        .unwrap();
        let spawn = spawn(&plugin, "aws");
        assert_eq!(spawn.to_string(), "aws eks get-token");
        assert_eq!(spawn.environment[&OsString::from(&name)], "x");
        let info = spawn.environment[&OsString::from("KUBERNETES_EXEC_INFO")].to_string_lossy();
        assert!(info.contains("\"interactive\":false"), "{info}");
    }
}
