//! The text of a kubeconfig, which no message may show: its tokens and keys are known as secrets
//! only after it was read.

use contract::World;
use kube::config::KubeconfigError;

use crate::connect_error::ConnectError;

/// The longest name of a file on common systems, and the longest path.
const MAX_NAME: usize = 255;
const MAX_PATH: usize = 4096;

/// The base64 of `apiVersion`, with which most kubeconfigs begin.
const ENCODED_START: &str = "YXBpVmVyc2lvb";

/// Makes sure that a setting has the path of a kubeconfig, not the kubeconfig itself, as a variable
/// of a workflow may. Such a text becomes a secret: the command of `reproduce` and a recording
/// contain every flag.
///
/// # Errors
/// When the setting cannot be a path.
pub(crate) fn expect_path(setting: &str, world: &World) -> Result<(), ConnectError> {
    if !is_content(setting) {
        return Ok(());
    }
    // Not `World::hide`: a runner would mask words such as `kind: Config` in the whole job.
    for line in setting.lines().map(str::trim).chain([setting]) {
        world.redactor().add(line);
        // As the shell of `reproduce` quotes it.
        world.redactor().add(&line.replace('\'', r"'\''"));
    }
    Err(ConnectError::settings(
        "`--kubeconfig` has the content of a kubeconfig, not the path of its file",
        "write the content into a file that only its owner can read, and pass the path of the file",
    ))
}

/// Returns whether a setting cannot be paths that are separated as in `PATH`.
fn is_content(setting: &str) -> bool {
    let is_no_path = |path: &str| path.len() > MAX_PATH || path.starts_with(ENCODED_START);
    let text = setting.trim_start();
    let has_lines = setting.trim_end().contains('\n');
    has_lines
        || text.starts_with('{')
        || std::env::split_paths(setting).any(|path| {
            is_no_path(&path.to_string_lossy()) || path.iter().any(|name| name.len() > MAX_NAME)
        })
}

/// Returns a setting that should be a path, for messages: a token or a key that stands there by
/// mistake is not shown.
pub(crate) fn path_text(setting: &str) -> String {
    let is_long = setting.split('/').any(|name| name.len() > MAX_NAME);
    if is_long || setting.contains("-----BEGIN") || setting.starts_with("eyJ") {
        "a text that is no path".to_owned()
    } else {
        format!("`{setting}`")
    }
}

/// Returns what is wrong with a kubeconfig, without a line of it.
pub(crate) fn explain(error: &KubeconfigError) -> String {
    match error {
        KubeconfigError::ReadConfig(error, path) => {
            format!("{}: {error}", path_text(&path.to_string_lossy()))
        }
        // The parser quotes the lines around the error.
        KubeconfigError::Parse(error) => {
            let place = error.location();
            let place = place.map(|at| format!(" at line {}, column {}", at.line(), at.column()));
            format!("it is no kubeconfig{}", place.unwrap_or_default())
        }
        error => without_pem(&error.to_string()),
    }
}

/// Leaves out a certificate or key that stands in the place of a path.
fn without_pem(text: &str) -> String {
    match text.find("-----BEGIN") {
        Some(at) => format!("{}… is no path", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use kube::config::Kubeconfig;

    use super::*;

    const TOKEN: &str = "token-of-the-kubeconfig";

    #[tokio::test]
    async fn the_content_of_a_kubeconfig_is_never_shown() {
        let lines = format!("kind: Config\nusers:\n- user: {{token: '{TOKEN}'}}\n");
        let json = format!("{{\"users\":[{{\"user\":{{\"token\":\"{TOKEN}\"}}}}]}}");
        let base64 = format!("{ENCODED_START}{}", "3d/h".repeat(500));
        let long = "x".repeat(300);
        for content in [&lines, &json, &base64, &long] {
            let world = World::for_tests(Duration::ZERO);
            let error = expect_path(content, &world).unwrap_err();
            assert!(error.text.contains("not the path"), "{error:?}");
            let quoted = format!("--kubeconfig='{}'", content.replace('\'', r"'\''"));
            for text in [content, &quoted] {
                let shown = world.redact(text);
                assert!(!shown.contains(TOKEN) && !shown.contains("3d/h"), "{shown}");
            }
        }
        let world = World::for_tests(Duration::ZERO);
        for path in ["/home/ada/.kube/config", "a.yaml:b.yaml", "x\n"] {
            assert_eq!(expect_path(path, &world), Ok(()));
            assert_eq!(world.redact(path), path);
        }
    }

    #[test]
    fn an_invalid_kubeconfig_is_not_quoted() {
        for text in [
            format!("users:\n- name: u\n  user: {TOKEN}\n"),
            format!("users:\n- name: u\n  user: {{token: {TOKEN}\ncontexts: []\n"),
            format!("users:\n- user:\n    exec: {TOKEN}\n"),
        ] {
            let said = explain(&Kubeconfig::from_yaml(&text).unwrap_err());
            assert!(said.starts_with("it is no kubeconfig"), "{said}");
            assert!(!said.contains(TOKEN), "{said}");
        }
    }

    #[test]
    fn a_key_in_the_place_of_a_path_is_not_shown() {
        let pem = "-----BEGIN PRIVATE KEY-----\nMII";
        for secret in [pem, "eyJhbGciOi.x.y", &"a".repeat(300)] {
            assert_eq!(path_text(secret), "a text that is no path");
        }
        assert_eq!(path_text("/run/token"), "`/run/token`");
        let said = without_pem(&format!("failed to read file '{pem:?}'"));
        assert!(!said.contains("MII"), "{said}");
    }
}
