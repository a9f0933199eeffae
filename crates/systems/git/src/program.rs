//! Runs git in the same way in every environment, shielded from settings of the user and the
//! caller.

use std::{ffi::OsString, io, rc::Rc, time::Duration};

use contract::{
    Redactor, World,
    world::{Effects, Output, Spawn},
};
use url::Url;

use crate::{
    address::Address,
    bare_repository::{BareRepository, REMOTE},
    error::GitError,
    output,
    redirect::{self, RedirectTarget},
    trace::AnswerHead,
};

/// Settings for every call. The user's hooks must not see these commits, which are not the user's;
/// large files go to the disk in pieces, since no step reads them.
const SETTINGS: [&str; 9] = [
    // git would take credentials along to the other server.
    "http.followRedirects=false",
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
    /// Whether git may ask the program in `GIT_ASKPASS` for credentials.
    may_ask: bool,
    /// The address, if it is one of HTTP.
    url: Option<Url>,
}

/// git in one repository, for one exchange.
pub(crate) struct GitCall<'a> {
    pub(crate) program: &'a GitProgram,
    pub(crate) effects: Rc<dyn Effects>,
    pub(crate) repository: &'a BareRepository,
    pub(crate) redactor: &'a Redactor,
    pub(crate) limit: Duration,
}

impl GitProgram {
    pub(crate) fn new(world: &World, address: &Address) -> Self {
        let mut settings = vec![(format!("remote.{REMOTE}.url"), address.url.clone())];
        settings.extend(address.settings.iter().cloned());
        let inherited = world
            .var("GIT_CONFIG_COUNT")
            .and_then(|count| count.parse().ok())
            .unwrap_or(0);
        // The command may have a password in it, as that of `sshpass` does.
        let has_ssh_command =
            world.text_with_secrets("GIT_SSH_COMMAND").is_some() || world.var("GIT_SSH").is_some();
        Self {
            settings,
            inherited,
            needs_ssh_command: address.is_ssh() && !has_ssh_command,
            may_ask: address.may_ask_helpers,
            url: address.url.parse().ok().filter(is_http),
        }
    }

    /// Keeps git from asking the program in `GIT_ASKPASS`, which need not look at the host.
    pub(crate) fn without_askpass(self) -> Self {
        Self {
            may_ask: false,
            ..self
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
        if !self.may_ask {
            spawn = spawn.env("GIT_ASKPASS", "");
        }
        spawn.without = REMOVED_VARIABLES.iter().map(OsString::from).collect();
        spawn.limit = limit;
        spawn
    }
}

impl GitCall<'_> {
    /// Runs git to its end and returns its output, with any exit code; a redirect is an error.
    pub(crate) async fn run(&self, arguments: &[&str], input: &[u8]) -> Result<Output, GitError> {
        let mut spawn = self.program.spawn(self.repository, self.limit, arguments);
        spawn.input = input.to_vec();
        if self.program.needs_ssh_command && self.setting("core.sshCommand").await.is_none() {
            // Otherwise ssh would ask for a password on the terminal, and wait.
            spawn = spawn.env("GIT_SSH_COMMAND", "ssh -o BatchMode=yes");
        }
        let output = self.spawn(spawn).await?;
        if output.is_good() {
            return Ok(output);
        }
        let error = GitError::from_stderr(&output.stderr);
        if error.is_redirect() {
            return Err(error.leading_to(self.redirect_target(arguments).await));
        }
        if error.needs_a_git_server() {
            self.expect_git_server(arguments).await?;
        }
        Ok(output)
    }

    async fn redirect_target(&self, arguments: &[&str]) -> Option<RedirectTarget> {
        let head = self.last_answer(arguments).await?;
        redirect::target(head.location()?, self.program.url.as_ref()?)
    }

    /// Makes sure that a git server answers at the address: a login page, a proxy or a firewall may
    /// answer in its place, and git takes any text for an empty repository.
    pub(crate) async fn expect_git_server(&self, arguments: &[&str]) -> Result<(), GitError> {
        let head = self.last_answer(arguments).await;
        match head.and_then(|head| head.foreign()) {
            Some(foreign) => Err(GitError::not_git(&foreign)),
            None => Ok(()),
        }
    }

    /// Asks again what the server answers, since git's messages do not say it; a push is only
    /// announced.
    async fn last_answer(&self, arguments: &[&str]) -> Option<AnswerHead> {
        self.program.url.as_ref()?;
        let question = match arguments {
            ["push", push @ ..] => [&["push", "--dry-run"], push].concat(),
            _ => vec!["ls-remote", "--quiet", REMOTE, "HEAD"],
        };
        let spawn = self
            .program
            .spawn(self.repository, self.limit, &question)
            .env("GIT_TRACE_CURL", "2")
            .env("GIT_TRACE_CURL_NO_DATA", "1")
            .env("GIT_TRACE_REDACT", "1");
        let output = Rc::clone(&self.effects).spawn(spawn).await.ok()?;
        // The reader cuts it later.
        let trace = self
            .redactor
            .apply(&String::from_utf8_lossy(&output.stderr));
        AnswerHead::last(&trace)
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
        let output = Rc::clone(&self.effects).spawn(spawn).await;
        match output {
            Ok(output) => Ok(output::tidied(output, self.redactor)),
            Err(error) => Err(match error.kind() {
                io::ErrorKind::NotFound => GitError::no_program(),
                io::ErrorKind::TimedOut => GitError::timed_out(limit),
                _ => GitError::other(error),
            }),
        }
    }
}

fn is_http(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
}

#[cfg(test)]
mod tests {
    use lab::{Faulty, GitRemote, ScriptedReply};
    use serde_json::json;

    use super::*;

    /// Returns the spawn that asks a remote for its references.
    fn question(world: &World, url: &str) -> (BareRepository, Spawn) {
        let address = Address::new(world, url).unwrap();
        let repository = BareRepository::new().unwrap();
        let program = GitProgram::new(world, &address);
        let spawn = program.spawn(&repository, Duration::from_secs(60), &["ls-remote", REMOTE]);
        (repository, spawn)
    }

    #[tokio::test]
    async fn a_password_is_on_no_command_line() {
        let (_repository, spawn) = question(
            &World::for_tests(Duration::ZERO),
            "https://ada:lovelace@git.example/a",
        );
        assert!(!spawn.to_string().contains("lovelace"), "{spawn}");
        // git itself puts the address on the command line of its transport.
        let has = |text: &str| spawn.environment.values().any(|value| value == text);
        assert!(has("https://git.example/a"));
        assert!(!spawn.environment.values().any(|value| {
            let value = value.to_string_lossy();
            value.starts_with("https:") && value.contains('@')
        }));
    }

    #[tokio::test]
    async fn a_repository_that_a_server_names_asks_no_askpass() {
        let remote = GitRemote::new();
        remote.commit("main", &[("a", "b", false)], "feat: a");
        let http = remote.http("ada", "lovelace");
        let folder = tempfile::tempdir().unwrap();
        let asked = folder.path().join("asked");
        let program = folder.path().join("askpass");
        let script = format!("#!/bin/sh\necho >> {}\necho lovelace\n", asked.display());
        std::fs::write(&program, script).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(&program, mode).unwrap();
        let world = World::for_tests(Duration::ZERO);
        let address = Address::new(&world, &http.url()).unwrap();
        for (git, expected) in [
            (GitProgram::new(&world, &address).without_askpass(), false),
            (GitProgram::new(&world, &address), true),
        ] {
            let repository = BareRepository::new().unwrap();
            let mut spawn = git.spawn(&repository, Duration::from_secs(60), &["ls-remote", REMOTE]);
            let given = spawn.environment.get(std::ffi::OsStr::new("GIT_ASKPASS"));
            if given.is_none() {
                spawn = spawn.env("GIT_ASKPASS", program.display().to_string());
            }
            let live = |effects: Rc<dyn Effects>| async move { effects.spawn(spawn).await.is_ok() };
            let has_run = world.exchange::<bool, _, _>("git", &json!({}), live).await;
            assert_eq!((has_run.unwrap(), asked.exists()), (true, expected));
        }
    }

    #[tokio::test]
    async fn plain_http_gets_no_credentials_of_netrc() {
        let remote = GitRemote::new();
        remote.commit("main", &[("a", "b", false)], "feat: a");
        let home = tempfile::tempdir().unwrap();
        let lines = ["git.example", "127.0.0.1"]
            .map(|host| format!("machine {host} login ada password lovelace\n"));
        std::fs::write(home.path().join(".netrc"), lines.concat()).unwrap();
        let world = World::for_tests(Duration::ZERO);
        // The server is the proxy of the other host, and so sees what is sent there.
        let http = remote.http("ada", "lovelace");
        let proxied = "http://git.example/remote.git".to_owned();
        for (url, expected) in [(proxied, false), (http.url(), true)] {
            http.forget_requests();
            let (_repository, spawn) = question(&world, &url);
            let spawn = spawn
                .env("HOME", home.path().display().to_string())
                .env("http_proxy", format!("http://{}", http.address()));
            let live = |effects: Rc<dyn Effects>| async move {
                let output = effects.spawn(spawn).await;
                output.is_ok_and(|output| output.is_good())
            };
            let is_good = world
                .exchange::<bool, _, _>("git", &json!({}), live)
                .await
                .unwrap();
            assert!(is_good == expected && http.requests() > 0, "{url}");
        }
    }

    #[tokio::test]
    async fn a_proxy_sees_nothing_of_what_stays_here() {
        let proxy = Faulty::new([ScriptedReply::text(502, "no")]);
        let remote = GitRemote::new();
        remote.commit("main", &[("a", "b", false)], "feat: a");
        let http = remote.http("ada", "lovelace");
        let url = http.url().replace("://", "://ada:lovelace@");
        let by_name = url.replace("127.0.0.1", "git.localhost");
        let world = World::for_tests(Duration::ZERO);
        for url in [url, by_name] {
            let (_repository, mut spawn) = question(&world, &url);
            for name in ["http_proxy", "https_proxy", "ALL_PROXY"] {
                spawn = spawn.env(name, proxy.url());
            }
            let live = |effects: Rc<dyn Effects>| async move {
                let output = effects.spawn(spawn).await;
                output.is_ok_and(|output| output.is_good())
            };
            assert!(
                world
                    .exchange::<bool, _, _>("git", &json!({}), live)
                    .await
                    .unwrap(),
                "{url}"
            );
        }
        assert_eq!((proxy.seen().len(), http.requests() > 1), (0, true));
    }
}
