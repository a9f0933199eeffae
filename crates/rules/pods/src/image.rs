//! Compares the image that a container runs with the wanted one.

use std::{cell::RefCell, collections::HashMap, fmt, rc::Rc, str::FromStr};

use contract::{Digest, Reference};

use crate::Container;

/// The wanted image, and all names and digests that a node may show for it.
#[derive(Debug, Clone)]
pub struct ImageMatcher {
    reference: Reference,
    digests: Vec<Digest>,
    aliases: Vec<Alias>,
    /// The canonical name of the wanted repository.
    name: String,
    /// The images that were read before: many pods have the same few.
    known: RefCell<HashMap<String, Option<Rc<NamedReference>>>>,
}

/// An image, and the canonical name of its repository.
#[derive(Debug)]
struct NamedReference {
    reference: Reference,
    name: String,
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
            name: canonical(&aliases, &reference.name()),
            reference,
            digests,
            aliases,
            known: RefCell::default(),
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
            .is_some_and(|found| found.name == self.name)
    }

    /// Returns whether the image of a specification is the wanted one by its tag or digest.
    pub fn is_named(&self, image: &str) -> bool {
        let found = self.parse(image);
        found.is_some_and(|found| found.name == self.name && self.names(&found.reference))
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
        let found = self.parse(&container.image);
        let Some(spec) = found.filter(|spec| spec.name == self.name) else {
            return ImageMatch::Another;
        };
        let named = self.names(&spec.reference);
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

    fn parse(&self, image: &str) -> Option<Rc<NamedReference>> {
        if let Some(known) = self.known.borrow().get(image) {
            return known.clone();
        }
        let found = self.read(image.trim()).map(Rc::new);
        let mut known = self.known.borrow_mut();
        known.insert(image.to_owned(), found.clone());
        found
    }

    fn read(&self, image: &str) -> Option<NamedReference> {
        // Kubernetes adds `latest` to a name without a tag.
        let reference: Reference = image
            .parse()
            .or_else(|_| format!("{image}:latest").parse())
            .ok()?;
        let name = canonical(&self.aliases, &reference.name());
        Some(NamedReference { reference, name })
    }
}

/// Returns the name of a repository in lower case, without aliases.
fn canonical(aliases: &[Alias], name: &str) -> String {
    let name = name.to_lowercase();
    let hub = ["index.docker.io", "registry-1.docker.io"].map(|host| (host, "docker.io"));
    let given = aliases
        .iter()
        .map(|alias| (alias.from.as_str(), alias.to.as_str()));
    let renamed = given.chain(hub).find_map(|(from, to)| {
        let rest = name.strip_prefix(from)?.strip_prefix('/')?;
        Some(format!("{to}/{rest}"))
    });
    renamed.unwrap_or(name)
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
