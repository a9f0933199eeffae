//! The lines at the end of a commit's message that are for programs.

use std::fmt;

use contract::{Commit, Reference};

const SOURCE: &str = "Runbook-Source";
const IMAGE: &str = "Runbook-Image";
const RUN: &str = "Runbook-Run";
const ROLLBACK_OF: &str = "Runbook-Rollback-Of";
const RESTORES: &str = "Runbook-Restores";

/// What a commit says about what it deploys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trailers {
    /// The commit that the images were built from.
    pub source: Option<Commit>,
    /// The images, with their digests where they are known.
    pub images: Vec<Reference>,
    /// What a rollback takes away: images that turned out bad.
    pub rollback_of: Vec<Reference>,
    /// The commits whose values a rollback restores.
    pub restores: Vec<Commit>,
    /// Where the run is that made the commit.
    pub run: Option<String>,
}

impl Trailers {
    /// Reads them from a whole message; what cannot be read is left out.
    pub fn of(message: &str) -> Self {
        let lines: Vec<(&str, &str)> = lines(message);
        let values = |key: &str| {
            let of_key = lines
                .iter()
                .filter(move |(name, _)| name.eq_ignore_ascii_case(key));
            of_key.map(|(_, value)| *value).collect::<Vec<_>>()
        };
        let read = |key| {
            values(key)
                .into_iter()
                .filter_map(|value| value.parse().ok())
                .collect()
        };
        Self {
            source: values(SOURCE).first().and_then(|value| value.parse().ok()),
            images: read(IMAGE),
            rollback_of: read(ROLLBACK_OF),
            restores: values(RESTORES)
                .into_iter()
                .filter_map(|value| value.parse().ok())
                .collect(),
            run: values(RUN).first().map(|value| (*value).to_owned()),
        }
    }

    /// Returns the message with these lines at its end, beside those that are there already.
    pub fn after(&self, body: &str) -> String {
        let gap = if last_paragraph(body).is_some() {
            "\n"
        } else {
            "\n\n"
        };
        format!("{body}{gap}{self}")
    }

    /// Returns whether the commit is a rollback.
    pub fn is_rollback(&self) -> bool {
        !self.rollback_of.is_empty()
    }
}

impl fmt::Display for Trailers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |key, value: &dyn fmt::Display| writeln!(f, "{key}: {value}");
        self.source
            .iter()
            .try_for_each(|commit| line(SOURCE, commit))?;
        self.images
            .iter()
            .try_for_each(|image| line(IMAGE, image))?;
        self.rollback_of
            .iter()
            .try_for_each(|image| line(ROLLBACK_OF, image))?;
        self.restores
            .iter()
            .try_for_each(|commit| line(RESTORES, commit))?;
        self.run.iter().try_for_each(|url| line(RUN, url))
    }
}

/// Returns the trailers of the last paragraph that has any of ours: a forge that squashes adds one of
/// its own behind it.
fn lines(message: &str) -> Vec<(&str, &str)> {
    let mut rest = message.trim_end();
    while let Some((before, paragraph)) = last_paragraph(rest) {
        if paragraph.lines().any(|line| line.starts_with("Runbook-")) {
            let lines = paragraph.lines().filter_map(|line| line.split_once(": "));
            return lines.map(|(key, value)| (key, value.trim())).collect();
        }
        rest = before.trim_end();
    }
    Vec::new()
}

/// Returns the last paragraph and what is before it, if it is one of `Key: value` and not the first.
fn last_paragraph(text: &str) -> Option<(&str, &str)> {
    let is_trailer = |line: &str| {
        line.split_once(": ").is_some_and(|(key, _)| {
            !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        })
    };
    let (before, last) = text.rsplit_once("\n\n")?;
    last.lines().all(is_trailer).then_some((before, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Trailers {
        Trailers {
            source: Some("a".repeat(40).parse().unwrap()),
            images: vec!["ghcr.io/acme/app:v1".parse().unwrap()],
            rollback_of: vec!["ghcr.io/acme/app:v2".parse().unwrap()],
            restores: vec!["b".repeat(40).parse().unwrap()],
            run: Some("https://github.com/acme/app/actions/runs/7".to_owned()),
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        assert_eq!(
            Trailers::of(&sample().after("rollback(prod): app v2 -> v1")),
            sample()
        );
    }

    #[test]
    fn a_squash_that_adds_a_paragraph_takes_nothing_away() {
        let squashed = format!(
            "{}\n\nCo-authored-by: A <a@example.com>\n",
            sample().after("title (#7)")
        );
        assert_eq!(Trailers::of(&squashed), sample());
    }

    #[test]
    fn what_people_write_before_them_is_not_taken_for_some_of_them() {
        let text = format!(
            "title\n\nRunbook-Source: {}\n\n{}",
            "c".repeat(40),
            sample()
        );
        assert_eq!(Trailers::of(&text), sample());
    }

    #[test]
    fn what_is_quoted_in_the_text_is_no_trailer() {
        let quoted = format!("docs: how it looks\n\n{}\nThat is how.\n", sample());
        assert_eq!(Trailers::of(&quoted), Trailers::default());
        assert_eq!(
            Trailers::of("Runbook-Image: ghcr.io/acme/app:v1\n"),
            Trailers::default()
        );
    }

    #[test]
    fn what_cannot_be_read_is_left_out() {
        let text = "x\n\nRunbook-Source: HEAD\nRunbook-Image: a b\nRunbook-Restores: 1a2b\n";
        assert_eq!(Trailers::of(text), Trailers::default());
    }
}
