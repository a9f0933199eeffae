//! The real effects.

use std::{
    fs, io,
    io::{Read as _, Write as _},
    os::unix::fs::{MetadataExt as _, fchown},
    path::{Path, PathBuf},
    process::Stdio,
    rc::Rc,
    time::SystemTime,
};

use serde_json::Value;
use tokio::io::AsyncWriteExt as _;

use super::{
    Effects, FileKind, HttpRequest, HttpResponse, Live, LiveHttp, LocalFuture, Output, Spawn,
    TransportError, transport::Transport,
};
use crate::Vars;

/// Does the effects.
#[derive(Default)]
pub struct Real {
    transport: Rc<Transport>,
}

impl Effects for Real {
    fn http(
        self: Rc<Self>,
        request: HttpRequest,
    ) -> LocalFuture<'static, Result<HttpResponse, TransportError>> {
        let transport = Rc::clone(&self.transport);
        Box::pin(async move { transport.send(request).await })
    }

    fn spawn(self: Rc<Self>, spawn: Spawn) -> LocalFuture<'static, io::Result<Output>> {
        Box::pin(run(spawn))
    }

    fn exchange<'a>(
        self: Rc<Self>,
        _: &'static str,
        _: Value,
        live: Live<'a>,
    ) -> LocalFuture<'a, io::Result<Value>> {
        live(self)
    }

    fn exchange_http<'a>(
        self: Rc<Self>,
        _: &'static str,
        _: Value,
        live: LiveHttp<'a>,
    ) -> LocalFuture<'a, Result<HttpResponse, TransportError>> {
        live()
    }

    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        fs::File::open(path)?
            .take(limit + 1)
            .read_to_end(&mut content)?;
        if content.len() as u64 > limit {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!("larger than {limit} bytes"),
            ));
        }
        Ok(content)
    }

    fn kind(&self, path: &Path) -> io::Result<Option<FileKind>> {
        match fs::symlink_metadata(path) {
            Ok(metadata) => Ok(Some(kind_of(metadata.file_type()))),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn write(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        let temporary = Temporary::beside(path)?;
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&temporary.0)?;
        file.write_all(content)?;
        if let Ok(metadata) = fs::metadata(path) {
            file.set_permissions(metadata.permissions())?;
            // Root in a container must not take the files of whoever owns the checkout; others cannot.
            let _ = fchown(&file, Some(metadata.uid()), Some(metadata.gid()));
        }
        file.sync_all()?;
        fs::rename(&temporary.0, path)
    }

    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn random(&self, bytes: &mut [u8]) {
        // Only jitter and delimiters hang on it: without randomness they are merely predictable.
        let _ = getrandom::fill(bytes);
    }

    fn var(&self, vars: &Vars, name: &str, _secret: bool) -> Option<String> {
        vars.get(name).map(str::to_owned)
    }
}

fn kind_of(file_type: fs::FileType) -> FileKind {
    match file_type {
        kind if kind.is_symlink() => FileKind::Link,
        kind if kind.is_dir() => FileKind::Directory,
        kind if kind.is_file() => FileKind::File,
        _ => FileKind::Other,
    }
}

/// A file beside the one to be replaced, so that the rename stays within one file system; it is
/// removed unless it was renamed.
struct Temporary(PathBuf);

impl Temporary {
    fn beside(path: &Path) -> io::Result<Self> {
        let name = path
            .file_name()
            .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        let mut suffix = [0; 8];
        getrandom::fill(&mut suffix).map_err(io::Error::other)?;
        let name = format!(
            ".{}.{:016x}",
            name.to_string_lossy(),
            u64::from_le_bytes(suffix)
        );
        Ok(Self(path.with_file_name(name)))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

async fn run(spawn: Spawn) -> io::Result<Output> {
    let mut command = tokio::process::Command::new(&spawn.program);
    command
        .args(&spawn.arguments)
        .envs(&spawn.environment)
        .kill_on_drop(true);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    spawn.without.iter().for_each(|name| {
        command.env_remove(name);
    });
    if let Some(directory) = &spawn.directory {
        command.current_dir(directory);
    }
    let mut child = command.spawn()?;
    let input = child.stdin.take();
    let feed = async {
        if let Some(mut input) = input {
            // A program that does not read its input closes the pipe: its exit code says enough.
            let _ = input.write_all(&spawn.input).await;
        }
    };
    let finish = async { tokio::join!(feed, child.wait_with_output()).1 };
    let output = tokio::time::timeout(spawn.limit, finish)
        .await
        .map_err(|_| {
            let seconds = spawn.limit.as_secs();
            io::Error::new(
                io::ErrorKind::TimedOut,
                format!("it did not end within {seconds} s"),
            )
        })??;
    Ok(Output {
        code: output.status.code(),
        stdout: output.stdout,
        stderr: output.stderr,
    })
}
