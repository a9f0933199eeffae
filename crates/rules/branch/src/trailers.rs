//! The lines for programs at the end of a commit's message.

use std::{fmt, str::FromStr};

use contract::{Commit, Reference};

const SOURCE: &str = "Runbook-Source";
const IMAGE: &str = "Runbook-Image";
const RUN: &str = "Runbook-Run";
const ROLLBACK_OF: &str = "Runbook-Rollback-Of";
const RESTORES: &str = "Runbook-Restores";

/// The data of a commit about its deployment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trailers {
    /// The source commit of the images.
    pub source: Option<Commit>,
    /// The images, with their digests if known.
    pub images: Vec<Reference>,
    /// The bad images that a rollback removes.
    pub rollback_of: Vec<Reference>,
    /// The commits whose values a rollback restores.
    pub restores: Vec<Commit>,
    /// The URL of the workflow run that made the commit.
    pub run: Option<String>,
}

impl Trailers {
    /// Reads them from a whole message; ignores invalid values.
    pub fn of(message: &str) -> Self {
        let lines = lines(message);
        let source = values(&lines, SOURCE).next();
        let run = values(&lines, RUN).next();
        Self {
            source: source.and_then(|value| value.parse().ok()),
            images: parsed(&lines, IMAGE),
            rollback_of: parsed(&lines, ROLLBACK_OF),
            restores: parsed(&lines, RESTORES),
            run: run.map(str::to_owned),
        }
    }

    /// Returns the message with these lines at its end, after its own trailers.
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
        if let Some(commit) = &self.source {
            writeln!(f, "{SOURCE}: {commit}")?;
        }
        for image in &self.images {
            writeln!(f, "{IMAGE}: {image}")?;
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

fn values<'m>(lines: &[(&'m str, &'m str)], key: &str) -> impl Iterator<Item = &'m str> {
    lines
        .iter()
        .filter(move |(name, _)| name.eq_ignore_ascii_case(key))
        .map(|(_, value)| *value)
}

fn parsed<T: FromStr>(lines: &[(&str, &str)], key: &str) -> Vec<T> {
    values(lines, key)
        .filter_map(|value| value.parse().ok())
        .collect()
}

/// Returns the trailers of the last paragraph with a `Runbook-` line: after a squash merge, a
/// forge's own paragraph may follow it.
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

/// Splits off the last paragraph, if it consists of `Key: value` lines and is not the first.
fn last_paragraph(text: &str) -> Option<(&str, &str)> {
    let (before, last) = text.rsplit_once("\n\n")?;
    last.lines().all(is_trailer).then_some((before, last))
}

fn is_trailer(line: &str) -> bool {
    match line.split_once(": ") {
        Some((key, _)) if !key.is_empty() => key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'),
        _ => false,
    }
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
    fn written_trailers_are_read_back() {
        assert_eq!(
            Trailers::of(&sample().after("rollback(prod): app v2 -> v1")),
            sample()
        );
    }

    #[test]
    fn a_squash_merge_keeps_the_trailers() {
        let squashed = format!(
            "{}\n\nCo-authored-by: A <a@example.com>\n",
            sample().after("title (#7)")
        );
        assert_eq!(Trailers::of(&squashed), sample());
    }

    #[test]
    fn earlier_paragraphs_do_not_count() {
        let text = format!(
            "title\n\nRunbook-Source: {}\n\n{}",
            "c".repeat(40),
            sample()
        );
        assert_eq!(Trailers::of(&text), sample());
    }

    #[test]
    fn quoted_trailers_do_not_count() {
        let quoted = format!("docs: how it looks\n\n{}\nThat is how.\n", sample());
        assert_eq!(Trailers::of(&quoted), Trailers::default());
        assert_eq!(
            Trailers::of("Runbook-Image: ghcr.io/acme/app:v1\n"),
            Trailers::default()
        );
    }

    #[test]
    fn invalid_values_are_ignored() {
        let text = "x\n\nRunbook-Source: HEAD\nRunbook-Image: a b\nRunbook-Restores: 1a2b\n";
        assert_eq!(Trailers::of(text), Trailers::default());
    }
}
