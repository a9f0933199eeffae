//! Runs a program.

use std::{io, process::Stdio};

use tokio::{io::AsyncWriteExt as _, process::Command};

use crate::{Output, Spawn};

/// Runs a program to its end, or kills it at its limit.
pub(super) async fn run(spawn: Spawn) -> io::Result<Output> {
    let mut child = command(&spawn).spawn()?;
    let input = child.stdin.take();
    let feed = async {
        if let Some(mut input) = input {
            // A program that does not read its input closes the pipe: its exit code says enough.
            let _ = input.write_all(&spawn.input).await;
        }
    };
    let finish = async { tokio::join!(feed, child.wait_with_output()).1 };
    let Ok(output) = tokio::time::timeout(spawn.limit, finish).await else {
        let seconds = spawn.limit.as_secs();
        return Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("it did not end within {seconds} s"),
        ));
    };
    let output = output?;
    Ok(Output {
        code: output.status.code(),
        stdout: output.stdout,
        stderr: output.stderr,
    })
}

fn command(spawn: &Spawn) -> Command {
    let mut command = Command::new(&spawn.program);
    command
        .args(&spawn.arguments)
        .envs(&spawn.environment)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    for name in &spawn.without {
        command.env_remove(name);
    }
    if let Some(directory) = &spawn.directory {
        command.current_dir(directory);
    }
    command
}
