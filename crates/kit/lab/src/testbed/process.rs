//! The processes of a world: each is written down where the reaper finds it, and logs to a file.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

/// Ends worlds: see its first lines.
const REAPER: &str = include_str!("reaper.sh");

/// How much of each log a failure shows.
const TAIL: usize = 15;

/// A process, by its id and, since ids are used again, by the time at which it started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ServerProcess {
    pub(super) name: String,
    pub(super) id: u32,
    start: u64,
}

impl ServerProcess {
    /// Starts a program in its own group, so that Ctrl-C in a terminal ends the test and not the
    /// world.
    pub(super) fn start(world: &Path, name: &str, command: &mut Command) -> Self {
        let log = log(world, name);
        let mut child = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file in a temporary folder"))
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("could not start {name}: {error}"));
        let process = Self::record(world, name, child.id());
        // A thread waits for its end; otherwise it would stay as a zombie.
        thread::spawn(move || child.wait());
        process
    }

    /// Writes a process down, to be ended with the world.
    pub(super) fn record(world: &Path, name: &str, id: u32) -> Self {
        let process = Self {
            name: name.to_owned(),
            id,
            start: start_of(id).unwrap_or_default(),
        };
        let mut list = OpenOptions::new()
            .create(true)
            .append(true)
            .open(world.join("processes"));
        let list = list.as_mut().expect("a file in the world's folder");
        writeln!(list, "{name} {id} {}", process.start).expect("a file in the world's folder");
        process
    }

    /// Returns the processes that were written down, the ended ones too.
    pub(super) fn recorded(world: &Path) -> Vec<Self> {
        let list = fs::read_to_string(world.join("processes")).unwrap_or_default();
        list.lines().filter_map(Self::parse).collect()
    }

    /// Returns whether it still runs.
    pub(super) fn is_alive(&self) -> bool {
        start_of(self.id) == Some(self.start)
    }

    /// Kills it, and returns once it is gone.
    pub(super) fn kill(&self) {
        if self.is_alive() {
            signal("KILL", self.id);
        }
        crate::wait::until(&format!("the end of {}", self.name), || !self.is_alive());
    }

    /// Returns its resident memory in KiB.
    pub(super) fn memory_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id)).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
            .unwrap_or_default()
    }

    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let (name, id, start) = (words.next()?, words.next()?, words.next()?);
        Some(Self {
            name: name.to_owned(),
            id: id.parse().ok()?,
            start: start.parse().ok()?,
        })
    }
}

/// Starts the reaper of a world, which ends the world after `seconds` without a user.
pub(super) fn start_reaper(world: &Path, seconds: u64) {
    let mut reaper = Command::new("sh");
    reaper
        .args(["-c", REAPER, "reaper", "watch"])
        .arg(world)
        .arg(seconds.to_string());
    let log = log(world, "reaper");
    reaper
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log);
    let mut reaper = reaper.spawn().expect("`sh` on PATH");
    thread::spawn(move || reaper.wait());
}

/// Ends a world and removes its folder; does nothing if there is none.
pub(super) fn end(world: &Path) {
    if world.exists() {
        let mut reaper = Command::new("sh");
        reaper
            .args(["-c", REAPER, "reaper", "end"])
            .arg(world)
            .stdin(Stdio::null());
        reaper.status().expect("`sh` on PATH");
    }
}

/// Returns the last lines of every log of a world.
pub(super) fn logs(world: &Path) -> String {
    let Ok(files) = fs::read_dir(world.join("logs")) else {
        return String::new();
    };
    let mut files: Vec<PathBuf> = files.flatten().map(|file| file.path()).collect();
    files.sort();
    files
        .iter()
        .map(|file| format!("--- {}\n{}\n", file.display(), tail(file)))
        .collect()
}

fn tail(file: &Path) -> String {
    let text = String::from_utf8_lossy(&fs::read(file).unwrap_or_default()).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL)..].join("\n")
}

fn log(world: &Path, name: &str) -> File {
    let folder = world.join("logs");
    fs::create_dir_all(&folder).expect("a folder in the world's folder");
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(folder.join(format!("{name}.log")));
    file.expect("a file in the world's folder")
}

/// Returns when a process started, in ticks since the boot, unless it has ended.
fn start_of(id: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name, in parentheses, may hold spaces.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    if fields.next()? == "Z" {
        None
    } else {
        fields.nth(18)?.parse().ok()
    }
}

/// Sends a signal through the `kill` program: the call itself would be unsafe code.
fn signal(name: &str, id: u32) {
    let mut kill = Command::new("kill");
    drop(
        kill.args(["-s", name, "--", &id.to_string()])
            .stderr(Stdio::null())
            .status(),
    );
}
