//! The lines for programs in a commit's message.

mod lines;

use std::fmt;

use contract::{Commit, Reference};

use crate::NamedImage;
pub(crate) use lines::titles;

const SOURCE: &str = "Runbook-Source";
const IMAGE: &str = "Runbook-Image";
const RUN: &str = "Runbook-Run";
const FORCED: &str = "Runbook-Forced";
const ROLLBACK_OF: &str = "Runbook-Rollback-Of";
const RESTORES: &str = "Runbook-Restores";

/// The value of [`FORCED`].
const YES: &str = "yes";

/// The data of a commit about its deployment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trailers {
    /// The source commit of the images.
    pub source: Option<Commit>,
    /// The images, with their digests if known.
    pub images: Vec<Reference>,
    /// Whether the commit was made without the checks for older and rolled-back images.
    pub forced: bool,
    /// The bad images that a rollback removes.
    pub rollback_of: Vec<NamedImage>,
    /// The commits whose values a rollback restores.
    pub restores: Vec<Commit>,
    /// The URL of the workflow run that made the commit.
    pub run: Option<String>,
}

impl Trailers {
    /// Reads every block of them from a whole message, in order; ignores invalid values.
    ///
    /// A squash merge lists the messages of several commits, each with a block of its own, in the
    /// middle of the text. A forge may also change the line breaks, break or indent lines, and add
    /// text.
    pub fn blocks(message: &str) -> Vec<Self> {
        let mut blocks = Vec::new();
        for lines in lines::blocks(message) {
            let mut trailers = Self::default();
            for (key, value) in lines {
                trailers.add(&key, &value);
            }
            if trailers != Self::default() {
                blocks.push(trailers);
            }
        }
        blocks
    }

    /// Returns the message: the given text, and these lines at its end.
    ///
    /// A line of the text that looks like one of these is quoted, so that it does not count. Other
    /// trailers at the end of the text, such as `Signed-off-by`, stay in one paragraph with these:
    /// git knows only the last paragraph.
    pub fn after(&self, text: &str) -> String {
        let inert = lines::inert(text.trim_end());
        if lines::ends_with_trailers(&inert) {
            format!("{inert}\n{self}")
        } else {
            self.below(text)
        }
    }

    /// Returns the message as [`Trailers::after`], with these lines always in a paragraph of their
    /// own.
    pub fn below(&self, text: &str) -> String {
        format!("{}\n\n{self}", lines::inert(text.trim_end()))
    }

    fn add(&mut self, key: &str, value: &str) {
        let is = |name: &str| key.eq_ignore_ascii_case(name);
        if is(SOURCE) {
            self.source = value.parse().ok().or(self.source.take());
        } else if is(IMAGE) {
            self.images.extend(value.parse().ok());
        } else if is(RUN) {
            self.run = Some(value.to_owned());
        } else if is(FORCED) {
            self.forced |= value.eq_ignore_ascii_case(YES);
        } else if is(ROLLBACK_OF) {
            self.rollback_of.extend(NamedImage::of(value));
        } else if is(RESTORES) {
            self.restores.extend(value.parse().ok());
        }
    }
}

impl fmt::Display for Trailers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(commit) = &self.source {
            writeln!(f, "{SOURCE}: {commit}")?;
        }
        for image in &self.images {
            writeln!(f, "{IMAGE}: {image}")?;
        }
        if self.forced {
            writeln!(f, "{FORCED}: {YES}")?;
        }
        for image in &self.rollback_of {
            writeln!(f, "{ROLLBACK_OF}: {image}")?;
        }
        for commit in &self.restores {
            writeln!(f, "{RESTORES}: {commit}")?;
        }
        if let Some(url) = &self.run {
            writeln!(f, "{RUN}: {url}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Trailers {
        Trailers {
            source: Some("a".repeat(40).parse().unwrap()),
            images: vec!["ghcr.io/acme/app:v1".parse().unwrap()],
            forced: true,
            rollback_of: vec![
                NamedImage::of("ghcr.io/acme/app:v2").unwrap(),
                NamedImage::of("ghcr.io/acme/app").unwrap(),
            ],
            restores: vec!["b".repeat(40).parse().unwrap()],
            run: Some("https://github.com/acme/app/actions/runs/7".to_owned()),
        }
    }

    fn message() -> String {
        sample().after("rollback(prod): app v2 -> v1")
    }

    #[test]
    fn written_trailers_are_read_back() {
        assert_eq!(Trailers::blocks(&message()), [sample()]);
    }

    #[test]
    fn a_forges_squash_keeps_the_trailers() {
        let text = message();
        let co_author = "Co-authored-by: A <a@example.com>\n";
        let wrapped = text.replace(": ", ":\n");
        let indented = text.replace('\n', "\n    ");
        for squashed in [
            format!("{text}\n{co_author}"),
            format!("{text}\n---------\n\n{co_author}"),
            text.replace('\n', "\r\n"),
            text.replace('\n', "\r"),
            format!("{text}\nMerged by hand.\n"),
            format!("Release (#9)\n\n* {text}\n* fix a typo\n"),
            format!("Release (#9)\n\n* fix a typo\n\n* {text}"),
            format!("title (#9)\n\n{wrapped}"),
            format!("Squashed commit of the following:\n\ncommit 1\n\n    {indented}"),
            format!("{text}Signed-off-by: A <a@example.com>\n"),
            format!("title (#9)\n\n<!-- runbook: [\"a\"] -->\n{text}"),
        ] {
            assert_eq!(Trailers::blocks(&squashed), [sample()], "{squashed}");
        }
    }

    #[test]
    fn every_commit_of_a_list_keeps_its_own() {
        let bump = Trailers {
            images: vec!["ghcr.io/acme/app:v3".parse().unwrap()],
            ..Trailers::default()
        };
        let list = format!("(#9)\n\n* {}\n* {}", message(), bump.after("deploy"));
        assert_eq!(Trailers::blocks(&list), [sample(), bump]);
    }

    #[test]
    fn given_text_makes_no_trailers() {
        let bump = Trailers {
            images: vec!["ghcr.io/acme/app:v3".parse().unwrap()],
            ..Trailers::default()
        };
        for text in [
            message(),
            message().replace('\n', "\r\n"),
            message().replace('\n', "\r"),
            message().replace("\n\n", "\n\n* "),
            message().replace("Runbook-", "  runbook-"),
            message().replace(": ", ":\n"),
            format!("title\n{}", sample()),
        ] {
            let written = bump.after(&text);
            assert_eq!(
                Trailers::blocks(&written),
                std::slice::from_ref(&bump),
                "{written}"
            );
            let twice = bump.after(&written);
            assert_eq!(
                Trailers::blocks(&twice),
                std::slice::from_ref(&bump),
                "{twice}"
            );
        }
    }

    #[test]
    fn no_line_of_given_text_is_broken_into_trailers() {
        let bump = Trailers {
            images: vec!["ghcr.io/acme/app:v3".parse().unwrap()],
            ..Trailers::default()
        };
        let lines = sample().to_string();
        for text in [
            format!("deploy: {}", lines.replace('\n', " ")),
            format!("deploy\n\nwhy: {}", lines.replace('\n', ", ")),
            format!("deploy\n\n{}", lines.replace('\n', " ")),
            format!("deploy: {}", lines.to_uppercase().replace('\n', " * ")),
        ] {
            let written = bump.after(&text);
            for wrapped in [
                written.replace(" Runbook-", "\nRunbook-"),
                written.replace(" RUNBOOK-", "\nRUNBOOK-"),
                written.replace(' ', "\n"),
            ] {
                assert_eq!(
                    Trailers::blocks(&wrapped),
                    std::slice::from_ref(&bump),
                    "{wrapped}"
                );
            }
        }
    }

    #[test]
    fn the_title_is_no_trailer() {
        assert!(Trailers::blocks("Runbook-Image: ghcr.io/acme/app:v1\n").is_empty());
    }

    #[test]
    fn invalid_values_are_ignored() {
        let text = "x\n\nRunbook-Source: HEAD\nRunbook-Image: a b\nRunbook-Restores: 1a2b\n";
        assert!(Trailers::blocks(text).is_empty());
    }
}
