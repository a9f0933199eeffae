use super::*;
use crate::Revision;

fn id(number: usize) -> Commit {
    format!("{number:040x}").parse().unwrap()
}

fn revision(number: usize, content: &str, message: &str) -> Revision {
    Revision {
        commit: id(number),
        parent: None,
        is_merge: false,
        is_merged: false,
        follows: Vec::new(),
        message: format!("title\n\n{message}"),
        date: 0,
        content: Some(content.as_bytes().to_vec()),
    }
}

fn read(history: &FileHistory) -> ImageValues {
    ImageValues::read(history, |content| {
        Some(String::from_utf8_lossy(content).into_owned()).filter(|text| !text.is_empty())
    })
}

/// Reads the values of these revisions, oldest first: content and message.
fn values(changes: &[(&str, &str)]) -> ImageValues {
    let revisions = changes
        .iter()
        .enumerate()
        .map(|(at, (content, message))| revision(at + 1, content, message));
    read(&FileHistory::linear(revisions.rev().collect(), true))
}

/// A revision of a graph: its content, its message, and the numbers of those that it follows.
type Node<'a> = (&'a str, &'a str, &'a [usize]);

/// Reads the values of a graph, oldest first; `merged` are the numbers on other branches.
fn graph(nodes: &[Node<'_>], merged: &[usize]) -> ImageValues {
    let revisions = nodes
        .iter()
        .enumerate()
        .map(|(at, (content, message, follows))| Revision {
            is_merge: follows.len() > 1,
            is_merged: merged.contains(&(at + 1)),
            follows: follows.iter().map(|number| id(*number)).collect(),
            ..revision(at + 1, content, message)
        });
    read(&FileHistory {
        revisions: revisions.rev().collect(),
        is_complete: true,
    })
}

fn images(values: &ImageValues) -> Vec<&str> {
    values
        .list
        .iter()
        .map(|value| value.image.as_str())
        .collect()
}

fn image(text: &str) -> Reference {
    text.parse().unwrap()
}

fn is_bad(values: &ImageValues, text: &str) -> bool {
    values.bad(&image(text)).is_some()
}

fn sources(values: &ImageValues) -> Vec<String> {
    let sources = values.sources().into_iter();
    sources
        .map(|(name, _)| name.as_str()[..7].to_owned())
        .collect()
}

/// The trailers of a rollback.
fn rollback(bad: &str, good: &str) -> String {
    format!("Runbook-Image: {good}\nRunbook-Rollback-Of: {bad}")
}

/// The trailers of a bump, built from the commit of this digit.
fn bump(digit: char, image: &str) -> String {
    let source = digit.to_string().repeat(40);
    format!("Runbook-Source: {source}\nRunbook-Image: {image}")
}

#[test]
fn equal_neighbours_are_one_value() {
    let values = values(&[
        ("a:v1", ""),
        ("a:v2", ""),
        ("", ""),
        ("a:v2", ""),
        ("a:v1", ""),
    ]);
    assert_eq!(images(&values), ["a:v1", "a:v2", "a:v1"]);
    assert_eq!(
        (&values.list[1].commit, &values.list[0].commit),
        (&id(2), &id(5))
    );
}

#[test]
fn a_rollback_marks_only_the_previous_value() {
    let both = "Runbook-Rollback-Of: a:v3\nRunbook-Rollback-Of: a:v2";
    let prod = values(&[("a:v1", ""), ("a:v2", ""), ("a:v1", both)]);
    let stage = values(&[("a:v2", ""), ("a:v3", ""), ("a:v2", both)]);
    assert_eq!(
        (is_bad(&prod, "a:v2"), is_bad(&prod, "a:v3")),
        (true, false)
    );
    assert_eq!(
        (is_bad(&stage, "a:v2"), is_bad(&stage, "a:v3")),
        (false, true)
    );
    assert_eq!(prod.bad(&image("a:v2")).unwrap().by, id(3));
}

#[test]
fn a_commit_that_replaces_nothing_marks_nothing() {
    let comment = values(&[
        ("a:v1", ""),
        ("a:v2", ""),
        ("a:v2", &rollback("a:v2", "a:v1")),
        ("a:v3", ""),
    ]);
    let other = values(&[
        ("a:v1", ""),
        ("a:v2", ""),
        ("a:v3", &rollback("a:v1", "a:v3")),
    ]);
    assert!(!is_bad(&comment, "a:v2") && !is_bad(&other, "a:v1"));
    assert_eq!(other.list[0].origin, ValueOrigin::Bump);
}

#[test]
fn only_the_named_image_has_the_source() {
    let list = format!("{}\n\n{}", bump('1', "b:v2"), bump('2', "a:v2"));
    let first = format!("{}\n\n{}", bump('2', "a:v2"), bump('1', "b:v2"));
    for message in [list, first] {
        let values = values(&[("a:v1", ""), ("a:v2", &message)]);
        assert_eq!(sources(&values), ["2222222"], "{message}");
    }
    let given = format!(
        "Runbook-Source: {}\n\n{}",
        "f".repeat(40),
        bump('2', "a:v2")
    );
    assert_eq!(
        sources(&values(&[("a:v1", ""), ("a:v2", &given)])),
        ["2222222"]
    );
}

#[test]
fn a_person_lifts_a_mark_and_a_squash_does_not() {
    let older = bump('2', "a:v2");
    let forced = format!("{older}\nRunbook-Forced: yes");
    for (message, is_held) in [("", false), (&*forced, false), (&*older, true)] {
        let values = values(&[
            ("a:v1", ""),
            ("a:v2", &older),
            ("a:v1", &rollback("a:v2", "a:v1")),
            ("a:v2", message),
            ("a:v3", ""),
        ]);
        assert_eq!(is_bad(&values, "a:v2"), is_held, "{message}");
    }
}

#[test]
fn a_merge_keeps_the_marks_of_both_sides() {
    let back = rollback("a:v2", "a:v1");
    // The rollback was merged, while the branch changed something else.
    let merged = graph(
        &[
            ("a:v1", "", &[]),
            ("a:v2", "", &[1]),
            ("a:v1", &back, &[2]),
            ("a:v2", "a comment", &[2]),
            ("a:v1", "", &[4, 3]),
        ],
        &[3],
    );
    assert!(is_bad(&merged, "a:v2"));
    assert_eq!(images(&merged), ["a:v1", "a:v2", "a:v1"]);
    assert_eq!(merged.list[0].origin, ValueOrigin::Rollback);
    assert_eq!(
        (&merged.list[0].commit, &merged.list[0].set_by),
        (&id(5), &id(3))
    );
    // A commit that does not know the rollback lifts nothing.
    let unaware = graph(
        &[
            ("a:v1", "", &[]),
            ("a:v2", "", &[1]),
            ("a:v1", &back, &[2]),
            ("a:v3", "", &[2]),
            ("a:v2", "", &[4]),
            ("a:v1", "", &[3, 5]),
        ],
        &[4, 5],
    );
    assert!(is_bad(&unaware, "a:v2"));
    // One that follows it does, although the other side still has the mark.
    let aware = graph(
        &[
            ("a:v1", "", &[]),
            ("a:v2", "", &[1]),
            ("a:v1", &back, &[2]),
            ("a:v2", "", &[3]),
            ("a:v1", "a comment", &[3]),
            ("a:v2", "", &[5, 4]),
        ],
        &[4],
    );
    assert!(!is_bad(&aware, "a:v2"));
}

#[test]
fn a_merge_that_brings_a_bad_image_back_lifts_nothing() {
    let values = graph(
        &[
            ("a:v1", "", &[]),
            ("a:v2", &bump('2', "a:v2"), &[1]),
            ("a:v2", &bump('2', "a:v2"), &[1]),
            ("a:v1", &rollback("a:v2", "a:v1"), &[2]),
            ("a:v2", "", &[4, 3]),
            ("a:v2", "", &[5]),
        ],
        &[3],
    );
    assert!(is_bad(&values, "a:v2"));
}

#[test]
fn sources_of_merged_branches_count() {
    let values = graph(
        &[
            ("a:v1", &bump('1', "a:v1"), &[]),
            ("a:v3", &bump('3', "a:v3"), &[1]),
            ("a:v3", "more", &[2]),
            ("a:v3", "", &[1, 3]),
        ],
        &[2, 3],
    );
    assert_eq!(sources(&values), ["3333333", "1111111"]);
    assert_eq!(images(&values), ["a:v3", "a:v1"]);
}

#[test]
fn a_forced_step_back_leaves_newer_sources_behind() {
    let forced = format!("{}\nRunbook-Forced: yes", bump('1', "a:v1"));
    let values = values(&[
        ("a:v3", &bump('3', "a:v3")),
        ("a:v1", &forced),
        ("a:v2", &bump('2', "a:v2")),
    ]);
    assert_eq!(sources(&values), ["2222222", "1111111"]);
}

#[test]
fn a_forced_step_back_may_name_its_source_by_tag() {
    let tag = |digit: &str| format!("a:sha-{}", digit.repeat(7));
    let bump = |digit: &str| format!("deploy\n\nRunbook-Image: {}", tag(digit));
    let forced = format!("{}\nRunbook-Forced: yes", bump("1"));
    let values = values(&[
        (&*tag("3"), &*bump("3")),
        (&*tag("1"), &*forced),
        (&*tag("2"), &*bump("2")),
    ]);
    assert_eq!(sources(&values), ["2222222", "1111111"]);
}

#[test]
fn the_title_of_a_rollback_without_trailers_is_a_doubt() {
    let mut history = FileHistory::linear(
        vec![
            revision(3, "a:v1", ""),
            revision(2, "a:v2", ""),
            revision(1, "a:v1", ""),
        ],
        true,
    );
    for (message, is_held) in [
        ("rollback(prod): a v2 -> v1 (#7)", true),
        (
            "Release (#8)\n\n* rollback(prod): a v2 -> v1\n\n* docs",
            true,
        ),
        ("Revert \"rollback(prod): a v2 -> v1\"", false),
        ("fix: a rollback(prod): no", false),
    ] {
        message.clone_into(&mut history.revisions[0].message);
        let values = read(&history);
        assert_eq!(is_bad(&values, "a:v2"), is_held, "{message}");
        assert_eq!(
            values.list[0].origin == ValueOrigin::MaybeRollback,
            is_held,
            "{message}"
        );
    }
}

#[test]
fn a_mark_may_name_a_repository_alone() {
    let back = rollback("a", "a:v2");
    let values = values(&[("a:v1", ""), ("a:v2", ""), ("a", ""), ("a:v2", &back)]);
    assert_eq!(values.list[0].origin, ValueOrigin::Rollback);
    assert_eq!(values.list[0].undone, [NamedImage::of("a").unwrap()]);
}

#[test]
fn a_person_who_puts_a_value_back_reverts() {
    let v1 = bump('1', "a:v1");
    let by_hand = values(&[("a:v1", &v1), ("a:v2", ""), ("a:v3", ""), ("a:v1", "")]);
    assert!(by_hand.is_reverted_to(0) && !by_hand.is_reverted_to(1));
    let reverted: Vec<bool> = (0..4).map(|at| by_hand.is_reverted(at)).collect();
    assert_eq!(reverted, [false, true, true, false]);
    let again = values(&[("a:v1", &v1), ("a:v2", ""), ("a:v1", &v1)]);
    assert!(!again.is_reverted_to(0));
}

#[test]
fn a_gap_forgets_nothing() {
    let values = values(&[
        ("a:v1", &bump('1', "a:v1")),
        ("a:v3", &bump('3', "a:v3")),
        ("a:v1", &rollback("a:v3", "a:v1")),
        ("", ""),
        ("a:v1", ""),
    ]);
    assert!(is_bad(&values, "a:v3"));
    assert_eq!(sources(&values), ["3333333", "1111111"]);
    assert_eq!(images(&values), ["a:v1", "a:v3", "a:v1"]);
}

#[test]
fn a_tag_pushed_again_is_another_image() {
    let digest = |digit: &str| format!("a:v2@sha256:{}", digit.repeat(64));
    let trailer = format!("Runbook-Image: {}", digest("1"));
    let rollback = format!("Runbook-Rollback-Of: {}", digest("1"));
    let values = values(&[("a:v1", ""), ("a:v2", &trailer), ("a:v1", &rollback)]);
    assert_eq!(
        values.reference(&values.list[1]).unwrap(),
        image(&digest("1"))
    );
    assert!(is_bad(&values, "a:v2") && is_bad(&values, &digest("1")));
    assert!(!is_bad(&values, &digest("2")));
    let renamed = digest("1").replace("a:v2", "b:v9");
    assert!(is_bad(&values, &renamed));
}

#[test]
fn sources_come_from_trailers_before_tags() {
    let (one, two) = ("1".repeat(40), "2".repeat(40));
    let rollback = format!("Runbook-Rollback-Of: a:sha-3333333\nRunbook-Source: {one}");
    let values = values(&[
        ("a:v1", &format!("Runbook-Source: {one}")),
        ("a:sha-3333333", ""),
        ("a:v1", &rollback),
        ("a:v9", ""),
        (
            "a:v4",
            &format!("Runbook-Source: {two}\nRunbook-Image: b:v1"),
        ),
    ]);
    assert_eq!(sources(&values), ["3333333", "1111111"]);
    assert_eq!(values.source(&values.list[2]).unwrap().as_str(), one);
}
