//! The `images:` of a kustomization: its entries, and the source of each value.

use std::collections::HashMap;

use granit_parser::ScalarStyle;

use crate::document::{NodeKind, YamlDocument, YamlNode, YamlTag};
use crate::quote::reads_as_other;
use crate::refusal::{EditRefusal, EditRefusalKind};

/// A key of an entry, in the order in which kustomize documents them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    Name,
    NewName,
    NewTag,
    Digest,
    TagSuffix,
}

impl Key {
    const ALL: [Self; 5] = [
        Self::Name,
        Self::NewName,
        Self::NewTag,
        Self::Digest,
        Self::TagSuffix,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::NewName => "newName",
            Self::NewTag => "newTag",
            Self::Digest => "digest",
            Self::TagSuffix => "tagSuffix",
        }
    }
}

/// The value of `images:`.
pub(crate) enum Images<'d> {
    /// The file has no such key.
    Absent,
    /// `images:`, `images: null` or `images: []`: the key and its value.
    Empty(&'d YamlNode<'d>, &'d YamlNode<'d>),
    List(&'d YamlNode<'d>, Vec<FoundEntry<'d>>),
}

impl<'d> Images<'d> {
    pub(crate) fn entries(&self) -> &[FoundEntry<'d>] {
        match self {
            Self::List(_, entries) => entries,
            Self::Absent | Self::Empty(..) => &[],
        }
    }
}

/// One entry as kustomize reads it.
pub(crate) struct FoundEntry<'d> {
    pub(crate) node: &'d YamlNode<'d>,
    pub(crate) name: &'d str,
    fields: Vec<(Key, Field<'d>)>,
}

/// One value of an entry.
pub(crate) struct Field<'d> {
    /// Which pair of the entry it is; `None` if a merge key supplies it.
    pub(crate) pair: Option<usize>,
    /// The token in the text: a scalar or an alias.
    pub(crate) token: &'d YamlNode<'d>,
    /// The value that it stands for; `None` for null, which has the same effect as no key.
    pub(crate) value: Option<&'d str>,
    /// Whether kustomize reads it as text: it takes `newTag: 1.10` for a number, which is an error.
    pub(crate) is_text: bool,
}

impl<'d> FoundEntry<'d> {
    pub(crate) fn field(&self, key: Key) -> Option<&Field<'d>> {
        let (_, field) = self.fields.iter().find(|(other, _)| *other == key)?;
        Some(field)
    }

    /// Returns a value that has an effect: neither null nor the empty text.
    pub(crate) fn value(&self, key: Key) -> Option<&str> {
        self.field(key)?.value.filter(|value| !value.is_empty())
    }

    /// Returns the repository that the entry writes into the manifests.
    ///
    /// `name: app:latest` is legal and matches only that tag; the entry writes `app`.
    pub(crate) fn output(&self) -> &str {
        match self.value(Key::NewName) {
            Some(new_name) => new_name,
            None => split_version(self.name).0,
        }
    }

    pub(crate) fn line(&self) -> usize {
        self.node.line
    }
}

/// Splits a reference into the repository and the version: `:tag`, `@digest`, both or nothing.
pub(crate) fn split_version(reference: &str) -> (&str, &str) {
    let path = reference.rfind('/').map_or(0, |slash| slash + 1);
    match reference[path..].find([':', '@']) {
        Some(at) => reference.split_at(path + at),
        None => (reference, ""),
    }
}

/// Finds the entries; refuses a file that kustomize reads differently than it looks.
pub(crate) fn find<'d>(document: &'d YamlDocument<'_>) -> Result<Images<'d>, EditRefusal> {
    let Some(root) = &document.root else {
        return Ok(Images::Absent);
    };
    let NodeKind::Mapping { pairs, .. } = &root.kind else {
        return Err(unsupported(root, "the top level is not a mapping"));
    };
    let known = ["apiVersion", "kind", "images", "imageTags"];
    unambiguous_keys(pairs, &known)?;
    check_kind(pairs)?;
    if let Some(merge) = pairs.iter().find(|(key, _)| is_merge(key)) {
        return Err(
            unsupported(&merge.0, "a merge key `<<` at the top level").hint("write its keys out")
        );
    }
    match find_pair(pairs, "images") {
        None => Ok(Images::Absent),
        Some((key, value)) => list(document, key, value),
    }
}

/// Refuses a file that is not a kustomization.
fn check_kind(pairs: &[(YamlNode<'_>, YamlNode<'_>)]) -> Result<(), EditRefusal> {
    if let Some((node, version)) = find_scalar(pairs, "apiVersion")
        && version.starts_with("kustomize.toolkit.fluxcd.io/")
    {
        let message =
            format!("`{version}` is Flux's own Kustomization, not an overlay of kustomize");
        return Err(unsupported(node, message)
            .hint("pass `--overlay` with the directory in its `spec.path`"));
    }
    if let Some((node, kind)) = find_scalar(pairs, "kind")
        && !["", "Kustomization", "Component"].contains(&kind)
    {
        return Err(unsupported(
            node,
            format!("`kind: {kind}` is not a kustomization"),
        ));
    }
    match find_pair(pairs, "imageTags") {
        Some((key, _)) => Err(unsupported(key, "the deprecated `imageTags`")
            .hint("run `kustomize edit fix` in its directory")),
        None => Ok(()),
    }
}

fn list<'d>(
    document: &'d YamlDocument<'_>,
    key: &'d YamlNode<'d>,
    value: &'d YamlNode<'d>,
) -> Result<Images<'d>, EditRefusal> {
    match &value.kind {
        NodeKind::Sequence { items, .. } if !items.is_empty() => {
            let anchors = document.anchors();
            let mut entries = Vec::with_capacity(items.len());
            for item in items {
                entries.push(entry(item, &anchors)?);
            }
            Ok(Images::List(value, entries))
        }
        NodeKind::Sequence { .. } => Ok(Images::Empty(key, value)),
        NodeKind::Alias { .. } => {
            Err(unsupported(value, "`images` is an alias").hint("write the list out"))
        }
        _ if value.is_null() => Ok(Images::Empty(key, value)),
        _ => Err(unsupported(key, "`images` is not a list")),
    }
}

type Anchors<'d> = HashMap<usize, &'d YamlNode<'d>>;

fn entry<'d>(item: &'d YamlNode<'d>, anchors: &Anchors<'d>) -> Result<FoundEntry<'d>, EditRefusal> {
    let NodeKind::Mapping { pairs, .. } = &resolve(item, anchors)?.kind else {
        return Err(unsupported(item, "an entry of `images` is not a mapping"));
    };
    unambiguous_keys(pairs, &Key::ALL.map(Key::as_str))?;
    if let Some((late, _)) = pairs.iter().skip(1).find(|(key, _)| is_merge(key)) {
        let message = "a merge key `<<` below other keys, which kustomize lets it override";
        return Err(unsupported(late, message).hint("move `<<` to the top of the entry"));
    }
    let mut fields = Vec::new();
    for key in Key::ALL {
        if let Some(at) = pairs
            .iter()
            .position(|(node, _)| node.scalar() == Some(key.as_str()))
        {
            fields.push((key, field(Some(at), key, &pairs[at].1, anchors)?));
        }
    }
    for (_, merged) in pairs.iter().filter(|(key, _)| is_merge(key)) {
        merge(merged, anchors, &mut fields)?;
    }
    Ok(FoundEntry {
        node: item,
        name: name_of(item, &fields)?,
        fields,
    })
}

fn name_of<'d>(item: &YamlNode<'_>, fields: &[(Key, Field<'d>)]) -> Result<&'d str, EditRefusal> {
    let Some((_, field)) = fields.iter().find(|(key, _)| *key == Key::Name) else {
        let refusal = unsupported(item, "an entry of `images` without `name`");
        return Err(refusal.hint("give it a name"));
    };
    match field.value {
        Some(name) if field.is_text => Ok(name),
        _ => {
            let refusal = unsupported(field.token, "the `name` of an entry is not text");
            Err(refusal.hint("quote the name"))
        }
    }
}

/// Adds the keys that `<<` supplies; keys of the entry itself win, as do earlier merges.
fn merge<'d>(
    from: &'d YamlNode<'d>,
    anchors: &Anchors<'d>,
    fields: &mut Vec<(Key, Field<'d>)>,
) -> Result<(), EditRefusal> {
    let target = resolve(from, anchors)?;
    let mut sources = Vec::new();
    match &target.kind {
        NodeKind::Sequence { items, .. } => {
            for item in items {
                sources.push(resolve(item, anchors)?);
            }
        }
        _ => sources.push(target),
    }
    for source in sources {
        let NodeKind::Mapping { pairs, .. } = &source.kind else {
            return Err(unsupported(from, "a merge key `<<` without a mapping"));
        };
        if pairs.iter().any(|(key, _)| is_merge(key)) {
            return Err(
                unsupported(from, "a merge key `<<` inside of another").hint("write its keys out")
            );
        }
        for key in Key::ALL {
            if let Some((_, value)) = find_pair(pairs, key.as_str())
                && !fields.iter().any(|(other, _)| *other == key)
            {
                fields.push((key, field(None, key, value, anchors)?));
            }
        }
    }
    Ok(())
}

fn field<'d>(
    pair: Option<usize>,
    key: Key,
    token: &'d YamlNode<'d>,
    anchors: &Anchors<'d>,
) -> Result<Field<'d>, EditRefusal> {
    let node = resolve(token, anchors)?;
    let NodeKind::Scalar { value, style } = &node.kind else {
        return Err(unsupported(
            token,
            format!("`{}` is not text", key.as_str()),
        ));
    };
    let plain = *style == ScalarStyle::Plain && node.tag != YamlTag::Text;
    let is_text = node.tag != YamlTag::Other && !(plain && reads_as_other(value));
    Ok(Field {
        pair,
        token,
        value: (!node.is_null()).then_some(value.as_ref()),
        is_text,
    })
}

fn resolve<'d>(
    node: &'d YamlNode<'d>,
    anchors: &Anchors<'d>,
) -> Result<&'d YamlNode<'d>, EditRefusal> {
    match &node.kind {
        NodeKind::Alias { anchor } => match anchors.get(anchor) {
            Some(anchored) => Ok(anchored),
            None => Err(unsupported(node, "an alias without its anchor")),
        },
        _ => Ok(node),
    }
}

/// Refuses a key that occurs twice (kustomize takes the last), or in another case (Go reads it).
fn unambiguous_keys(
    pairs: &[(YamlNode<'_>, YamlNode<'_>)],
    known: &[&str],
) -> Result<(), EditRefusal> {
    let mut seen: Vec<&str> = Vec::new();
    for (key, _) in pairs {
        let Some(text) = key.scalar() else { continue };
        let Some(name) = known.iter().find(|name| name.eq_ignore_ascii_case(text)) else {
            continue;
        };
        if *name != text {
            let message = format!("the key `{text}`, which kustomize reads as `{name}`");
            return Err(unsupported(key, message).hint(format!("spell it `{name}`")));
        }
        if seen.contains(name) {
            let message = format!("a second `{name}`, and kustomize takes the last one");
            return Err(unsupported(key, message).hint(format!("remove one `{name}`")));
        }
        seen.push(name);
    }
    Ok(())
}

fn find_pair<'p, 't>(
    pairs: &'p [(YamlNode<'t>, YamlNode<'t>)],
    name: &str,
) -> Option<&'p (YamlNode<'t>, YamlNode<'t>)> {
    pairs.iter().find(|(key, _)| key.scalar() == Some(name))
}

fn find_scalar<'p>(
    pairs: &'p [(YamlNode<'_>, YamlNode<'_>)],
    name: &str,
) -> Option<(&'p YamlNode<'p>, &'p str)> {
    let (_, node) = find_pair(pairs, name)?;
    Some((node, node.scalar()?))
}

fn is_merge(key: &YamlNode<'_>) -> bool {
    match &key.kind {
        NodeKind::Scalar { value, style } => *style == ScalarStyle::Plain && value == "<<",
        _ => false,
    }
}

fn unsupported(node: &YamlNode<'_>, message: impl Into<String>) -> EditRefusal {
    EditRefusalKind::UnsupportedYaml
        .because(message)
        .at(node.line)
}
