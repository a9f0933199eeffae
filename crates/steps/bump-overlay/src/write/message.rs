//! The message of the commit: one line for people, trailers for programs.

use std::str::FromStr;

use branch::Trailers;
use contract::{Commit, Reference};

/// The parts of a message, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Image,
    Overlays,
    Source,
}

/// Why a text is not a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTemplate {
    /// A word in braces that means nothing.
    #[error("`{{{0}}}` is unknown: a message knows `{{image}}`, `{{overlays}}` and `{{source}}`")]
    Unknown(String),
    /// Nothing to say.
    #[error("the message is empty")]
    Empty,
}

impl FromStr for Template {
    type Err = InvalidTemplate;

    fn from_str(text: &str) -> Result<Self, InvalidTemplate> {
        if text.trim().is_empty() {
            return Err(InvalidTemplate::Empty);
        }
        let mut parts = Vec::new();
        let mut rest = text.trim_end();
        while let Some((before, word, after)) = placeholder(rest) {
            parts.push(Part::Text(before.to_owned()));
            parts.push(match word {
                "image" => Part::Image,
                "overlays" => Part::Overlays,
                "source" => Part::Source,
                _ => return Err(InvalidTemplate::Unknown(word.to_owned())),
            });
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Self(parts))
    }
}

impl Default for Template {
    fn default() -> Self {
        let text = |text: &str| Part::Text(text.to_owned());
        Self(vec![
            text("deploy("),
            Part::Overlays,
            text("): "),
            Part::Image,
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

/// A message of which only the overlays are still open.
#[derive(Debug)]
pub(crate) struct Message {
    template: Template,
    trailers: Trailers,
}

impl Message {
    /// # Errors
    /// When the template names a source that is not known.
    pub(crate) fn new(
        template: Template,
        images: Vec<Reference>,
        source: Option<Commit>,
        run: Option<String>,
    ) -> Result<Self, anyhow::Error> {
        if source.is_none() && template.0.contains(&Part::Source) {
            anyhow::bail!("the message names `{{source}}`, but there is no `--source-commit`");
        }
        Ok(Self {
            template,
            trailers: Trailers {
                source,
                images,
                run,
                ..Trailers::default()
            },
        })
    }

    /// Returns the whole message, trailers and the last line's end included.
    pub(crate) fn text(&self, environments: &[&str]) -> String {
        let body: String = self
            .template
            .0
            .iter()
            .map(|part| self.fill(part, environments))
            .collect();
        self.trailers.after(&body)
    }

    fn fill(&self, part: &Part, environments: &[&str]) -> String {
        match part {
            Part::Text(text) => text.clone(),
            Part::Image => self
                .trailers
                .images
                .iter()
                .map(subject)
                .collect::<Vec<_>>()
                .join(", "),
            Part::Overlays => environments.join(","),
            Part::Source => self
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
            Template::default()
        } else {
            template.parse().unwrap()
        };
        let image = format!("ghcr.io/acme/app:v2@sha256:{}", "a".repeat(64))
            .parse()
            .unwrap();
        let source = source.then(|| "b".repeat(40).parse().unwrap());
        let run = Some("https://github.com/acme/app/actions/runs/7".to_owned());
        Message::new(template, vec![image], source, run)
            .unwrap()
            .text(&["stage", "prod"])
    }

    #[test]
    fn the_default_names_environments_and_image_and_pins_it_in_a_trailer() {
        insta::assert_snapshot!(message("", true), @"
        deploy(stage,prod): ghcr.io/acme/app:v2

        Runbook-Source: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
        Runbook-Image: ghcr.io/acme/app:v2@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
        Runbook-Run: https://github.com/acme/app/actions/runs/7
        ");
    }

    #[test]
    fn trailers_join_those_that_are_there() {
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
    fn a_title_with_a_colon_is_not_a_trailer() {
        assert!(message("chore: {source}", true).contains("bbb\n\nRunbook-Source"));
    }

    #[test]
    fn an_unknown_word_or_nothing_is_no_template() {
        assert_eq!(
            "a {tag}".parse::<Template>(),
            Err(InvalidTemplate::Unknown("tag".to_owned()))
        );
        assert_eq!(" \n".parse::<Template>(), Err(InvalidTemplate::Empty));
    }

    #[test]
    fn nothing_skips_ci() {
        assert!(!message("", true).contains("skip"));
    }
}
