//! The commits that a client makes through the API.

use apollo_compiler::resolvers::FieldError;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use super::error::error;
use super::fields::field;
use super::hub::Hub;
use super::token::GitHubToken;
use crate::repo::TreeChange;

impl Hub {
    /// Commits onto a branch, if its tip and its rules allow that, and returns the commit.
    pub(super) fn create_commit(
        &self,
        token: &GitHubToken,
        input: &Value,
    ) -> Result<String, FieldError> {
        if let Some(race) = self.race.take() {
            race(&self.remote);
        }
        let branch = field(&input["branch"], "branchName");
        self.may_commit(token, &branch, &field(input, "expectedHeadOid"))?;
        let message = &input["message"];
        let message = format!(
            "{}\n\n{}",
            field(message, "headline"),
            field(message, "body")
        );
        let additions = input["fileChanges"]["additions"].as_array();
        let additions = additions
            .into_iter()
            .flatten()
            .map(addition)
            .collect::<Result<Vec<_>, _>>()?;
        let author = format!("{0} <{0}@users.noreply.github.com>", token.login);
        Ok(self
            .remote
            .change_as(&author, &branch, &additions, message.trim_end()))
    }

    fn may_commit(
        &self,
        token: &GitHubToken,
        branch: &str,
        expected: &str,
    ) -> Result<(), FieldError> {
        let Some(tip) = self.tip(branch) else {
            let message = format!("Could not resolve to a Ref with the name '{branch}'.");
            return Err(error("NOT_FOUND", message));
        };
        if tip != expected {
            let message = format!(
                "Expected branch to point to \"{expected}\" but it did not.  Pull and try again."
            );
            return Err(error("STALE_DATA", message));
        }
        match (self.protections.get(branch), &self.declined) {
            (Some(rules), _) if !token.bypasses => Err(rules.violated()),
            (_, Some(lines)) => Err(error("UNPROCESSABLE", lines)),
            _ => Ok(()),
        }
    }
}

fn addition(addition: &Value) -> Result<TreeChange, FieldError> {
    let content = BASE64_STANDARD.decode(field(addition, "contents"));
    let content = content.map_err(|_| error("UNPROCESSABLE", "invalid base64"))?;
    Ok(TreeChange::file(&field(addition, "path"), content))
}
