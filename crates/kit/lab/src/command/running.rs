//! A program while it runs.

use std::io::{ErrorKind, Read, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::HermeticCommand;
use super::run::ProgramRun;
use crate::lock::lock;
use crate::wait;

/// A started program.
///
/// Dropping this before the program has ended kills it, and every program that it started.
#[must_use = "wait for it"]
#[derive(Debug)]
pub struct Running {
    child: Child,
    command: HermeticCommand,
    started: Instant,
    status: Option<(ExitStatus, Duration)>,
    max_rss_kib: Option<u64>,
    stdout: OutputReader,
    stderr: OutputReader,
}

impl Running {
    /// Starts the command as the leader of a process group of its own.
    pub(super) fn start(command: &HermeticCommand) -> Self {
        let started = Instant::now();
        let mut child = command
            .prepared()
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("could not start {:?}: {error}", command.program));
        feed(&mut child, command.stdin.clone());
        let stdout = OutputReader::read(child.stdout.take().expect("stdout is piped"));
        let stderr = OutputReader::read(child.stderr.take().expect("stderr is piped"));
        let command = command.clone();
        Self {
            child,
            command,
            started,
            status: None,
            max_rss_kib: None,
            stdout,
            stderr,
        }
    }

    /// Returns the process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends SIGINT, as Ctrl-C and a cancelled workflow do.
    pub fn interrupt(&mut self) {
        self.signal("INT");
    }

    /// Sends SIGTERM.
    pub fn terminate(&mut self) {
        self.signal("TERM");
    }

    /// Sends SIGKILL: no clean-up of any kind.
    pub fn kill(&mut self) {
        self.signal("KILL");
    }

    /// Returns its standard output so far.
    #[must_use]
    pub fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// Returns its standard error so far.
    #[must_use]
    pub fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Returns once it has written `text` to its standard output or error.
    ///
    /// # Panics
    ///
    /// If it ends, or exceeds its time limit, without having written that.
    pub fn wait_for(&mut self, text: &str) {
        loop {
            // The order matters: the last words of a program count.
            let ended = !self.is_running();
            let (stdout, stderr) = (self.stdout(), self.stderr());
            if stdout.contains(text) || stderr.contains(text) {
                return;
            }
            assert!(
                !ended && !self.is_late(),
                "it never said `{text}`\n{stdout}{stderr}"
            );
            thread::sleep(wait::PAUSE);
        }
    }

    /// Returns whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.look();
        self.status.is_none()
    }

    /// Waits for its end.
    ///
    /// # Panics
    ///
    /// If it does not end within the time limit, or if a program that it started keeps its output
    /// open.
    pub fn wait(mut self) -> ProgramRun {
        while self.is_running() {
            if self.is_late() {
                self.kill_group();
                panic!(
                    "still running after {:?}\n{}\n{}",
                    self.command.limit,
                    self.stdout(),
                    self.stderr()
                );
            }
            thread::sleep(self.pause());
        }
        for stream in [&self.stdout, &self.stderr] {
            wait::until("the end of its output", || stream.is_at_end());
        }
        self.report()
    }

    fn report(&self) -> ProgramRun {
        let (status, elapsed) = self.status.expect("it has ended");
        let code = status
            .code()
            .or_else(|| status.signal().map(|signal| 128 + signal));
        ProgramRun {
            code: code.expect("an end is a code or a signal"),
            stdout: self.stdout(),
            stderr: self.stderr(),
            elapsed,
            max_rss_kib: self.max_rss_kib,
        }
    }

    /// Measures the memory, then checks whether it has ended.
    fn look(&mut self) {
        if self.status.is_some() {
            return;
        }
        self.max_rss_kib = peak_kib(self.child.id()).or(self.max_rss_kib);
        let status = self.child.try_wait().expect("a child of this process");
        self.status = status.map(|status| (status, self.started.elapsed()));
    }

    fn is_late(&self) -> bool {
        self.started.elapsed() > self.command.limit
    }

    /// Polls a program that has just started more often than one that has been running for a while.
    fn pause(&self) -> Duration {
        let is_new = self.started.elapsed() < Duration::from_millis(100);
        Duration::from_millis(if is_new { 1 } else { 4 })
    }

    fn signal(&mut self, name: &str) {
        if self.is_running() {
            send(name, &self.child.id().to_string());
        }
    }

    fn kill_group(&mut self) {
        send("KILL", &format!("-{}", self.child.id()));
        drop(self.child.wait());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.is_running() {
            self.kill_group();
        }
    }
}

/// Sends a signal through the `kill` program: the call itself would be unsafe code.
fn send(signal: &str, target: &str) {
    let mut kill = std::process::Command::new("kill");
    drop(
        kill.args(["-s", signal, "--", target])
            .stderr(std::process::Stdio::null())
            .status(),
    );
}

/// Returns the peak of a process's memory, unless the process has ended.
fn peak_kib(id: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

/// Writes the input from a thread of its own: a program need not read it.
fn feed(child: &mut Child, bytes: Vec<u8>) {
    let mut stdin = child.stdin.take().expect("stdin is piped");
    thread::spawn(move || match stdin.write_all(&bytes) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            panic!("could not write its input: {error}")
        }
        _ => {}
    });
}

/// One output of a program, read as the program writes it.
#[derive(Debug)]
struct OutputReader {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl OutputReader {
    fn read(mut source: impl Read + Send + 'static) -> Self {
        let bytes = Arc::<Mutex<Vec<u8>>>::default();
        let sink = Arc::clone(&bytes);
        let reader = thread::spawn(move || {
            let mut chunk = [0; 16 * 1024];
            while let Ok(size @ 1..) = source.read(&mut chunk) {
                lock(&sink).extend_from_slice(&chunk[..size]);
            }
        });
        Self { bytes, reader }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&lock(&self.bytes)).into_owned()
    }

    fn is_at_end(&self) -> bool {
        self.reader.is_finished()
    }
}
