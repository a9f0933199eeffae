//! Runs a program.

use std::{
    io,
    process::Stdio,
    sync::{Mutex, MutexGuard, PoisonError, TryLockError},
};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    process::{Child, ChildStdin, Command},
};

use super::environment;
use crate::{Output, Spawn};

/// Runs a program to its end, or kills it, and all programs that it started, at one of its limits
/// and when the caller stops waiting.
pub(super) async fn run(spawn: Spawn) -> io::Result<Output> {
    let mut child = command(&spawn).spawn()?;
    // Declared after the child, so that it is dropped first: until the child is reaped, no other
    // group can have its number.
    let mut group = ProcessGroup::of(&child);
    let finished = tokio::time::timeout(spawn.limit, finish(&mut child, &spawn)).await;
    let Ok(output) = finished else {
        let seconds = spawn.limit.as_secs();
        return Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("it did not end within {seconds} s"),
        ));
    };
    let output = output?;
    group.leave();
    Ok(output)
}

/// Kills every program that runs, and all that it started. A panic ends the process without
/// dropping anything.
pub fn kill_all() {
    // The lock is held for a moment only; a panic in that moment must not wait for itself.
    let running = match RUNNING.try_lock() {
        Ok(running) => running,
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(TryLockError::WouldBlock) => return,
    };
    for group in running.iter() {
        let _ = kill_process_group(*group, Signal::KILL);
    }
}

async fn finish(child: &mut Child, spawn: &Spawn) -> io::Result<Output> {
    let feeding = feed(child.stdin.take(), &spawn.input);
    let stdout = read(child.stdout.take(), spawn.output_limit);
    let stderr = read(child.stderr.take(), spawn.output_limit);
    let ((), stdout, stderr) = tokio::try_join!(feeding, stdout, stderr)?;
    let status = child.wait().await?;
    Ok(Output {
        code: status.code(),
        stdout,
        stderr,
    })
}

async fn feed(pipe: Option<ChildStdin>, input: &[u8]) -> io::Result<()> {
    if let Some(mut pipe) = pipe {
        // A program that does not read its input closes the pipe: its exit code says enough.
        let _ = pipe.write_all(input).await;
    }
    Ok(())
}

/// Reads all that a program writes, up to a limit.
async fn read(pipe: Option<impl AsyncRead + Unpin>, limit: usize) -> io::Result<Vec<u8>> {
    let mut output = Vec::new();
    if let Some(pipe) = pipe {
        // One byte more than allowed tells an output of exactly the limit from a larger one.
        let mut pipe = pipe.take(limit as u64 + 1);
        pipe.read_to_end(&mut output).await?;
    }
    if output.len() > limit {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it wrote more than {limit} bytes"),
        ));
    }
    Ok(output)
}

fn command(spawn: &Spawn) -> Command {
    let mut command = Command::new(&spawn.program);
    command
        .args(&spawn.arguments)
        .env_clear()
        .envs(environment::inherited(spawn, std::env::vars_os()))
        .envs(&spawn.environment)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    if let Some(directory) = &spawn.directory {
        command.current_dir(directory);
    }
    command
}

/// The process groups that run.
static RUNNING: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

fn running() -> MutexGuard<'static, Vec<Pid>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A program and all programs that it started; killed when this is dropped.
struct ProcessGroup(Option<Pid>);

impl ProcessGroup {
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        let group = id.and_then(Pid::from_raw);
        running().extend(group);
        Self(group)
    }

    /// Lets the group live on: its program has ended.
    fn leave(&mut self) -> Option<Pid> {
        let group = self.0.take()?;
        running().retain(|other| *other != group);
        Some(group)
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        if let Some(group) = self.leave() {
            // It fails when all of them have ended.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{path::Path, rc::Rc, time::Duration};

    use super::*;
    use crate::{Effects as _, Real};

    async fn run_sh(script: &str, limit: Duration) -> io::Result<Output> {
        let mut spawn = Spawn::new("sh").args(["-c", script]);
        spawn.limit = limit;
        spawn.output_limit = 1000;
        Rc::new(Real::default()).spawn(spawn).await
    }

    /// Starts a program that starts another one, which writes its process id into the file.
    fn script(file: &Path) -> String {
        format!("sh -c 'echo $$ > {}; sleep 600' & wait", file.display())
    }

    /// Returns whether the program whose process id is in the file is gone within a second.
    fn is_gone(file: &Path) -> bool {
        let id = std::fs::read_to_string(file).unwrap();
        let id = Pid::from_raw(id.trim().parse().unwrap()).unwrap();
        (0..100).any(|_| {
            std::thread::sleep(Duration::from_millis(10));
            let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
            let is_zombie = stat.contains(") Z ");
            is_zombie || rustix::process::test_kill_process(id).is_err()
        })
    }

    #[tokio::test]
    async fn a_program_that_does_not_end_is_killed() {
        let error = run_sh("sleep 600", Duration::from_millis(100)).await;
        assert_eq!(error.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn the_limit_ends_what_a_program_started() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("id");
        let error = run_sh(&script(&file), Duration::from_millis(500)).await;
        assert_eq!(error.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!(is_gone(&file));
    }

    #[tokio::test]
    async fn an_abandoned_program_ends_with_all_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("id");
        let script = script(&file);
        let run = run_sh(&script, Duration::from_secs(60));
        assert!(
            tokio::time::timeout(Duration::from_millis(500), run)
                .await
                .is_err()
        );
        assert!(is_gone(&file));
    }

    #[tokio::test]
    async fn an_endless_output_is_refused() {
        for stream in ["", " >&2"] {
            let script = format!("yes{stream}");
            let error = run_sh(&script, Duration::from_secs(60)).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::FileTooLarge, "{error}");
        }
        let output = run_sh("printf %1000s x; cat", Duration::from_secs(60)).await;
        assert_eq!(output.unwrap().stdout.len(), 1000);
    }
}
