//! Tokens, and what they allow.

/// The login and the permissions of a client.
#[derive(Clone, Debug)]
pub(super) struct GitHubToken {
    pub(super) login: &'static str,
    pub(super) bypasses: bool,
    pub(super) text: String,
    permissions: Vec<String>,
}

impl GitHubToken {
    pub(super) fn of(login: &'static str, permissions: &[&str]) -> Self {
        let permissions = permissions.iter().map(|line| (*line).to_owned()).collect();
        Self {
            login,
            bypasses: false,
            text: String::new(),
            permissions,
        }
    }

    /// Returns whether the token has a permission; write includes read.
    pub(super) fn may(&self, permission: &str) -> bool {
        let write = permission.replace(": read", ": write");
        self.permissions
            .iter()
            .any(|line| line == permission || *line == write)
    }
}
