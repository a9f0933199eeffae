//! Which file to check: the flags, checked.

use std::path::PathBuf;

use contract::Failure;

use crate::Args;

/// Which file to check.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) file: PathBuf,
}

impl Request {
    /// Checks the flags.
    ///
    /// # Errors
    /// `usage` when the path is absolute.
    pub(crate) fn new(args: Args) -> Result<Self, Failure> {
        if args.file.is_absolute() {
            let path = args.file.display();
            let error = anyhow::anyhow!("`--file {path}` is an absolute path");
            return Err(Failure::usage(error).hinted("pass a path below the working directory"));
        }
        Ok(Self { file: args.file })
    }
}
