//! The account that made something.

use serde::Deserialize;

/// The ending of the login of an app's account.
const BOT: &str = "[bot]";

/// An account in an answer of GraphQL, which shows the login of an app's account without its
/// ending: a person may have the same login.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct AccountNode {
    #[serde(rename = "__typename")]
    kind: String,
    login: String,
}

/// The account of the token.
#[derive(Debug, Deserialize)]
pub(crate) struct Viewer {
    pub(crate) login: String,
}

impl AccountNode {
    /// Returns the login as REST and `viewer` name it: `release-app[bot]`.
    pub(crate) fn login(&self) -> String {
        if self.kind == "Bot" && !self.login.ends_with(BOT) {
            format!("{}{BOT}", self.login)
        } else {
            self.login.clone()
        }
    }

    /// Returns whether this is the account of a login.
    pub(crate) fn is(&self, login: &str) -> bool {
        self.login().eq_ignore_ascii_case(login)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_apps_account_is_no_persons() {
        let account = |kind: &str| AccountNode {
            kind: kind.to_owned(),
            login: "release-app".to_owned(),
        };
        assert!(account("Bot").is("Release-App[bot]") && !account("Bot").is("release-app"));
        assert!(account("User").is("release-app") && !account("User").is("release-app[bot]"));
    }
}
