//! The objects of a repository, from one git process: tests read thousands of them.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use super::GitRemote;
use super::git::command;

/// A reader of objects.
#[derive(Debug)]
pub(crate) struct ObjectReader {
    git: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

/// An object.
#[derive(Debug)]
pub(crate) struct GitObject {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) bytes: Vec<u8>,
}

impl GitRemote {
    /// Starts a reader of the objects, including those that are added later.
    pub(crate) fn objects(&self) -> ObjectReader {
        let mut command = command(&self.path(), &["cat-file", "--batch"]);
        command.stdin(Stdio::piped()).stderr(Stdio::null());
        let mut git = command.spawn().expect("`git` on PATH");
        let output = git.stdout.take().expect("stdout is piped");
        ObjectReader {
            input: git.stdin.take(),
            output: BufReader::new(output),
            git,
        }
    }
}

impl ObjectReader {
    /// Returns the object that an expression names, as `git rev-parse` reads it.
    pub(crate) fn read(&mut self, expression: &str) -> Option<GitObject> {
        let input = self.input.as_mut().expect("it is open until it is dropped");
        writeln!(input, "{expression}").expect("git reads");
        let mut header = String::new();
        self.output.read_line(&mut header).expect("git answers");
        // `NAME missing` or `NAME ambiguous`, else `ID KIND SIZE`.
        let mut words = header.split_whitespace();
        let (id, kind, size) = (words.next()?, words.next()?, words.next()?);
        let mut bytes = vec![0; size.parse::<usize>().ok()? + 1];
        self.output
            .read_exact(&mut bytes)
            .expect("git sends what it announced");
        bytes.pop();
        Some(GitObject {
            id: id.to_owned(),
            kind: kind.to_owned(),
            bytes,
        })
    }
}

impl Drop for ObjectReader {
    fn drop(&mut self) {
        drop(self.input.take());
        drop(self.git.wait());
    }
}
