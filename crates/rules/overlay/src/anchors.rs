//! Anchors: an edit of `&name` also changes every `*name`, so all of these must be requested.

use std::collections::{HashMap, HashSet};

use crate::actions::{Action, EditedEntry};
use crate::document::{NodeKind, YamlDocument, YamlNode};
use crate::images::Images;
use crate::refusal::{EditRefusal, EditRefusalKind};

/// Anchored values that are edited, by the anchor's number.
pub(crate) struct FollowedAliases<'a>(HashMap<usize, &'a str>);

impl FollowedAliases<'_> {
    /// Whether this alias changes with its anchor, so that it needs no edit of its own.
    pub(crate) fn contains(&self, node: &YamlNode<'_>) -> bool {
        matches!(node.kind, NodeKind::Alias { anchor } if self.0.contains_key(&anchor))
    }
}

/// Refuses an edit that changes an alias elsewhere, unless that alias is to get the same value.
pub(crate) fn follow<'a>(
    document: &YamlDocument<'_>,
    images: &Images<'_>,
    edited: &[EditedEntry<'a>],
) -> Result<FollowedAliases<'a>, EditRefusal> {
    let mut tokens = Vec::new();
    for entry in edited {
        tokens.extend(set_tokens(entry));
    }
    let mut anchored = HashMap::new();
    for (token, value) in &tokens {
        if token.anchor != 0 {
            anchored.insert(token.anchor, *value);
        }
    }
    let mut requested: HashMap<usize, usize> = HashMap::new();
    for (token, value) in &tokens {
        if let NodeKind::Alias { anchor } = token.kind
            && anchored.get(&anchor) == Some(value)
        {
            *requested.entry(anchor).or_default() += 1;
        }
    }
    let enclosing = enclosing_anchors(document, images, edited);
    let uses = alias_counts(document);
    for (anchor, line) in &document.aliases {
        let is_unrequested =
            anchored.contains_key(anchor) && uses.get(anchor) != requested.get(anchor);
        if is_unrequested || enclosing.contains(anchor) {
            return Err(shared(*line));
        }
    }
    Ok(FollowedAliases(anchored))
}

/// Returns the tokens that get a new value.
fn set_tokens<'a>((entry, actions): &EditedEntry<'a>) -> Vec<(&'a YamlNode<'a>, &'a str)> {
    let mut tokens = Vec::new();
    for (key, action) in *actions {
        if let Action::Set(value) = action
            && let Some(field) = entry.field(*key)
        {
            tokens.push((field.token, value.as_str()));
        }
    }
    tokens
}

/// Returns the anchors around the edits: those of the edited entries, of the list, of the file.
fn enclosing_anchors(
    document: &YamlDocument<'_>,
    images: &Images<'_>,
    edited: &[EditedEntry<'_>],
) -> HashSet<usize> {
    let mut anchors = HashSet::new();
    if edited.is_empty() {
        return anchors;
    }
    anchors.extend(edited.iter().map(|(entry, _)| entry.node.anchor));
    if let Images::List(list, _) = images {
        anchors.insert(list.anchor);
    }
    anchors.extend(document.root.iter().map(|root| root.anchor));
    // 0 means that there is no anchor.
    anchors.remove(&0);
    anchors
}

fn alias_counts(document: &YamlDocument<'_>) -> HashMap<usize, usize> {
    let mut counts = HashMap::new();
    for (anchor, _) in &document.aliases {
        *counts.entry(*anchor).or_default() += 1;
    }
    counts
}

fn shared(line: usize) -> EditRefusal {
    let message = "an alias uses the value to be edited, so the edit would change this place too";
    let hint = "write the value out here, or bump both images in one call to the same tag";
    EditRefusalKind::UnsupportedYaml
        .because(message)
        .at(line)
        .hint(hint)
}
