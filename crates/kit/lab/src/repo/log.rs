//! The history of a branch, read from git.

/// One commit as git shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedCommit {
    /// The full id.
    pub id: String,
    /// The ids of the parents.
    pub parents: Vec<String>,
    /// `Name <mail>`.
    pub author: String,
    /// `Name <mail>`.
    pub committer: String,
    /// The author's date, in seconds since 1970.
    pub date: i64,
    /// The message, whole, as it is stored.
    pub message: String,
}

impl LoggedCommit {
    /// Returns the first line of the message.
    #[must_use]
    pub fn title(&self) -> &str {
        self.message.lines().next().unwrap_or_default()
    }

    /// Returns the value of a trailer, the last of its name.
    #[must_use]
    pub fn trailer(&self, name: &str) -> Option<&str> {
        let lines = self.message.lines().rev();
        lines
            .take_while(|line| !line.is_empty())
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// What `git log -z` is asked to print of each commit.
pub(super) const FORMAT: &str = "--format=tformat:%H%x01%P%x01%an <%ae>%x01%cn <%ce>%x01%at%x01%B";

pub(super) fn read(text: &str) -> Vec<LoggedCommit> {
    text.split('\0')
        .filter(|commit| !commit.is_empty())
        .map(commit)
        .collect()
}

fn commit(text: &str) -> LoggedCommit {
    let parts: Vec<_> = text.splitn(6, '\u{1}').map(str::to_owned).collect();
    let [id, parents, author, committer, date, message] = parts.try_into().expect("six parts");
    let parents = parents.split_whitespace().map(str::to_owned).collect();
    LoggedCommit {
        id,
        parents,
        author,
        committer,
        date: date.parse().expect("a number"),
        message,
    }
}
