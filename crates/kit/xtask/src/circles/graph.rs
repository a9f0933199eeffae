//! Strongly connected parts of a graph.

use std::collections::{BTreeMap, BTreeSet};

/// Returns the sets of nodes that all reach each other, with two nodes at least.
pub(super) fn circles<N: Ord + Clone>(arrows: &BTreeMap<N, BTreeSet<N>>) -> Vec<BTreeSet<N>> {
    let reached: BTreeMap<&N, BTreeSet<&N>> = arrows
        .keys()
        .map(|node| (node, reach(arrows, node)))
        .collect();
    let mut circles: Vec<BTreeSet<N>> = Vec::new();
    for (node, targets) in &reached {
        if circles.iter().any(|circle| circle.contains(*node)) {
            continue;
        }
        let members = targets
            .iter()
            .filter(|other| reached[**other].contains(node));
        let circle: BTreeSet<N> = members.map(|member| (**member).clone()).collect();
        if circle.len() > 1 {
            circles.push(circle);
        }
    }
    circles
}

/// Returns the nodes that can be reached from one; itself only over a circle.
fn reach<'a, N: Ord>(arrows: &'a BTreeMap<N, BTreeSet<N>>, from: &'a N) -> BTreeSet<&'a N> {
    let mut reached = BTreeSet::new();
    let mut open = vec![from];
    while let Some(node) = open.pop() {
        for next in arrows.get(node).into_iter().flatten() {
            if arrows.contains_key(next) && reached.insert(next) {
                open.push(next);
            }
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    fn circles_of(arrows: &[(&str, &[&str])]) -> Vec<String> {
        let arrows: BTreeMap<String, BTreeSet<String>> = arrows
            .iter()
            .map(|(from, to)| {
                (
                    (*from).to_owned(),
                    to.iter().map(|to| (*to).to_owned()).collect(),
                )
            })
            .collect();
        let text = |circle: &BTreeSet<String>| circle.iter().cloned().collect::<String>();
        circles(&arrows).iter().map(text).collect()
    }

    #[test]
    fn two_paths_to_one_node_are_no_circle() {
        let arrows: [(&str, &[&str]); 4] =
            [("a", &["b", "c"]), ("b", &["d"]), ("c", &["d"]), ("d", &[])];
        assert_eq!(circles_of(&arrows), Vec::<String>::new());
    }

    #[test]
    fn every_circle_is_found_once() {
        let arrows: [(&str, &[&str]); 6] = [
            ("a", &["b"]),
            ("b", &["c"]),
            ("c", &["a", "d"]),
            ("d", &["e"]),
            ("e", &["d"]),
            ("f", &["a", "gone"]),
        ];
        assert_eq!(circles_of(&arrows), ["abc", "de"]);
    }
}
