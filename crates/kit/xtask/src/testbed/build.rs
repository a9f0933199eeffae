//! Builds the programs of the testbed from `tests/testbed`, into a folder of the cache that is
//! named after its contents.
#![expect(clippy::print_stderr, reason = "a task talks to people")]

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, ensure};
use lab::testbed::{MANIFESTS, Tools};

use crate::{
    install::{apt_get, find_on_path, install_debian, remove, run_quietly},
    repository::root,
};

/// The programs, built by one `go build`: they share most of their packages.
const PACKAGES: [&str; 4] = [
    "github.com/argoproj/argo-cd/v3/cmd",
    "k8s.io/kubernetes/cmd/kube-apiserver",
    "k8s.io/kubernetes/cmd/kube-controller-manager",
    "k8s.io/kubernetes/cmd/kube-scheduler",
];

const ARGOCD: &str = "github.com/argoproj/argo-cd/v3";

/// Builds next to the folder and renames it last, so that an interrupted build never looks
/// complete.
pub(crate) fn build(tools: &Tools, kustomize: &Path) -> anyhow::Result<()> {
    eprintln!("building Kubernetes and Argo CD from their sources: about 10 minutes, once");
    let partial = PathBuf::from(format!("{}.partial", tools.folder().display()));
    remove(&partial)?;
    let programs = partial.join("bin");
    fs::create_dir_all(&programs)?;
    build_with_go(&programs)?;
    copy_manifests(&partial)?;
    fs::copy(kustomize, programs.join("kustomize"))
        .with_context(|| format!("could not copy `{}`", kustomize.display()))?;
    get_etcd(&partial)?;
    get_redis(&programs)?;
    remove(tools.folder())?;
    fs::rename(&partial, tools.folder())?;
    let missing = tools.missing();
    ensure!(
        missing.is_empty(),
        "the build has no {}",
        missing.join(", ")
    );
    Ok(())
}

fn go(arguments: &[&str]) -> Command {
    let mut go = Command::new("go");
    go.args(arguments).current_dir(root().join("tests/testbed"));
    go
}

fn build_with_go(programs: &Path) -> anyhow::Result<()> {
    // Without these the servers call themselves `v0.0.0-master` and `v99.99.99`.
    let kubernetes = format!(
        "-X k8s.io/component-base/version.gitVersion={}",
        version("k8s.io/kubernetes")?
    );
    let argocd = version(ARGOCD)?;
    let argocd = format!(
        "-X {ARGOCD}/common.version={}",
        argocd.trim_start_matches('v')
    );
    let mut build = go(&[
        "build",
        "-trimpath",
        "-ldflags",
        &format!("-s -w {kubernetes} {argocd}"),
        "-o",
    ]);
    run_quietly(build.arg(programs).args(PACKAGES).env("CGO_ENABLED", "0"))?;
    Ok(fs::rename(programs.join("cmd"), programs.join("argocd"))?)
}

/// Returns the version that go.mod names for a module.
fn version(module: &str) -> anyhow::Result<String> {
    let text = fs::read_to_string(root().join("tests/testbed/go.mod"))?;
    let words = text
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    let version = words
        .filter(|words| words.first() == Some(&module))
        .find_map(|words| words.get(1).copied());
    Ok(version
        .with_context(|| format!("`tests/testbed/go.mod` does not require `{module}`"))?
        .to_owned())
}

/// Copies the manifests of Argo CD, and the script that its repo-server runs.
fn copy_manifests(partial: &Path) -> anyhow::Result<()> {
    let output = go(&["list", "-m", "-f", "{{.Dir}}", ARGOCD])
        .output()
        .context("could not run `go`")?;
    let module = PathBuf::from(String::from_utf8(output.stdout)?.trim());
    for folder in MANIFESTS {
        let target = partial.join(folder);
        fs::create_dir_all(&target)?;
        let source = module.join(folder);
        for file in fs::read_dir(&source)
            .with_context(|| format!("could not read `{}`", source.display()))?
        {
            let file = file?;
            fs::write(target.join(file.file_name()), fs::read(file.path())?)?;
        }
    }
    let script = partial.join("bin/git-verify-wrapper.sh");
    fs::write(
        &script,
        fs::read(module.join("hack/git-verify-wrapper.sh"))?,
    )?;
    // Go modules have no executable bits.
    Ok(fs::set_permissions(
        script,
        fs::Permissions::from_mode(0o755),
    )?)
}

/// Unpacks etcd without installing it: the installation would start it, now and at every boot.
fn get_etcd(partial: &Path) -> anyhow::Result<()> {
    let target = partial.join("bin/etcd");
    if let Some(etcd) = find_on_path("etcd") {
        return Ok(symlink(etcd, target)?);
    }
    let folder = partial.join("package");
    fs::create_dir_all(&folder)?;
    let download = || {
        run_quietly(
            Command::new("apt-get")
                .args(["download", "etcd-server"])
                .current_dir(&folder),
        )
    };
    download().or_else(|_| run_quietly(&mut apt_get(&["update"])?).and_then(|()| download()))?;
    let package = fs::read_dir(&folder)?
        .next()
        .context("apt-get downloaded no package")??
        .path();
    run_quietly(
        Command::new("dpkg-deb")
            .arg("--extract")
            .args([&package, &folder]),
    )?;
    fs::rename(folder.join("usr/bin/etcd"), target)?;
    remove(&folder)
}

/// Links redis under its name. The package of the tools contains the server's program, without a
/// service.
fn get_redis(programs: &Path) -> anyhow::Result<()> {
    let find = || find_on_path("redis-server").or_else(|| find_on_path("redis-check-rdb"));
    if find().is_none() {
        install_debian("redis-tools")?;
    }
    let redis = find().context("the installation has no `redis-check-rdb`")?;
    Ok(symlink(redis, programs.join("redis-server"))?)
}
