//! The folder of a recording.

use std::{
    fs::{DirBuilder, File},
    io::{self, Write as _},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, openat, renameat, unlinkat};

/// The folder of a recording, which only its owner can read.
///
/// Recordings are made in folders that others may have prepared, such as a checkout: neither the
/// folder nor its files are reached through a link.
#[derive(Debug)]
pub struct RecordingFolder(File);

impl RecordingFolder {
    /// Opens a folder, or makes it with the mode 0700.
    ///
    /// # Errors
    /// `NotADirectory` when the path is a link or a file, and the error of the operating system.
    pub fn open(path: &Path) -> io::Result<Self> {
        // A slash at the end would follow a link.
        let path: PathBuf = path.components().collect();
        match DirBuilder::new().recursive(true).mode(0o700).create(&path) {
            // A link that leads nowhere.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(io::ErrorKind::NotADirectory.into());
            }
            made => made?,
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folder = openat(CWD, &path, flags, Mode::empty());
        folder
            .map(|folder| Self(folder.into()))
            .map_err(|error| match error {
                rustix::io::Errno::LOOP => io::ErrorKind::NotADirectory.into(),
                error => error.into(),
            })
    }

    /// Writes a file that only its owner can read. A file or link of that name is replaced, never
    /// written to.
    ///
    /// # Errors
    /// The error of the operating system.
    pub fn write(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let mut suffix = [0; 8];
        getrandom::fill(&mut suffix).map_err(io::Error::other)?;
        let temporary = format!(".{name}.{:016x}", u64::from_le_bytes(suffix));
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let file = openat(&self.0, &temporary, flags, Mode::RUSR | Mode::WUSR)?;
        let written = File::from(file).write_all(content);
        let renamed = written.and_then(|()| Ok(renameat(&self.0, &temporary, &self.0, name)?));
        if renamed.is_err() {
            let _ = unlinkat(&self.0, &temporary, AtFlags::empty());
        }
        renamed
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        os::unix::fs::{PermissionsExt as _, symlink},
    };

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn only_its_owner_reads_a_recording() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/recording");
        let recording = RecordingFolder::open(&path).unwrap();
        recording.write("tape", b"one").unwrap();
        recording.write("tape", b"two").unwrap();
        assert_eq!(fs::read(path.join("tape")).unwrap(), b"two");
        assert_eq!((mode(&path), mode(&path.join("tape"))), (0o700, 0o600));
        assert_eq!(fs::read_dir(&path).unwrap().count(), 1);
    }

    #[test]
    fn a_recording_is_not_written_through_links() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| -> PathBuf { folder.path().join(name) };
        fs::write(path("victim"), "precious").unwrap();
        fs::create_dir(path("recording")).unwrap();
        symlink(path("victim"), path("recording/tape")).unwrap();
        let recording = RecordingFolder::open(&path("recording")).unwrap();
        recording.write("tape", b"new").unwrap();
        assert_eq!(fs::read(path("victim")).unwrap(), b"precious");
        assert_eq!(fs::read(path("recording/tape")).unwrap(), b"new");
        symlink(path("recording"), path("link")).unwrap();
        symlink(path("nowhere"), path("loose")).unwrap();
        for name in ["link", "link/", "link/.", "loose", "loose/", "victim"] {
            let error = RecordingFolder::open(&path(name)).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::NotADirectory, "{name}");
        }
    }
}
