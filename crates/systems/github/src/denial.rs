//! What GitHub's refusals of a token mean, and what helps in each case.

use contract::{Failure, asking, without_names};

use crate::permission::TokenPermission;

/// Words of GitHub that a permission of the token does not help against, in lowercase, and what
/// helps.
const CAUSES: [(&[&str], &str); 8] = [
    (
        &["archived", "read-only", "read only"],
        "nothing can be written there until its owner makes the repository writable again",
    ),
    (
        &["saml", "single sign-on"],
        "authorize the token for the single sign-on of the organization",
    ),
    (
        &["ip allow list", "ip address"],
        "run it where the organization allows the address, or let its owner add the address to \
         the list",
    ),
    (
        &["lifetime is greater"],
        "shorten the lifetime of the token at the address in the message, or use the token of an App",
    ),
    (
        &["forbids access via"],
        "use a kind of token that the organization allows, such as that of an App",
    ),
    (
        &["repository access blocked", "takedown"],
        "GitHub has taken down the repository: its owner has to settle that with GitHub",
    ),
    (
        &["suspended", "blocked"],
        "let the owner of the organization lift the suspension of the App or of the account",
    ),
    (
        &["upgrade to github"],
        "this needs another plan of GitHub, or a public repository",
    ),
];

/// Returns the failure of a request that GitHub refuses to this token. `is_saml` is GitHub's own
/// mark of an organization with single sign-on.
pub(crate) fn denied(message: &str, is_saml: bool, permission: TokenPermission) -> Failure {
    let error = anyhow::anyhow!("GitHub does not allow this token to do that: {message}");
    let failure = Failure::denied(asking::PERMISSION_MISSING, error);
    match cause(message, is_saml) {
        Some(hint) => failure.hinted(hint),
        None if message.contains("personal access token") => failure.hinted(format!(
            "give the token this repository and `{}` in its settings; the organization may have to \
             approve it",
            permission.line()
        )),
        None => failure.hinted(format!(
            "give the token `{}`: below `permissions:` of the job, \
             or in the settings of the App or token",
            permission.line()
        )),
    }
}

fn cause(message: &str, is_saml: bool) -> Option<&'static str> {
    let text = if is_saml {
        "saml".to_owned()
    } else {
        without_names(message).to_ascii_lowercase()
    };
    CAUSES
        .iter()
        .find(|(words, _)| words.iter().any(|word| text.contains(word)))
        .map(|(_, hint)| *hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message, GitHub's own mark of a single sign-on, and a part of the hint.
    const SAID: [(&str, bool, &str); 12] = [
        (
            "Resource not accessible by integration",
            false,
            "`contents: write`",
        ),
        (
            "Resource not accessible by personal access token",
            false,
            "`contents: write`",
        ),
        (
            "Repository was archived so is read-only.",
            false,
            "its owner",
        ),
        (
            "Resource protected by organization SAML enforcement.",
            false,
            "sign-on",
        ),
        ("Resource not accessible", true, "sign-on"),
        (
            "Although you appear to have the correct authorization credentials, the `acme` \
             organization has an IP allow list enabled, and your IP address is not permitted",
            false,
            "address",
        ),
        ("This installation has been suspended", false, "suspension"),
        (
            "The 'acme' organization forbids access via a fine-grained personal access tokens if \
             the token's lifetime is greater than 90 days. Please adjust your token's lifetime at \
             the following URL: https://github.com/settings/personal-access-tokens/1",
            false,
            "lifetime",
        ),
        (
            "`acme` forbids access via a personal access token (classic). Please use a GitHub App",
            false,
            "kind of token",
        ),
        ("Repository access blocked", false, "taken down"),
        (
            "Could not resolve to a Repository with the name 'acme/archived-saml'.",
            false,
            "`contents: write`",
        ),
        (
            "Upgrade to GitHub Pro or make this repository public to enable this feature.",
            false,
            "plan",
        ),
    ];

    #[test]
    fn a_hint_fits_the_kind_of_token() {
        let hint = |message: &str| {
            let failure = denied(message, false, TokenPermission::ContentsWrite);
            failure.hints.join(" ")
        };
        let person = hint("Resource not accessible by personal access token");
        assert!(person.contains("approve") && !person.contains("`permissions:`"));
        let integration = hint("Resource not accessible by integration");
        assert!(integration.contains("`permissions:`") && !integration.contains("approve"));
    }

    #[test]
    fn every_cause_has_its_own_hint() {
        let hint = |message: &str, is_saml| {
            let failure = denied(message, is_saml, TokenPermission::ContentsWrite);
            failure.hints.join(" ")
        };
        for (message, is_saml, word) in SAID {
            let hint = hint(message, is_saml);
            assert!(hint.contains(word), "{message}: {hint}");
            assert_eq!(
                hint.contains("contents: write"),
                word.contains("contents"),
                "{hint}"
            );
        }
    }
}
