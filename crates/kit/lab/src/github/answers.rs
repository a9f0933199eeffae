//! Routes a request to the script of the test, to git, to REST or to GraphQL.

use serde_json::json;

use super::hub::{Hub, When};
use super::token::GitHubToken;
use super::{graphql, rest};
use crate::faulty::{ScriptedReply, SeenRequest};
use crate::registry::basic;

impl Hub {
    /// Answers with a number of the request, as GitHub does.
    pub(super) fn answer(&mut self, seen: &SeenRequest) -> ScriptedReply {
        self.answer_by_script(seen)
            .header("X-GitHub-Request-Id", "1A2B:3C4D")
    }

    fn answer_by_script(&mut self, seen: &SeenRequest) -> ScriptedReply {
        let changes = graphql::is_change(seen);
        match self.script.front() {
            Some(When::Instead(_)) => {}
            Some(_) if changes => {}
            _ => return self.execute(seen),
        }
        match self.script.pop_front() {
            Some(When::AfterChange(reply)) => {
                drop(self.execute(seen));
                reply
            }
            Some(When::Instead(reply) | When::InsteadOfChange(reply)) => reply,
            Some(When::NotThisChange) | None => self.execute(seen),
        }
    }

    fn execute(&self, seen: &SeenRequest) -> ScriptedReply {
        if !seen.path.starts_with("/api/") {
            return self.forward_to_git(seen);
        }
        let shown = seen
            .header("authorization")
            .and_then(|value| value.strip_prefix("Bearer "));
        let Some(token) = self
            .tokens
            .iter()
            .find(|token| Some(token.text.as_str()) == shown)
        else {
            let url = "https://docs.github.com/rest";
            let body =
                json!({ "message": "Bad credentials", "documentation_url": url, "status": "401" });
            return ScriptedReply::json(401, &body);
        };
        match seen.path.strip_prefix("/api/v3") {
            Some(path) => rest::answer(self, token, seen, path),
            None => graphql::answer(self, token, seen),
        }
    }

    /// Accepts git with the token as its password.
    fn forward_to_git(&self, seen: &SeenRequest) -> ScriptedReply {
        let shown = seen.header("authorization");
        let known =
            |token: &&GitHubToken| Some(basic("x-access-token", &token.text)).as_deref() == shown;
        let needs = if seen.path.contains("git-receive-pack") {
            "contents: write"
        } else {
            "contents: read"
        };
        match self.tokens.iter().find(known) {
            None => ScriptedReply::text(401, "who are you?\n")
                .header("WWW-Authenticate", "Basic realm=\"GitHub\""),
            Some(token) if token.may(needs) => ScriptedReply::forward(self.git.address()),
            Some(_) => ScriptedReply::text(403, "Write access to repository not granted.\n"),
        }
    }
}
