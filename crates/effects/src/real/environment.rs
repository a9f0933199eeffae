//! The variables of this process that a program gets.

use std::ffi::OsString;

use crate::Spawn;

/// Variables that every program gets: where things are, how to reach the network, how to speak.
const ALLOWED: [&str; 43] = [
    "ALL_PROXY",
    "all_proxy",
    "CURL_CA_BUNDLE",
    "DBUS_SESSION_BUS_ADDRESS",
    "DISPLAY",
    "DOCKER_CONFIG",
    "FTP_PROXY",
    "ftp_proxy",
    "GNUPGHOME",
    "HOME",
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "KRB5CCNAME",
    "KRB5_CONFIG",
    "LANG",
    "LANGUAGE",
    "LC_*",
    "LD_LIBRARY_PATH",
    "LLVM_PROFILE_FILE",
    "LOCALE_ARCHIVE",
    "LOGNAME",
    "NIX_SSL_CERT_FILE",
    "NO_PROXY",
    "no_proxy",
    "PASSWORD_STORE_DIR",
    "PATH",
    "REGISTRY_AUTH_FILE",
    "REQUESTS_CA_BUNDLE",
    "SHELL",
    "SSH_AUTH_SOCK",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TEMP",
    "TERM",
    "TMP",
    "TMPDIR",
    "TZ",
    "USER",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "XDG_*",
];

/// Parts of names that look like a secret.
const SECRET: [&str; 8] = [
    "TOKEN",
    "PASSWORD",
    "PASSWD",
    "SECRET",
    "CREDENTIAL",
    "API_KEY",
    "APIKEY",
    "PRIVATE_KEY",
];

/// Returns the variables that a program gets. Secrets of this process are none of its business,
/// unless the caller names them.
pub(super) fn inherited(
    spawn: &Spawn,
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> Vec<(OsString, OsString)> {
    let allowed = variables.filter(|(name, _)| {
        let is_allowed = name.to_str().is_some_and(|name| is_allowed(spawn, name));
        is_allowed && !spawn.without.contains(name)
    });
    allowed.collect()
}

fn is_allowed(spawn: &Spawn, name: &str) -> bool {
    let mut patterns = ALLOWED.iter().chain(&spawn.inherits);
    patterns.any(|pattern| match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start) && !is_secret(name),
        None => name == *pattern,
    })
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    SECRET.iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inherited_by(spawn: &Spawn) -> Vec<String> {
        let names = [
            "PATH",
            "LC_ALL",
            "RUNBOOK_GITHUB_TOKEN",
            "RUNBOOK_REGISTRY_PASSWORD",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
            "GITHUB_TOKEN",
            "ARGOCD_AUTH_TOKEN",
            "XDG_SECRET",
            "GIT_SSH_COMMAND",
            "GIT_DIR",
            "GIT_TOKEN",
            "AWS_SECRET_ACCESS_KEY",
            "DATABASE_URL",
        ];
        let variables = names.map(|name| (OsString::from(name), OsString::from("x")));
        let inherited = inherited(spawn, variables.into_iter());
        let names = inherited.into_iter().map(|(name, _)| name.into_string());
        names.map(Result::unwrap).collect()
    }

    #[test]
    fn a_program_gets_no_secret_of_this_process() {
        assert_eq!(inherited_by(&Spawn::new("x")), ["PATH", "LC_ALL"]);
    }

    #[test]
    fn a_program_gets_the_variables_of_its_system() {
        let mut git = Spawn::new("git").inheriting(["GIT_*"]);
        git.without = vec!["GIT_DIR".into()];
        assert_eq!(inherited_by(&git), ["PATH", "LC_ALL", "GIT_SSH_COMMAND"]);
        let helper = Spawn::new("x").inheriting(["AWS_*", "AWS_SECRET_ACCESS_KEY"]);
        assert_eq!(
            inherited_by(&helper),
            ["PATH", "LC_ALL", "AWS_SECRET_ACCESS_KEY"]
        );
    }
}
