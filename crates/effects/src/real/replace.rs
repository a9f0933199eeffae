//! Replaces a file atomically.

use std::{
    fs, io,
    io::Write as _,
    os::unix::fs::{MetadataExt as _, fchown},
    path::{Path, PathBuf},
};

/// Replaces a file's content in one rename; its mode stays, and its owner where that is allowed.
pub(super) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let temporary = TemporaryFile::next_to(path)?;
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).open(&temporary.0)?;
    file.write_all(content)?;
    if let Ok(metadata) = fs::metadata(path) {
        file.set_permissions(metadata.permissions())?;
        // Only root may change the owner. In a container root writes files of the user who owns
        // the checkout, and they must stay that user's.
        let _ = fchown(&file, Some(metadata.uid()), Some(metadata.gid()));
    }
    file.sync_all()?;
    fs::rename(&temporary.0, path)
}

/// A file next to the one to be replaced, so that the rename stays within one file system; it is
/// removed unless it was renamed.
struct TemporaryFile(PathBuf);

impl TemporaryFile {
    fn next_to(path: &Path) -> io::Result<Self> {
        let name = path
            .file_name()
            .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        let mut suffix = [0; 8];
        getrandom::fill(&mut suffix).map_err(io::Error::other)?;
        let suffix = u64::from_le_bytes(suffix);
        let name = format!(".{}.{suffix:016x}", name.to_string_lossy());
        Ok(Self(path.with_file_name(name)))
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
