//! The file of a flag such as `--registry-ca-file`.

use std::path::Path;

use contract::{Failure, World};

/// The largest file to read; the bundle of a whole system has some hundred kilobytes.
const MAX_FILE_SIZE: u64 = 1 << 20;

/// Reads the certificate authorities that a flag names, for
/// [`Fetch::trusting`](crate::Fetch::trusting).
///
/// # Errors
/// `usage` when the file cannot be read.
pub fn authorities(
    world: &World,
    file: Option<&Path>,
    flag: &str,
) -> Result<Option<Vec<u8>>, Failure> {
    let Some(file) = file else {
        return Ok(None);
    };
    let content = world.read(file, MAX_FILE_SIZE).map_err(|error| {
        Failure::usage(error)
            .context(format!("could not read `{}`", file.display()))
            .hinted(format!("pass a readable PEM file as `{flag}`"))
    })?;
    Ok(Some(content))
}
