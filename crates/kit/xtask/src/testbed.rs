//! `cargo xtask testbed`: the real systems of the tests, for people.

pub(crate) mod build;
mod serve;

use std::{
    fs::{self, File},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context as _, bail};
use lab::testbed::{Testbed, Tools};

use crate::setup;

/// What `serve` has made for people, in the world's folder.
const PEOPLE: &str = "people.json";

/// What a testbed cannot do without.
const NEEDS: [&str; 4] = ["git", "docker-registry", "kustomize", "kube-apiserver"];

/// What to do with the testbed.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Task {
    /// Start Kubernetes, Argo CD, a registry and a git remote, with apps in three environments
    ///
    /// What is missing is built first: about 10 minutes, once. Prints what to export. Tests use this world
    /// as well, as long as it is there.
    Up,
    /// End it, with all that is in it
    Down,
    /// Print the lines to export, for `eval "$(cargo xtask testbed env)"`
    Env,
    /// Show what runs, and how the apps are
    Status,
    /// Be the world's kubelet, registry and git remote, in the foreground
    #[command(hide = true)]
    Serve,
}

/// Does it.
pub(crate) fn run(task: &Task) -> anyhow::Result<ExitCode> {
    match task {
        Task::Up => up()?,
        Task::Down => down()?,
        Task::Env => print!("{}", exports(&running()?)?),
        Task::Status => return status(),
        Task::Serve => serve::serve()?,
    }
    Ok(ExitCode::SUCCESS)
}

fn up() -> anyhow::Result<()> {
    let cache = setup::cache()?;
    let missing = setup::run_for(&cache, &NEEDS);
    for missing in &missing {
        eprintln!("{missing}");
    }
    if !missing.is_empty() {
        bail!("the testbed needs what could not be set up");
    }
    let testbed = match running() {
        Ok(testbed) => testbed,
        Err(_) => start(&cache)?,
    };
    println!("{}", exports(&testbed)?);
    println!("# kubectl get pods -A; argocd app list; git clone \"$TESTBED_GIT\"");
    println!(
        "# Put one of these builds into an overlay and push: {}",
        known(&testbed, "tags")?
    );
    println!(
        "# kubectl annotate pod NAME testbed/hands-off= leaves a pod to you: its status can be patched then."
    );
    println!(
        "# eval \"$(cargo xtask testbed env)\" in another shell; cargo xtask testbed down ends it."
    );
    Ok(())
}

/// Returns the world, if it is one for people.
fn running() -> anyhow::Result<Testbed> {
    let testbed = Testbed::running().filter(|testbed| testbed.folder().join(PEOPLE).is_file());
    testbed.context("no testbed runs: start one with `cargo xtask testbed up`")
}

/// Starts this program once more, to stay when this one ends, and returns once the world is there.
fn start(cache: &Path) -> anyhow::Result<Testbed> {
    let scratch = scratch(cache);
    setup::remove(&scratch)?;
    fs::create_dir_all(&scratch)?;
    let log_file = scratch.join("serve.log");
    let log = File::create(&log_file)?;
    let mut serve = Command::new(std::env::current_exe()?);
    serve
        .args(["testbed", "serve"])
        .env("TMPDIR", &scratch)
        .env("PATH", setup::search_path(cache)?);
    serve
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    wait(&mut serve.spawn()?, &log_file)
}

fn wait(serve: &mut Child, log: &Path) -> anyhow::Result<Testbed> {
    loop {
        if let Ok(testbed) = running() {
            return Ok(testbed);
        }
        if let Some(status) = serve.try_wait()? {
            bail!(
                "the testbed ended with {status}\n{}",
                fs::read_to_string(log).unwrap_or_default()
            );
        }
        thread::sleep(Duration::from_millis(100));
    }
}

/// The folder for what `serve` keeps in files, the git remote for one.
fn scratch(cache: &Path) -> PathBuf {
    PathBuf::from(format!(
        "{}.people",
        Tools::within(cache).folder().display()
    ))
}

fn down() -> anyhow::Result<()> {
    let was_there = Testbed::running().is_some();
    Testbed::end_shared();
    setup::remove(&scratch(&setup::cache()?))?;
    println!("{}", if was_there { "ended" } else { "no testbed ran" });
    Ok(())
}

/// Returns the lines to export.
fn exports(testbed: &Testbed) -> anyhow::Result<String> {
    let (kubernetes, argocd) = (testbed.kubernetes(), testbed.argocd());
    let programs = testbed.program("argocd");
    let programs = programs.parent().context("a program in a folder")?;
    let lines = [
        ("KUBECONFIG", kubernetes.kubeconfig().display().to_string()),
        ("ARGOCD_SERVER", argocd.address().to_owned()),
        ("ARGOCD_AUTH_TOKEN", argocd.admin_token().to_owned()),
        // Its own command line has to be told that there is no TLS.
        ("ARGOCD_OPTS", "--plaintext".to_owned()),
        ("TESTBED_ARGOCD_URL", argocd.url()),
        (
            "TESTBED_ARGOCD_PASSWORD",
            argocd.admin_password().to_owned(),
        ),
        ("TESTBED_REGISTRY", known(testbed, "registry")?),
        ("TESTBED_IMAGE", known(testbed, "image")?),
        ("TESTBED_GIT", known(testbed, "git")?),
    ];
    let mut text: String = lines
        .iter()
        .map(|(name, value)| format!("export {name}='{value}'\n"))
        .collect();
    text.push_str(&format!("export PATH='{}':\"$PATH\"\n", programs.display()));
    Ok(text)
}

/// Returns something that `serve` has written down.
fn known(testbed: &Testbed, name: &str) -> anyhow::Result<String> {
    let people = fs::read(testbed.folder().join(PEOPLE))?;
    let people: serde_json::Value = serde_json::from_slice(&people)?;
    Ok(match &people[name] {
        serde_json::Value::Array(all) => all
            .iter()
            .filter_map(serde_json::Value::as_str)
            .collect::<Vec<_>>()
            .join(", "),
        value => value
            .as_str()
            .with_context(|| format!("no `{name}` in `{PEOPLE}`"))?
            .to_owned(),
    })
}

fn status() -> anyhow::Result<ExitCode> {
    let Some(testbed) = Testbed::running() else {
        println!("no testbed runs");
        return Ok(ExitCode::FAILURE);
    };
    let processes = testbed.processes();
    for (name, id, memory) in &processes {
        println!("{name:<32} {id:>8} {:>6} MB", memory / 1024);
    }
    let total: u64 = processes.iter().map(|(_, _, memory)| memory).sum();
    println!("{:<32} {:>8} {:>6} MB", "together", "", total / 1024);
    println!("logs: {}", testbed.folder().join("logs").display());
    let apps = testbed
        .kubernetes()
        .list("/apis/argoproj.io/v1alpha1/namespaces/argocd/applications");
    for app in apps {
        let text = |value: &serde_json::Value| value.as_str().unwrap_or("unknown").to_owned();
        let (sync, health) = (
            text(&app["status"]["sync"]["status"]),
            text(&app["status"]["health"]["status"]),
        );
        println!("{:<32} {sync}, {health}", text(&app["metadata"]["name"]));
    }
    Ok(ExitCode::SUCCESS)
}
