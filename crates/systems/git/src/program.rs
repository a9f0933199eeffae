//! Running git: the same in every environment, its settings and ours apart.

use std::{ffi::OsString, io, rc::Rc, time::Duration};

use contract::{
    World,
    world::{Effects, Output, Spawn},
};

use crate::{
    address::Address,
    error::GitError,
    folder::{Folder, REMOTE},
};

/// Settings for every call. Hooks of the user's own would see commits that are not theirs; large files go
/// to the disk piece by piece, since nobody looks into them.
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
/// other texts into what it says.
const WITHOUT: [&str; 29] = [
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

/// The git program, told where the remote is and how to log in there.
pub(crate) struct Program {
    /// Settings that may hold secrets, for the variables `GIT_CONFIG_*`.
    pairs: Vec<(String, String)>,
    /// How many such settings the environment brings along; they stay.
    first: usize,
    is_ssh: bool,
}

/// git in one folder, for one exchange.
pub(crate) struct Call<'a> {
    pub(crate) program: &'a Program,
    pub(crate) effects: Rc<dyn Effects>,
    pub(crate) folder: &'a Folder,
    pub(crate) limit: Duration,
}

impl Program {
    pub(crate) fn new(world: &World, address: &Address) -> Self {
        let mut pairs = vec![(format!("remote.{REMOTE}.url"), address.url.clone())];
        pairs.extend(address.login.iter().cloned());
        let first = world
            .var("GIT_CONFIG_COUNT")
            .and_then(|count| count.parse().ok())
            .unwrap_or(0);
        let chosen = ["GIT_SSH_COMMAND", "GIT_SSH"]
            .iter()
            .any(|name| world.var(name).is_some());
        Self {
            pairs,
            first,
            is_ssh: address.is_ssh() && !chosen,
        }
    }

    fn spawn(&self, folder: &Folder, limit: Duration, arguments: &[&str]) -> Spawn {
        let mut git_dir = OsString::from("--git-dir=");
        git_dir.push(folder.path());
        let settings = SETTINGS.iter().flat_map(|setting| ["-c", setting]);
        let mut spawn = Spawn::new("git")
            .inheriting(["GIT_*", "GIT_ASKPASS", "GCM_*", "SSH_*"])
            .args([git_dir])
            .args(settings)
            .args(arguments.iter().copied());
        spawn = spawn.env("LC_ALL", "C").env("GIT_TERMINAL_PROMPT", "0");
        spawn = spawn.env(
            "GIT_CONFIG_COUNT",
            (self.first + self.pairs.len()).to_string(),
        );
        for (at, (key, value)) in (self.first..).zip(&self.pairs) {
            spawn = spawn
                .env(format!("GIT_CONFIG_KEY_{at}"), key)
                .env(format!("GIT_CONFIG_VALUE_{at}"), value);
        }
        spawn.without = WITHOUT.iter().map(OsString::from).collect();
        spawn.limit = limit;
        spawn
    }
}

impl Call<'_> {
    /// Runs git to its end, whatever its exit code.
    pub(crate) async fn run(&self, arguments: &[&str], input: &[u8]) -> Result<Output, GitError> {
        let mut spawn = self.program.spawn(self.folder, self.limit, arguments);
        spawn.input = input.to_vec();
        if self.program.is_ssh && self.setting("core.sshCommand").await.is_none() {
            // ssh would ask on the terminal, past us, and wait.
            spawn = spawn.env("GIT_SSH_COMMAND", "ssh -o BatchMode=yes");
        }
        self.spawn(spawn).await
    }

    /// Runs git, and takes any exit code but 0 for a failure.
    pub(crate) async fn expect(&self, arguments: &[&str], input: &[u8]) -> Result<(), GitError> {
        let output = self.run(arguments, input).await?;
        if output.is_good() {
            Ok(())
        } else {
            Err(GitError::said(&output.stderr))
        }
    }

    /// Runs git and returns what it lists, line by line.
    pub(crate) async fn lines(&self, arguments: &[&str]) -> Result<Vec<String>, GitError> {
        let output = self.run(arguments, &[]).await?;
        match output.is_good() {
            true => Ok(String::from_utf8_lossy(&output.stdout)
                .lines()
                .map(str::to_owned)
                .collect()),
            false => Err(GitError::said(&output.stderr)),
        }
    }

    /// Returns one of the user's settings.
    pub(crate) async fn setting(&self, name: &str) -> Option<String> {
        let spawn = self
            .program
            .spawn(self.folder, self.limit, &["config", "--get", name]);
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
