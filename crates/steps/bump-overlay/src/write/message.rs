//! The message of the commit: one line for people, trailers for programs.

use std::str::FromStr;

use branch::Trailers;
use contract::{Commit, Reference};

/// The parts of a message, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageTemplate(Vec<TemplatePart>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum TemplatePart {
    Text(String),
    Image,
    Overlays,
    Source,
}

/// Why a text is not a template of a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTemplate {
    /// A word in braces without a meaning.
    #[error("`{{{0}}}` is unknown: a message knows `{{image}}`, `{{overlays}}` and `{{source}}`")]
    Unknown(String),
    /// The text is blank.
    #[error("the message is empty")]
    Empty,
}

impl FromStr for MessageTemplate {
    type Err = InvalidTemplate;

    fn from_str(text: &str) -> Result<Self, InvalidTemplate> {
        if text.trim().is_empty() {
            return Err(InvalidTemplate::Empty);
        }
        let mut parts = Vec::new();
        let mut rest = text.trim();
        while let Some((before, word, after)) = placeholder(rest) {
            parts.push(TemplatePart::Text(before.to_owned()));
            parts.push(match word {
                "image" => TemplatePart::Image,
                "overlays" => TemplatePart::Overlays,
                "source" => TemplatePart::Source,
                _ => return Err(InvalidTemplate::Unknown(word.to_owned())),
            });
            rest = after;
        }
        parts.push(TemplatePart::Text(rest.to_owned()));
        Ok(Self(parts))
    }
}

impl Default for MessageTemplate {
    fn default() -> Self {
        let text = |text: &str| TemplatePart::Text(text.to_owned());
        Self(vec![
            text("deploy("),
            TemplatePart::Overlays,
            text("): "),
            TemplatePart::Image,
        ])
    }
}

/// Returns the next `{word}` with what is around it; other braces are text.
fn placeholder(text: &str) -> Option<(&str, &str, &str)> {
    text.match_indices('{').find_map(|(open, _)| {
        let (word, after) = text[open + 1..].split_once('}')?;
        let is_word = !word.is_empty()
            && word
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
        is_word.then_some((&text[..open], word, after))
    })
}

/// A message that still lacks the overlays.
#[derive(Debug)]
pub(crate) struct CommitMessage {
    template: MessageTemplate,
    trailers: Trailers,
}

impl CommitMessage {
    /// Combines the template with everything that the flags say.
    ///
    /// # Errors
    /// When the template names the source, which the flags do not.
    pub(crate) fn new(
        template: MessageTemplate,
        trailers: Trailers,
    ) -> Result<Self, anyhow::Error> {
        if trailers.source.is_none() && template.0.contains(&TemplatePart::Source) {
            anyhow::bail!("the message names `{{source}}`, but there is no `--source-commit`");
        }
        Ok(Self { template, trailers })
    }

    /// Returns the whole message, with trailers and a final line break.
    pub(crate) fn text(&self, environments: &[&str]) -> String {
        let body: String = self
            .template
            .0
            .iter()
            .map(|part| self.fill(part, environments))
            .collect();
        self.trailers.after(&body)
    }

    fn fill(&self, part: &TemplatePart, environments: &[&str]) -> String {
        match part {
            TemplatePart::Text(text) => text.clone(),
            TemplatePart::Image => self
                .trailers
                .images
                .iter()
                .map(subject)
                .collect::<Vec<_>>()
                .join(", "),
            TemplatePart::Overlays => environments.join(","),
            TemplatePart::Source => self
                .trailers
                .source
                .as_ref()
                .map(Commit::to_string)
                .unwrap_or_default(),
        }
    }
}

/// Returns an image for one line: with its tag, or with a short digest when it has no tag.
fn subject(image: &Reference) -> String {
    match (image.tag(), image.digest()) {
        (Some(tag), _) => format!("{}:{tag}", image.familiar()),
        (None, Some(digest)) => format!("{}@{}", image.familiar(), digest.short()),
        (None, None) => image.familiar().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(template: &str, source: bool) -> String {
        let template = if template.is_empty() {
            MessageTemplate::default()
        } else {
            template.parse().unwrap()
        };
        let image = format!("ghcr.io/acme/app:v2@sha256:{}", "a".repeat(64))
            .parse()
            .unwrap();
        let source = source.then(|| "b".repeat(40).parse().unwrap());
        let run = Some("https://github.com/acme/app/actions/runs/7".to_owned());
        let trailers = Trailers {
            source,
            images: vec![image],
            run,
            ..Trailers::default()
        };
        CommitMessage::new(template, trailers)
            .unwrap()
            .text(&["stage", "prod"])
    }

    #[test]
    fn the_default_names_environments_and_image() {
        insta::assert_snapshot!(message("", true), @"
        deploy(stage,prod): ghcr.io/acme/app:v2

        Runbook-Source: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
        Runbook-Image: ghcr.io/acme/app:v2@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
        Runbook-Run: https://github.com/acme/app/actions/runs/7
        ");
    }

    #[test]
    fn trailers_join_the_existing_trailers() {
        let text = message(
            "chore: {image} {x y}\n\nwhy\n\nSigned-off-by: A <a@example.com>\n",
            false,
        );
        insta::assert_snapshot!(text, @"
        chore: ghcr.io/acme/app:v2 {x y}

        why

        Signed-off-by: A <a@example.com>
        Runbook-Image: ghcr.io/acme/app:v2@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
        Runbook-Run: https://github.com/acme/app/actions/runs/7
        ");
    }

    #[test]
    fn given_trailers_are_quoted() {
        let given = format!(
            "{{image}}\n\nRunbook-Source: {}\nRunbook-Rollback-Of: a:v1",
            "f".repeat(40)
        );
        insta::assert_snapshot!(message(&given, true), @"
        ghcr.io/acme/app:v2

        > Runbook-Source : ffffffffffffffffffffffffffffffffffffffff
        > Runbook-Rollback-Of : a:v1

        Runbook-Source: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
        Runbook-Image: ghcr.io/acme/app:v2@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
        Runbook-Run: https://github.com/acme/app/actions/runs/7
        ");
    }

    #[test]
    fn a_title_with_a_colon_is_not_a_trailer() {
        assert!(message("chore: {source}", true).contains("bbb\n\nRunbook-Source"));
    }

    #[test]
    fn an_unknown_word_and_a_blank_text_are_invalid() {
        assert_eq!(
            "a {tag}".parse::<MessageTemplate>(),
            Err(InvalidTemplate::Unknown("tag".to_owned()))
        );
        assert_eq!(
            " \n".parse::<MessageTemplate>(),
            Err(InvalidTemplate::Empty)
        );
    }

    #[test]
    fn the_default_does_not_skip_ci() {
        assert!(!message("", true).contains("skip"));
    }
}
