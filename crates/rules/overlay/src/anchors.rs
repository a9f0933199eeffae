//! Anchors: an edit behind `&name` also changes every `*name`, which must have been asked for.

use std::collections::{HashMap, HashSet};

use crate::document::{NodeKind, YamlDocument, YamlNode};
use crate::images::{FoundEntry, Images};
use crate::plan::{Action, Actions};
use crate::refusal::{EditRefusal, EditRefusalKind};

/// Anchored values that are edited, by the anchor's number.
pub(crate) struct FollowedAliases<'a>(HashMap<usize, &'a str>);

impl FollowedAliases<'_> {
    /// Whether this alias changes with its anchor, so that it needs no edit of its own.
    pub(crate) fn contains(&self, node: &YamlNode<'_>) -> bool {
        matches!(node.kind, NodeKind::Alias { anchor } if self.0.contains_key(&anchor))
    }
}

/// Refuses unless everything that changes through an alias is asked to become just that.
pub(crate) fn follow<'a>(
    document: &YamlDocument<'_>,
    images: &Images<'_>,
    edited: &'a [(&FoundEntry<'_>, &Actions)],
) -> Result<FollowedAliases<'a>, EditRefusal> {
    let sets: Vec<_> = edited
        .iter()
        .flat_map(|(entry, actions)| tokens(entry, actions))
        .collect();
    let values = sets.iter().filter(|(token, _)| token.anchor != 0);
    let anchored: HashMap<_, _> = values
        .map(|(token, value)| (token.anchor, *value))
        .collect();
    let mut asked: HashMap<usize, usize> = HashMap::new();
    for (token, value) in &sets {
        if let NodeKind::Alias { anchor } = token.kind
            && anchored.get(&anchor) == Some(value)
        {
            *asked.entry(anchor).or_default() += 1;
        }
    }
    let around = around(document, images, edited);
    let uses = uses(document);
    for (anchor, line) in &document.aliases {
        let unasked = anchored.contains_key(anchor) && uses.get(anchor) != asked.get(anchor);
        if unasked || around.contains(anchor) {
            return Err(shared(*line));
        }
    }
    Ok(FollowedAliases(anchored))
}

/// The anchors of what the edited entries stand in: the entries themselves, the list, the file.
fn around(
    document: &YamlDocument<'_>,
    images: &Images<'_>,
    edited: &[(&FoundEntry<'_>, &Actions)],
) -> HashSet<usize> {
    let mut anchors: HashSet<_> = edited.iter().map(|(entry, _)| entry.node.anchor).collect();
    if let (Images::List(list, _), false) = (images, edited.is_empty()) {
        anchors.insert(list.anchor);
    }
    anchors.extend(
        document
            .root
            .as_ref()
            .filter(|_| !edited.is_empty())
            .map(|root| root.anchor),
    );
    anchors.remove(&0);
    anchors
}

fn uses(document: &YamlDocument<'_>) -> HashMap<usize, usize> {
    let mut uses = HashMap::new();
    for (anchor, _) in &document.aliases {
        *uses.entry(*anchor).or_default() += 1;
    }
    uses
}

fn tokens<'a>(
    entry: &'a FoundEntry<'_>,
    actions: &'a Actions,
) -> impl Iterator<Item = (&'a YamlNode<'a>, &'a str)> {
    actions.iter().filter_map(|(key, action)| match action {
        Action::Set(value) => Some((entry.field(*key)?.token, value.as_str())),
        Action::Delete => None,
    })
}

fn shared(line: usize) -> EditRefusal {
    let message = "an alias uses the value to be edited, so the edit would change this place too";
    let hint = "write the value out here, or bump both images in one call to the same tag";
    EditRefusalKind::UnsupportedYaml
        .because(message)
        .at(line)
        .hint(hint)
}
