//! A remote over ssh without a server: a script replaces the ssh program and runs the command on
//! this machine, as the tests of git itself do. git speaks its protocol to git through it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use tempfile::TempDir;

use super::GitRemote;
use crate::command::HermeticCommand;

/// Takes the host and git's command, after any options, and records its arguments.
const SSH: &str = r#"#!/bin/sh
printf '%s\n' "$*" >> "${0%/*}/calls"
while case $1 in -o|-p) true ;; -*) exit 255 ;; *) false ;; esac; do shift 2; done
[ "$1" = git@ssh.example ] || { echo "ssh: Could not resolve hostname $1: Name or service not known" >&2; exit 255; }
shift
exec sh -c "$*"
"#;

/// A way to a repository over ssh.
#[derive(Debug)]
pub struct Ssh {
    folder: TempDir,
    path: String,
}

impl GitRemote {
    /// Serves this repository as the host `ssh.example`.
    #[must_use]
    pub fn ssh(&self) -> Ssh {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let program = folder.path().join("ssh");
        fs::write(&program, SSH).expect("a temporary folder");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755))
            .expect("a file in a temporary folder");
        Ssh {
            folder,
            path: self.path().display().to_string(),
        }
    }
}

impl Ssh {
    /// Returns the address as a URL, and as ssh's users write it.
    #[must_use]
    pub fn addresses(&self) -> [String; 2] {
        [
            format!("ssh://git@ssh.example{}", self.path),
            format!("git@ssh.example:{}", self.path),
        ]
    }

    /// Puts the script before the real ssh on `PATH`.
    pub fn environment(&self, command: HermeticCommand) -> HermeticCommand {
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:{path}", self.folder.path().display()))
    }

    /// Returns the arguments of each call, one line per call.
    #[must_use]
    pub fn calls(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.folder.path().join("calls")).unwrap_or_default();
        calls.lines().map(str::to_owned).collect()
    }
}
