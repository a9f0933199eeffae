//! Runs git in the same way in every environment, shielded from settings of the user and the
//! caller.

use std::{ffi::OsString, io, rc::Rc, time::Duration};

use contract::{
    World,
    world::{Effects, Output, Spawn},
};

use crate::{
    address::Address,
    bare_repository::{BareRepository, REMOTE},
    error::GitError,
};

/// Settings for every call. The user's hooks must not see these commits, which are not the user's;
/// large files go to the disk in pieces, since no step reads them.
const SETTINGS: [&str; 8] = [
    "core.hooksPath=/dev/null",
    "core.bigFileThreshold=4m",
    "protocol.version=2",
    "gc.auto=0",
    "maintenance.auto=false",
    "core.fsmonitor=false",
    "push.followTags=false",
    "push.gpgSign=false",
];

/// Variables that point git at another repository (`git rev-parse --local-env-vars`), or that mix
/// traces into its output.
const REMOVED_VARIABLES: [&str; 29] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_CONFIG",
    "GIT_CONFIG_PARAMETERS",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_GRAFT_FILE",
    "GIT_QUARANTINE_PATH",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_NO_LAZY_FETCH",
    "GIT_DEFAULT_HASH",
    "GIT_DEFAULT_REF_FORMAT",
    "GIT_CURL_VERBOSE",
    "GIT_TRACE",
    "GIT_TRACE_CURL",
    "GIT_TRACE_PACKET",
    "GIT_TRACE_SETUP",
    "GIT_TRACE_SHALLOW",
    "GIT_TRACE_PERFORMANCE",
    "GIT_TRACE2",
    "GIT_TRACE2_EVENT",
];

/// The git program, with the settings that name the remote and log in there.
pub(crate) struct GitProgram {
    /// Settings that may hold secrets, for the variables `GIT_CONFIG_*`.
    settings: Vec<(String, String)>,
    /// The number of such settings in the environment, which stay.
    inherited: usize,
    /// Whether git runs ssh, and the environment does not say how.
    needs_ssh_command: bool,
}

/// git in one repository, for one exchange.
pub(crate) struct GitCall<'a> {
    pub(crate) program: &'a GitProgram,
    pub(crate) effects: Rc<dyn Effects>,
    pub(crate) repository: &'a BareRepository,
    pub(crate) limit: Duration,
}

impl GitProgram {
    pub(crate) fn new(world: &World, address: &Address) -> Self {
        let mut settings = vec![(format!("remote.{REMOTE}.url"), address.url.clone())];
        settings.extend(address.login.iter().cloned());
        let inherited = world
            .var("GIT_CONFIG_COUNT")
            .and_then(|count| count.parse().ok())
            .unwrap_or(0);
        let has_ssh_command =
            world.var("GIT_SSH_COMMAND").is_some() || world.var("GIT_SSH").is_some();
        Self {
            settings,
            inherited,
            needs_ssh_command: address.is_ssh() && !has_ssh_command,
        }
    }

    fn spawn(&self, repository: &BareRepository, limit: Duration, arguments: &[&str]) -> Spawn {
        let mut git_dir = OsString::from("--git-dir=");
        git_dir.push(repository.path());
        let count = self.inherited + self.settings.len();
        let mut spawn = Spawn::new("git")
            .inheriting(["GIT_*", "GIT_ASKPASS", "GCM_*", "SSH_*"])
            .args([git_dir])
            .args(SETTINGS.iter().flat_map(|setting| ["-c", setting]))
            .args(arguments.iter().copied())
            .env("LC_ALL", "C")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_CONFIG_COUNT", count.to_string());
        for (at, (key, value)) in (self.inherited..).zip(&self.settings) {
            spawn = spawn
                .env(format!("GIT_CONFIG_KEY_{at}"), key)
                .env(format!("GIT_CONFIG_VALUE_{at}"), value);
        }
        spawn.without = REMOVED_VARIABLES.iter().map(OsString::from).collect();
        spawn.limit = limit;
        spawn
    }
}

impl GitCall<'_> {
    /// Runs git to its end and returns its output, with any exit code.
    pub(crate) async fn run(&self, arguments: &[&str], input: &[u8]) -> Result<Output, GitError> {
        let mut spawn = self.program.spawn(self.repository, self.limit, arguments);
        spawn.input = input.to_vec();
        if self.program.needs_ssh_command && self.setting("core.sshCommand").await.is_none() {
            // Otherwise ssh would ask for a password on the terminal, and wait.
            spawn = spawn.env("GIT_SSH_COMMAND", "ssh -o BatchMode=yes");
        }
        self.spawn(spawn).await
    }

    /// Runs git; every exit code except 0 is an error.
    pub(crate) async fn expect(&self, arguments: &[&str], input: &[u8]) -> Result<(), GitError> {
        let output = self.run(arguments, input).await?;
        if output.is_good() {
            Ok(())
        } else {
            Err(GitError::from_stderr(&output.stderr))
        }
    }

    /// Runs git and returns the lines of its output.
    pub(crate) async fn lines(&self, arguments: &[&str]) -> Result<Vec<String>, GitError> {
        let output = self.run(arguments, &[]).await?;
        if !output.is_good() {
            return Err(GitError::from_stderr(&output.stderr));
        }
        let stdout = String::from_utf8_lossy(&output.stdout);
        Ok(stdout.lines().map(str::to_owned).collect())
    }

    /// Returns the value of a setting, the user's own ones included.
    pub(crate) async fn setting(&self, name: &str) -> Option<String> {
        let spawn = self
            .program
            .spawn(self.repository, self.limit, &["config", "--get", name]);
        let output = self.spawn(spawn).await.ok().filter(Output::is_good)?;
        let value = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Some(value).filter(|value| !value.is_empty())
    }

    async fn spawn(&self, spawn: Spawn) -> Result<Output, GitError> {
        tracing::debug!("run {spawn}");
        let limit = spawn.limit;
        Rc::clone(&self.effects)
            .spawn(spawn)
            .await
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => GitError::no_program(),
                io::ErrorKind::TimedOut => GitError::timed_out(limit),
                _ => GitError::other(error),
            })
    }
}
