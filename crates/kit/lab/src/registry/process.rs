//! The registry's process: its settings, its start, its logs, its end.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::access::RegistryAccess;
use super::token::TokenServer;
use crate::tls::Authority;
use crate::wait;

/// The way out when `docker-registry` is not installed.
const MISSING: &str = "there is no `docker-registry` on PATH: install Debian's package \
                       `docker-registry`, or run the tests with `cargo xtask test`, which says what is missing";

/// A running `docker-registry`; dropping this ends it.
#[derive(Debug)]
pub(super) struct RegistryProcess {
    pub(super) address: String,
    child: Child,
    folder: TempDir,
}

impl RegistryProcess {
    pub(super) fn start(
        access: &RegistryAccess,
        authority: Option<&Authority>,
        tokens: Option<&TokenServer>,
    ) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("lab-registry-")
            .tempdir()
            .expect("a temporary folder");
        let mut config = config(folder.path());
        if let Some(authority) = authority {
            config["http"]["tls"] = tls(authority, folder.path());
        }
        match (access, tokens) {
            (RegistryAccess::Password(user, password), _) => {
                config["auth"]["htpasswd"] = passwords(user, password, folder.path());
            }
            (_, Some(tokens)) => {
                let bundle = write(folder.path(), "tokens.pem", tokens.certificate_pem());
                config["auth"]["token"] = tokens.settings(&bundle);
            }
            _ => {}
        }
        write(folder.path(), "config.json", config.to_string());
        let child = spawn(folder.path());
        let mut process = Self {
            address: String::new(),
            child,
            folder,
        };
        process.address = wait::found("docker-registry to listen", || process.listening());
        process
    }

    /// Returns the log, with the access log after it.
    pub(super) fn log(&self) -> String {
        self.read("log") + &self.read("access.log")
    }

    /// Returns `METHOD PATH STATUS` of each line of the access log.
    pub(super) fn request_lines(&self) -> Vec<String> {
        self.read("access.log")
            .lines()
            .filter_map(request_line)
            .collect()
    }

    /// Returns the address it listens on, once it does: port 0 became another one.
    fn listening(&mut self) -> Option<String> {
        let log = self.read("log");
        if let Some(status) = self.child.try_wait().expect("a child of this process") {
            panic!("docker-registry ended with {status}\n{log}");
        }
        let address = log.split_once("listening on ")?.1;
        let end = address
            .find(|letter: char| letter != '.' && letter != ':' && !letter.is_ascii_digit())?;
        Some(address[..end].to_owned())
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.folder.path().join(file)).unwrap_or_default()
    }
}

impl Drop for RegistryProcess {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn spawn(folder: &Path) -> Child {
    let file = |name| File::create(folder.join(name)).expect("a file in the temporary folder");
    let child = Command::new("docker-registry")
        .args(["serve", "config.json"])
        .current_dir(folder)
        .env("OTEL_TRACES_EXPORTER", "none")
        .stdin(Stdio::null())
        .stdout(file("access.log"))
        .stderr(file("log"))
        .spawn();
    child.unwrap_or_else(|error| match error.kind() {
        ErrorKind::NotFound => panic!("{MISSING}"),
        _ => panic!("could not start docker-registry: {error}"),
    })
}

/// Returns the settings; JSON is YAML.
fn config(folder: &Path) -> serde_json::Value {
    serde_json::json!({
        "version": 0.1,
        "log": { "level": "info", "formatter": "text" },
        "storage": {
            "filesystem": { "rootdirectory": folder.join("storage") },
            "delete": { "enabled": true },
        },
        "http": { "addr": "127.0.0.1:0", "secret": "of no importance" },
        "compatibility": { "schema1": { "enabled": true } },
    })
}

/// Writes certificate and key, and returns the settings that name them.
fn tls(authority: &Authority, folder: &Path) -> serde_json::Value {
    let certificate = write(folder, "leaf.pem", &authority.leaf_pem);
    let key = write(folder, "leaf.key", &authority.key_pem);
    serde_json::json!({ "certificate": certificate, "key": key })
}

/// Writes the password file, and returns the settings that name it.
fn passwords(user: &str, password: &str, folder: &Path) -> serde_json::Value {
    let file = write(folder, "htpasswd", htpasswd(user, password));
    serde_json::json!({ "realm": "lab", "path": file })
}

/// Returns a line of a password file, by the program that makes these.
fn htpasswd(user: &str, password: &str) -> Vec<u8> {
    let output = Command::new("htpasswd")
        .args(["-nbB", "-C", "4", user, password])
        .output();
    let output = output.expect("`htpasswd` on PATH: install Debian's package `apache2-utils`");
    assert!(
        output.status.success(),
        "htpasswd: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

/// Writes a file and returns its path.
fn write(folder: &Path, name: &str, text: impl AsRef<[u8]>) -> String {
    let path = folder.join(name);
    fs::write(&path, text).expect("a file in the temporary folder");
    path.to_string_lossy().into_owned()
}

/// Reads a line in the common log format: `… "GET /v2/ HTTP/1.1" 200 2 …`.
fn request_line(line: &str) -> Option<String> {
    let mut parts = line.split('"').skip(1);
    let (request, rest) = (parts.next()?, parts.next()?);
    let mut words = request.split(' ');
    let status = rest.split_whitespace().next()?;
    Some(format!("{} {} {status}", words.next()?, words.next()?))
}
