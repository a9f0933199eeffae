//! A small file system, for tests of a full disk.

use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A file system of 64 KiB in memory, unmounted when it is dropped.
#[derive(Debug)]
pub struct SmallDisk(TempDir);

impl SmallDisk {
    /// Mounts one that has room for a folder and little else; `None` if this user may not mount.
    ///
    /// # Panics
    ///
    /// If there is no room for a temporary folder.
    #[must_use]
    pub fn almost_full() -> Option<Self> {
        let folder = tempfile::Builder::new()
            .prefix("lab-disk-")
            .tempdir()
            .expect("a temporary folder");
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", "size=64k", "none"])
            .arg(folder.path())
            .stderr(Stdio::null());
        mount
            .status()
            .is_ok_and(|status| status.success())
            .then_some(())?;
        let disk = Self(folder);
        std::fs::write(disk.path().join("filler"), vec![0; 60 * 1024])
            .expect("room for the filler");
        Some(disk)
    }

    /// Fills the rest of it.
    ///
    /// # Panics
    ///
    /// If it was full already.
    pub fn fill(&self) {
        let mut rest = std::fs::File::create(self.path().join("rest")).expect("room for a name");
        while std::io::Write::write(&mut rest, &[0; 1024]).is_ok() {}
    }

    /// Makes it read-only, as a disk after an error.
    ///
    /// # Panics
    ///
    /// If it cannot be remounted.
    pub fn protect(&self) {
        let status = Command::new("mount")
            .args(["-o", "remount,ro"])
            .arg(self.path())
            .status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "a disk that this test has mounted"
        );
    }

    /// Returns its folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Returns the names of the files that a program left on it.
    ///
    /// # Panics
    ///
    /// If it cannot be read.
    #[must_use]
    pub fn left(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.path()).expect("a temporary folder");
        let names = entries.map(|entry| {
            entry
                .expect("its entries")
                .file_name()
                .to_string_lossy()
                .into_owned()
        });
        names
            .filter(|name| !["filler", "rest"].contains(&name.as_str()))
            .collect()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg(self.path()).status());
    }
}
