//! The real effects.

mod environment;
mod program;
mod replace;

pub use program::kill_all as kill_programs;

use std::{fs, io, io::Read as _, path::Path, rc::Rc, time::SystemTime};

use serde_json::Value;

use crate::{
    Effects, FileKind, HttpRequest, HttpResponse, Live, LiveHttp, LocalFuture, Output, Spawn,
    TransportError, Vars, transport::Transport,
};

/// Performs the effects.
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
        Box::pin(program::run(spawn))
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
        let file = fs::File::open(path)?;
        // One byte more than allowed tells a file of exactly the limit from a larger one.
        file.take(limit + 1).read_to_end(&mut content)?;
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
            Ok(metadata) => Ok(Some(metadata.file_type().into())),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn write(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        replace::replace(path, content)
    }

    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn random(&self, bytes: &mut [u8]) {
        // Only jitter depends on it: without randomness it is merely predictable.
        let _ = getrandom::fill(bytes);
    }

    fn var(&self, vars: &Vars, name: &str, _secret: bool) -> Option<String> {
        vars.get(name).map(str::to_owned)
    }
}

fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_write_keeps_mode_and_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        Real::default().write(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o755);
        let missing = folder.path().join("no/such");
        assert!(Real::default().write(&missing, b"x").is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_read_has_a_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "12345").unwrap();
        assert!(Real::default().read(&path, 5).is_ok());
        let error = Real::default().read(&path, 4).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    }
}
