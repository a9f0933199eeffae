//! The command that runs a step again on a laptop.

use std::ffi::OsString;

/// Returns the command: quoted for a shell, without the flags that only concern this run, secrets
/// as variables.
pub(crate) fn reproduce(step: &str, arguments: &[OsString], secrets: &[&str]) -> String {
    let secrets = secrets.iter().map(|name| format!("{name}=\"${name}\""));
    let mut words: Vec<String> = secrets.collect();
    words.push(step.to_owned());
    let mut rest = arguments.iter().skip(1);
    while let Some(argument) = rest.next() {
        let argument = argument.to_string_lossy();
        match argument.as_ref() {
            "--format" | "--record" => drop(rest.next()),
            joined if joined.starts_with("--format=") || joined.starts_with("--record=") => {}
            _ => words.push(quote(&argument)),
        }
    }
    words.join(" ")
}

/// Quotes a word for a POSIX shell.
fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_quoted_and_shows_no_secret() {
        let arguments = [
            "/bin/check-image",
            "--image",
            "a b",
            "--format",
            "json",
            "--record=x",
            "--platform=linux/amd64",
        ];
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        assert_eq!(
            reproduce("check-image", &arguments, &["RUNBOOK_REGISTRY_PASSWORD"]),
            "RUNBOOK_REGISTRY_PASSWORD=\"$RUNBOOK_REGISTRY_PASSWORD\" \
             check-image --image 'a b' --platform=linux/amd64"
        );
    }

    #[test]
    fn a_quote_survives_the_shell() {
        assert_eq!(quote("it's"), r"'it'\''s'");
        assert_eq!(quote(""), "''");
    }
}
