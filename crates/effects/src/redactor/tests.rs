use proptest::prelude::*;
use serde_json::json;

use super::*;

fn knowing(secrets: &[&str]) -> Redactor {
    let redactor = Redactor::default();
    for secret in secrets {
        redactor.add(secret);
    }
    redactor
}

#[test]
fn a_secret_is_removed_in_every_form() {
    let redactor = knowing(&["p/ss \"word"]);
    for text in [
        "p/ss \"word",
        "p%2Fss+%22word",
        "p%2Fss%20%22word",
        "p/ss \\\"word",
    ] {
        assert_eq!(redactor.apply(&format!("a {text} b")), "a *** b");
    }
}

#[test]
fn a_secret_is_removed_as_other_programs_escape_it() {
    let redactor = knowing(&["A/b&<c>+d'=="]);
    for text in [
        "A/b\\u0026\\u003cc\\u003e+d'==",
        "A\\/b&<c>+d'==",
        "A/b&amp;&lt;c&gt;+d&#39;==",
        "A%2fb%26%3cc%3e%2bd%27%3d%3d",
        "A%2Fb%26%3Cc%3E%2Bd%27%3D%3D",
    ] {
        assert_eq!(redactor.apply(&format!("a {text} b")), "a *** b");
    }
}

/// With a comparison of each place with each other one this takes more than a minute.
#[test]
fn a_server_that_repeats_a_secret_wins_no_time() {
    let redactor = knowing(&["s3cr", "a-longer-secret"]);
    let started = std::time::Instant::now();
    let text = "s3cr/a-longer-secret/@ ".repeat(20_000);
    assert!(!redactor.apply(&text).contains("s3cr"));
    let data = "s3cr typed-a-longer-secret-word ".repeat(20_000);
    let masked = redactor.apply_data(&data, |word| word.starts_with("typed"));
    assert!(masked.starts_with("*** typed-a-longer-secret-word ***"));
    assert!(started.elapsed() < std::time::Duration::from_secs(30));
}

#[test]
fn the_longer_of_two_secrets_goes_first() {
    let redactor = knowing(&["abc", "abcdef"]);
    assert_eq!(redactor.apply("abcdef abc"), "*** ***");
}

#[test]
fn overlapping_secrets_leave_no_part() {
    assert_eq!(knowing(&["abcd", "cdef"]).apply("x abcdef y"), "x *** y");
    assert_eq!(knowing(&["aba"]).apply("x ababa y"), "x *** y");
}

#[test]
fn passwords_in_urls_never_show() {
    let redactor = Redactor::default();
    for (text, clean) in [
        (
            "fetch https://x:token@git.example.org/a.git and ssh://git@host/b",
            "fetch https://***@git.example.org/a.git and ssh://git@host/b",
        ),
        ("at https://token@host/a.git", "at https://***@host/a.git"),
        ("--server=admin:pw@host", "--server=***@host"),
        ("`admin:p@w@host:1/x`", "`***@host:1/x`"),
    ] {
        assert_eq!(redactor.apply(text), clean);
    }
    let password = knowing(&["p/w"]);
    assert_eq!(password.apply("https://u:p/w@host/x"), "https://***@host/x");
}

#[test]
fn an_image_is_no_address_with_a_password() {
    let digest = "a".repeat(64);
    for image in ["app:v1", "ghcr.io/acme/app:v1", "localhost:5000/app"] {
        let text = format!("{image}@sha256:{digest}, git@host:acme/app, alice@example.org");
        assert_eq!(Redactor::default().apply(&text), text);
    }
}

#[test]
fn an_excerpt_is_redacted_before_it_is_cut() {
    let redactor = knowing(&["correct  horse  battery"]);
    let text = "it was: correct  horse  battery, no";
    assert_eq!(redactor.excerpt(text, 12), "it was: ***,");
    assert_eq!(redactor.excerpt("a \n\t b", 9), "a b");
}

#[test]
fn keys_are_redacted_as_values_are() {
    let mut value = json!({ "a": 1, "the hunter2": ["hunter2", { "hunter2": null }] });
    knowing(&["hunter2"]).apply_json(&mut value);
    assert_eq!(
        value.to_string(),
        r#"{"a":1,"the ***":["***",{"***":null}]}"#
    );
}

#[test]
fn typed_data_is_masked_only_as_a_whole_secret() {
    let redactor = knowing(&["app", "c0ffee"]);
    redactor.add_foreign("image:app");
    let is_typed = |word: &str| word.starts_with("image:") || word == "c0ffee";
    let masked = |text| redactor.apply_data(text, is_typed);
    assert_eq!(masked("image:app, the app"), "image:app, the ***");
    assert_eq!(masked("c0ffee"), "***");
}

#[test]
fn a_short_secret_is_no_part_of_data() {
    let redactor = knowing(&["amd64", "production"]);
    let masked = |text| redactor.apply_data(text, |_| false);
    assert_eq!(masked("linux/amd64,linux/arm64"), "linux/amd64,linux/arm64");
    assert_eq!(masked("password=amd64"), "password=***");
    assert_eq!(masked("at/production"), "at/***");
    assert_eq!(redactor.apply("linux/amd64"), "linux/***");
}

#[test]
fn the_debug_form_names_no_secret() {
    assert!(!format!("{:?}", knowing(&["hunter2"])).contains("hunter2"));
}

proptest! {
    /// However an answer is cut into chunks, no secret and no part of one is left.
    #[test]
    fn no_secret_survives_a_chunk_boundary(
        before in proptest::collection::vec(any::<u8>(), 0..12),
        after in proptest::collection::vec(any::<u8>(), 0..12),
        cuts in proptest::collection::vec(0_usize..60, 0..6),
    ) {
        const SECRET: &str = "t\u{f6}ken-0123456789-\u{20ac}";
        let redactor = knowing(&[SECRET]);
        let body = [&before, SECRET.as_bytes(), &after, SECRET.as_bytes()].concat();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|at| at.min(body.len())).collect();
        cuts.extend([0, body.len()]);
        cuts.sort_unstable();
        let chunks: Vec<Vec<u8>> =
            cuts.windows(2).map(|at| body[at[0]..at[1]].to_vec()).collect();
        let clean = redactor.apply_chunks(&chunks);
        prop_assert_eq!(clean.len(), chunks.len());
        prop_assert_eq!(clean.concat(), [&before[..], b"***", &after[..], b"***"].concat());
    }
}
