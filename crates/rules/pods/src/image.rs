//! Compares the image that a container runs with the wanted one.

use std::{fmt, str::FromStr};

use contract::{Digest, Reference};

use crate::Container;

/// The wanted image, and all names and digests that a node may show for it.
#[derive(Debug, Clone)]
pub struct ImageMatcher {
    reference: Reference,
    digests: Vec<Digest>,
    aliases: Vec<Alias>,
}

/// Another name of a registry: webhooks and caches rewrite hosts
/// (`--alias mirror.example=ghcr.io`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    /// The name in the pods: a host, or a host and the start of a path.
    from: String,
    /// The name that it stands for.
    to: String,
}

/// How the image of a container compares with the wanted one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageMatch {
    /// It is the wanted image; with the digest that the node reports.
    Wanted(Option<Digest>),
    /// It is of another repository: a sidecar, an injected proxy.
    Another,
    /// It has the wanted repository and tag, and has not started yet.
    NotStarted,
    /// It has the wanted repository, and another tag or digest.
    Old,
    /// It has the wanted repository and tag, and other bytes: the tag was pushed again, and the
    /// node has the previous image.
    OtherBytes(Digest),
}

impl ImageMatcher {
    /// Makes a matcher. A container matches with any of the digests, or the reference's own: those
    /// of the index, of its manifests, of their configurations. Without a digest, the tag decides.
    pub fn new(reference: Reference, mut digests: Vec<Digest>, aliases: Vec<Alias>) -> Self {
        digests.extend(reference.digest().cloned());
        Self {
            reference,
            digests,
            aliases,
        }
    }

    /// Returns the wanted image.
    pub fn reference(&self) -> &Reference {
        &self.reference
    }

    /// Returns whether digests are compared, not only the tag.
    pub fn is_by_digest(&self) -> bool {
        !self.digests.is_empty()
    }

    /// Returns whether an image of a specification is of the wanted repository.
    pub fn is_of_repository(&self, image: &str) -> bool {
        self.parse(image)
            .is_some_and(|found| found.1 == self.name())
    }

    /// Returns whether the image of a specification is the wanted one by its tag or digest.
    pub fn is_named(&self, image: &str) -> bool {
        let Some((found, name)) = self.parse(image) else {
            return false;
        };
        name == self.name() && self.names(&found)
    }

    /// Returns whether a text, such as the message of a policy, names the wanted image by its tag or
    /// digest.
    pub fn is_named_in(&self, text: &str) -> bool {
        let is_part = |c: char| c.is_ascii_alphanumeric() || "./:@_-".contains(c);
        let mut words = text.split(|c| !is_part(c));
        words.any(|word| self.is_named(word.trim_end_matches(['.', ':'])))
    }

    /// Compares the image that a container runs.
    pub fn compare(&self, container: &Container) -> ImageMatch {
        let Some((spec, name)) = self.parse(&container.image) else {
            return ImageMatch::Another;
        };
        if name != self.name() {
            return ImageMatch::Another;
        }
        let named = self.names(&spec);
        match (digest_of(&container.image_id), named) {
            (Some(digest), _) if self.digests.contains(&digest) => ImageMatch::Wanted(Some(digest)),
            (_, false) => ImageMatch::Old,
            (None, true) => ImageMatch::NotStarted,
            (Some(digest), true) if self.is_by_digest() => ImageMatch::OtherBytes(digest),
            (digest, true) => ImageMatch::Wanted(digest),
        }
    }

    /// Compares tag and digest; a digest in the specification wins over its tag.
    fn names(&self, spec: &Reference) -> bool {
        match (spec.digest(), self.reference.tag()) {
            (Some(digest), _) if self.is_by_digest() => self.digests.contains(digest),
            (None, None) => self.is_by_digest(),
            (_, tag) => tag.is_some() && spec.tag() == tag,
        }
    }

    fn name(&self) -> String {
        self.canonical(&self.reference.name().to_lowercase())
    }

    fn parse(&self, image: &str) -> Option<(Reference, String)> {
        let image = image.trim();
        // Kubernetes adds `latest` to a name without a tag.
        let found: Reference = image
            .parse()
            .or_else(|_| format!("{image}:latest").parse())
            .ok()?;
        let name = self.canonical(&found.name().to_lowercase());
        Some((found, name))
    }

    fn canonical(&self, name: &str) -> String {
        let hub = ["index.docker.io", "registry-1.docker.io"].map(|host| (host, "docker.io"));
        let given = self
            .aliases
            .iter()
            .map(|alias| (alias.from.as_str(), alias.to.as_str()));
        let renamed = given.chain(hub).find_map(|(from, to)| {
            let rest = name.strip_prefix(from)?.strip_prefix('/')?;
            Some(format!("{to}/{rest}"))
        });
        renamed.unwrap_or_else(|| name.to_owned())
    }
}

/// Returns the digest that a node reports: `repository@sha256:…` of containerd, at times of another
/// repository with the same content (kubernetes/kubernetes#95385), `docker-pullable://…`, a bare
/// `sha256:…` of an image that was loaded (kubernetes/kubernetes#115199), or only the digits, as
/// CRI-O's local ids.
pub fn digest_of(image_id: &str) -> Option<Digest> {
    let bare = image_id
        .split_once("://")
        .map_or(image_id, |(_, rest)| rest);
    let digest = bare.rsplit_once('@').map_or(bare, |(_, digest)| digest);
    digest
        .parse()
        .or_else(|_| format!("sha256:{digest}").parse())
        .ok()
}

/// An alias that cannot be parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidAlias;

impl fmt::Display for InvalidAlias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "expected the host in the pods and the host that it stands for: `mirror.example=ghcr.io`",
        )
    }
}

impl std::error::Error for InvalidAlias {}

impl FromStr for Alias {
    type Err = InvalidAlias;

    fn from_str(text: &str) -> Result<Self, InvalidAlias> {
        let (from, to) = text.trim().split_once('=').ok_or(InvalidAlias)?;
        let tidy = |name: &str| name.trim().trim_end_matches('/').to_lowercase();
        let (from, to) = (tidy(from), tidy(to));
        let good = |name: &str| {
            !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c == '=')
        };
        if good(&from) && good(&to) {
            Ok(Self { from, to })
        } else {
            Err(InvalidAlias)
        }
    }
}

#[cfg(test)]
mod tests;
