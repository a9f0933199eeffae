//! Reads the file.

use std::io::ErrorKind;

use contract::{Failure, World};

use crate::request::Request;

/// The largest file to read.
const MAX_SIZE: u64 = 1 << 20;

/// The state of the file.
#[derive(Debug)]
pub(crate) struct Observation {
    /// Its size in bytes; `None` when it does not exist.
    pub(crate) size: Option<u64>,
}

/// Reads the file once.
///
/// # Errors
/// `usage` when the file exists but cannot be read.
pub(crate) fn observe(request: &Request, world: &World) -> Result<Observation, Failure> {
    let size = match world.read(&request.file, MAX_SIZE) {
        Ok(content) => Some(content.len() as u64),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => {
            let path = request.file.display();
            let error = anyhow::Error::new(error).context(format!("could not read `{path}`"));
            return Err(Failure::usage(error).hinted("pass a readable file as `--file`"));
        }
    };
    Ok(Observation { size })
}
