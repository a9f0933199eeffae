//! The reasons of all steps form one vocabulary.

use std::collections::BTreeMap;

use contract::{Fault, Reason, asking};

/// Returns each reason with the name of its step.
fn reasons() -> Vec<(&'static str, &'static Reason)> {
    let mut all: Vec<_> = asking::ALL
        .iter()
        .map(|reason| ("every step", reason))
        .collect();
    for step in runbook::steps::ALL {
        all.extend(step.reasons.iter().map(|reason| (step.name, reason)));
    }
    all
}

#[test]
fn a_reason_has_the_same_fault_everywhere() {
    let mut faults: BTreeMap<&str, (&str, Fault)> = BTreeMap::new();
    for (step, reason) in reasons() {
        let (other, fault) = faults.entry(reason.word).or_insert((step, reason.fault));
        let (one, two) = (fault.word(), reason.fault.word());
        assert_eq!(one, two, "`{}` in {other} and in {step}", reason.word);
    }
    assert!(
        faults.len() > 30,
        "only {} reasons were found",
        faults.len()
    );
}

#[test]
fn a_reason_is_listed_once_in_its_step() {
    for step in runbook::steps::ALL {
        let mut words: Vec<&str> = step.reasons.iter().map(|reason| reason.word).collect();
        words.sort_unstable();
        let count = words.len();
        words.dedup();
        assert_eq!(words.len(), count, "{}: {words:?}", step.name);
    }
}

#[test]
fn every_word_is_kebab_case() {
    for (step, reason) in reasons() {
        let mut parts = reason.word.split('-');
        let is_kebab = parts.all(|part| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        });
        assert!(is_kebab, "{step}: `{}`", reason.word);
    }
}

#[test]
fn every_meaning_is_a_lowercase_fragment() {
    for (step, reason) in reasons() {
        let (word, meaning) = (reason.word, reason.meaning);
        assert!(is_fragment(meaning), "{step}: `{word}`: {meaning}");
    }
}

/// A name such as "Argo CD" or "GitHub" may come first.
fn is_fragment(meaning: &str) -> bool {
    let first = meaning.split_whitespace().next().unwrap_or_default();
    let is_name = ["Argo", "GitHub", "GitHub's", "Kubernetes", "HTML"].contains(&first);
    let starts_well = is_name || !first.starts_with(char::is_uppercase);
    starts_well && !meaning.ends_with('.') && !meaning.trim().is_empty() && !meaning.contains('\n')
}
