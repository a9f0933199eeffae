//! `cargo xtask testbed`: the real systems of the tests, for people.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a task talks to people"
)]

pub(crate) mod build;
mod people;
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

use crate::{
    install::remove,
    setup,
    testbed::people::{fact, running},
};

/// The programs that a testbed needs.
const NEEDS: [&str; 4] = ["git", "docker-registry", "kustomize", "kube-apiserver"];

/// A task of the testbed.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum TestbedTask {
    /// Start Kubernetes, Argo CD, a registry and a git remote, with apps in three environments
    ///
    /// Missing programs are built first: about 10 minutes, once. Prints the variables to export.
    /// While it runs, tests use it too.
    Up,
    /// End it and remove its data
    Down,
    /// Print the lines to export, for `eval "$(cargo xtask testbed env)"`
    Env,
    /// Show the processes and the state of the apps
    Status,
    /// Run the kubelet, the registry and the git remote in the foreground
    #[command(hide = true)]
    Serve,
}

/// Runs a task of the testbed.
pub(crate) fn run(task: &TestbedTask) -> anyhow::Result<ExitCode> {
    match task {
        TestbedTask::Up => up()?,
        TestbedTask::Down => down()?,
        TestbedTask::Env => print!("{}", exports(&running()?)?),
        TestbedTask::Status => return status(),
        TestbedTask::Serve => serve::serve()?,
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
        bail!("the testbed needs the programs that could not be installed");
    }
    let testbed = match running() {
        Ok(testbed) => testbed,
        Err(_) => start(&cache)?,
    };
    println!("{}", exports(&testbed)?);
    println!("# kubectl get pods -A; argocd app list; git clone \"$TESTBED_GIT\"");
    println!(
        "# Write one of these tags into an overlay and push: {}",
        fact(&testbed, "tags")?
    );
    println!(
        "# kubectl annotate pod NAME testbed/hands-off= stops updates of a pod: then you can patch its status."
    );
    println!(
        "# eval \"$(cargo xtask testbed env)\" in another shell; cargo xtask testbed down ends the testbed."
    );
    Ok(())
}

/// Starts this program again, to outlive this process, and returns once the testbed is complete.
fn start(cache: &Path) -> anyhow::Result<Testbed> {
    let scratch = scratch(cache);
    remove(&scratch)?;
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

/// Returns the folder for the files of `serve`, such as the git remote.
fn scratch(cache: &Path) -> PathBuf {
    PathBuf::from(format!(
        "{}.people",
        Tools::within(cache).folder().display()
    ))
}

fn down() -> anyhow::Result<()> {
    let was_running = Testbed::running().is_some();
    Testbed::end_shared();
    remove(&scratch(&setup::cache()?))?;
    println!(
        "{}",
        if was_running {
            "ended"
        } else {
            "no testbed was running"
        }
    );
    Ok(())
}

/// Returns the `export` lines for a shell.
fn exports(testbed: &Testbed) -> anyhow::Result<String> {
    let (kubernetes, argocd) = (testbed.kubernetes(), testbed.argocd());
    let programs = testbed.program("argocd");
    let programs = programs.parent().context("a program has a folder")?;
    let lines = [
        ("KUBECONFIG", kubernetes.kubeconfig().display().to_string()),
        ("ARGOCD_SERVER", argocd.address().to_owned()),
        ("ARGOCD_AUTH_TOKEN", argocd.admin_token().to_owned()),
        // The command line of Argo CD does not detect that TLS is missing.
        ("ARGOCD_OPTS", "--plaintext".to_owned()),
        ("TESTBED_ARGOCD_URL", argocd.url()),
        (
            "TESTBED_ARGOCD_PASSWORD",
            argocd.admin_password().to_owned(),
        ),
        ("TESTBED_REGISTRY", fact(testbed, "registry")?),
        ("TESTBED_IMAGE", fact(testbed, "image")?),
        ("TESTBED_GIT", fact(testbed, "git")?),
    ];
    let mut text: String = lines
        .iter()
        .map(|(name, value)| format!("export {name}='{value}'\n"))
        .collect();
    text.push_str(&format!("export PATH='{}':\"$PATH\"\n", programs.display()));
    Ok(text)
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
