//! An image reference: `[registry/]repository[:tag][@digest]`.

use std::{fmt, str::FromStr};

use crate::{Digest, InvalidDigest, reference_slip};

/// The registry of a reference without a host.
const DOCKER_HUB: &str = "docker.io";

/// An image name with a tag, a digest, or both.
///
/// The grammar is that of the OCI distribution specification, "Pulling manifests", with the host
/// rules of the distribution project's `reference` package: the first component is a host when it
/// contains a dot or a colon or is `localhost`. A name that no registry allows is refused before
/// any request: a registry answers it with 404 or 500, which would read as "absent" or
/// "unavailable".
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference {
    registry: String,
    repository: String,
    familiar: String,
    tag: Option<Tag>,
    digest: Option<Digest>,
    lowered: bool,
}

/// A tag: `[A-Za-z0-9_][A-Za-z0-9._-]{0,127}` (OCI distribution specification).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(String);

impl Reference {
    /// Returns host and port, such as `ghcr.io` or `127.0.0.1:5000`; `docker.io` by default.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// Returns the repository within the registry, such as `data-literate/dex`.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// Returns registry and repository, such as `ghcr.io/data-literate/dex`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }

    /// Returns the name as people and manifests write it: with `docker.io` only when it was given.
    pub fn familiar(&self) -> &str {
        &self.familiar
    }

    /// Returns the tag, if there is one.
    pub fn tag(&self) -> Option<&Tag> {
        self.tag.as_ref()
    }

    /// Returns the digest, if there is one.
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// Returns whether the repository had upper-case letters: GitHub shows `Owner/Name`, registries
    /// only know `owner/name`.
    pub fn was_lowered(&self) -> bool {
        self.lowered
    }

    /// Returns the same reference pinned to `digest`.
    pub fn pinned(&self, digest: Digest) -> Self {
        Self {
            digest: Some(digest),
            ..self.clone()
        }
    }

    /// Returns the digest if there is one, else the tag: the name of the manifest in a request.
    pub fn selector(&self) -> &str {
        let tag = self.tag.as_ref().map(Tag::as_str);
        self.digest
            .as_ref()
            .map(Digest::as_str)
            .or(tag)
            .unwrap_or_default()
    }
}

impl Tag {
    /// Returns the tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text that is not an image reference; the message says which part is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidReference {
    /// Neither tag nor digest. `latest` is never assumed, since it is never deployed on purpose.
    #[error("`{0}` has neither tag nor digest: write `{0}:TAG` or `{0}@sha256:…`")]
    Unpinned(String),
    /// The name is invalid.
    #[error("`{name}` is not an image name: {why}")]
    Name {
        /// The name as given.
        name: String,
        /// The rule that it breaks.
        why: &'static str,
    },
    /// The tag is invalid.
    #[error(
        "`{0}` is not a tag: expected at most 128 letters, digits, `_`, `.` and `-`, \
         not starting with `.` or `-`"
    )]
    Tag(String),
    /// The form is that of another tool.
    #[error("{0}")]
    OtherForm(String),
    /// The digest is invalid.
    #[error(transparent)]
    Digest(#[from] InvalidDigest),
}

impl FromStr for Reference {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, InvalidReference> {
        if let Some(why) = reference_slip::explain(text) {
            return Err(InvalidReference::OtherForm(why));
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest.parse()?)),
            None => (text, None),
        };
        let (name, tag) = split_tag(rest);
        let tag = tag.map(str::parse).transpose()?;
        let reference = parse_name(name)?;
        if tag.is_none() && digest.is_none() {
            return Err(InvalidReference::Unpinned(name.to_owned()));
        }
        Ok(Self {
            tag,
            digest,
            ..reference
        })
    }
}

impl FromStr for Tag {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, InvalidReference> {
        if is_tag(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidReference::Tag(text.to_owned()))
        }
    }
}

fn is_tag(text: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let starts_with_word = text.bytes().next().is_some_and(word);
    let valid = text.bytes().all(|b| word(b) || b == b'.' || b == b'-');
    starts_with_word && valid && text.len() <= 128
}

/// Splits the tag off: a colon after the last slash starts it, one before it belongs to the port.
fn split_tag(text: &str) -> (&str, Option<&str>) {
    let last = text.rfind('/').map_or(0, |slash| slash + 1);
    match text[last..].find(':') {
        // `host:5000` without a slash is a name with a tag, as for every other client.
        Some(colon) => (&text[..last + colon], Some(&text[last + colon + 1..])),
        None => (text, None),
    }
}

fn parse_name(name: &str) -> Result<Reference, InvalidReference> {
    let invalid = |why| InvalidReference::Name {
        name: name.to_owned(),
        why,
    };
    let (registry, given) = match name.split_once('/') {
        Some((first, rest)) if is_host(first) => (first, rest),
        _ => (DOCKER_HUB, name),
    };
    check_host(registry).map_err(invalid)?;
    let lower = given.to_ascii_lowercase();
    check_repository(&lower).map_err(invalid)?;
    let in_hub = registry == DOCKER_HUB;
    let repository = if in_hub && !lower.contains('/') {
        format!("library/{lower}")
    } else {
        lower.clone()
    };
    if registry.len() + repository.len() + 1 > 255 {
        return Err(invalid("it is longer than 255 characters"));
    }
    let familiar = if name == given {
        lower.clone()
    } else {
        format!("{registry}/{lower}")
    };
    Ok(Reference {
        registry: registry.to_owned(),
        repository,
        familiar,
        tag: None,
        digest: None,
        lowered: lower != given,
    })
}

fn is_host(component: &str) -> bool {
    component.contains(['.', ':']) || component == "localhost"
}

fn check_host(host: &str) -> Result<(), &'static str> {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !host.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    };
    if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return Err("the port is not a number up to 65535");
    }
    let ipv6 = name.starts_with('[') && name.ends_with(']');
    let valid = |b: u8| {
        b.is_ascii_alphanumeric() || b == b'.' || b == b'-' || (ipv6 && b":[]".contains(&b))
    };
    let clean_edges = !name.starts_with(['.', '-']) && !name.ends_with(['.', '-']);
    if !name.is_empty() && name.bytes().all(valid) && clean_edges {
        Ok(())
    } else {
        Err("the registry is not a host name")
    }
}

fn check_repository(repository: &str) -> Result<(), &'static str> {
    if repository.is_empty() {
        return Err("the repository is missing");
    }
    if repository.split('/').all(is_path_component) {
        Ok(())
    } else {
        Err("each part consists of lowercase letters and digits, joined by `.`, `_`, `__` or `-`")
    }
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*` (OCI distribution specification, "Pulling manifests").
fn is_path_component(component: &str) -> bool {
    let alphanumeric = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let separators = component.split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    let edges = component.bytes().next().is_some_and(alphanumeric)
        && component.bytes().last().is_some_and(alphanumeric);
    let joined = |s: &str| matches!(s, "" | "." | "_" | "__") || s.bytes().all(|b| b == b'-');
    edges && separators.into_iter().all(joined)
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.familiar)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Reference, InvalidReference> {
        text.parse()
    }

    #[test]
    fn the_three_forms_are_valid() {
        let digest = format!("sha256:{}", "a".repeat(64));
        for text in [
            "ghcr.io/data-literate/dex:sha-1a2b3c4d".to_owned(),
            format!("ghcr.io/data-literate/dex:sha-1a2b3c4d@{digest}"),
            format!("127.0.0.1:5000/dex@{digest}"),
        ] {
            assert_eq!(parse(&text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_port_is_not_a_tag() {
        let reference = parse("localhost:5000/dex:v1").unwrap();
        assert_eq!(
            (reference.registry(), reference.repository()),
            ("localhost:5000", "dex")
        );
        assert_eq!(reference.tag().unwrap().as_str(), "v1");
    }

    #[test]
    fn a_name_without_host_means_docker_hub() {
        let short = parse("nginx:1.27").unwrap();
        assert_eq!(
            (short.name().as_str(), short.familiar()),
            ("docker.io/library/nginx", "nginx")
        );
        assert_eq!(
            parse("example/dex:v1").unwrap().name(),
            "docker.io/example/dex"
        );
    }

    #[test]
    fn an_upper_case_owner_becomes_lower_case() {
        let reference = parse("ghcr.io/Data-Literate/DEX:Sha").unwrap();
        assert!(reference.was_lowered());
        assert_eq!(reference.to_string(), "ghcr.io/data-literate/dex:Sha");
    }

    #[test]
    fn a_reference_that_no_registry_allows_is_refused() {
        for bad in [
            "",
            "ghcr.io/data-literate/dex",
            "ghcr.io/data-literate/dex:",
            "ghcr.io/data-literate/dex:-v1",
            "ghcr.io/data-literate/dex:v1\n- x",
            "ghcr.io/data-literate/dex:v1\"",
            "ghcr.io/data-literate/dex:v1#",
            "ghcr.io/data literate/dex:v1",
            "ghcr.io//dex:v1",
            "ghcr.io/:v1",
            "ghcr.io/dex_:v1",
            "ghcr.io/d..ex:v1",
            "host:99999/dex:v1",
            "https://ghcr.io/dex:v1",
            "ghcr.io/dex@sha256:zz",
            "ghcr.io/dex:v1@",
        ] {
            assert!(parse(bad).is_err(), "{bad:?} was accepted");
        }
        assert!(parse(&format!("ghcr.io/dex:{}", "a".repeat(129))).is_err());
    }

    #[test]
    fn a_digest_selects_before_a_tag() {
        let digest: Digest = format!("sha256:{}", "b".repeat(64)).parse().unwrap();
        let reference = parse("ghcr.io/dex:v1").unwrap();
        assert_eq!(reference.selector(), "v1");
        assert_eq!(reference.pinned(digest.clone()).selector(), digest.as_str());
    }
}
