use super::*;

const REPOSITORY: &str = "ghcr.io/data-literate/dex";

fn digest(of: char) -> String {
    format!("sha256:{}", of.to_string().repeat(64))
}

fn wanted(digests: &[char]) -> ImageMatcher {
    let digests = digests
        .iter()
        .map(|of| digest(*of).parse().unwrap())
        .collect();
    ImageMatcher::new(
        format!("{REPOSITORY}:v2").parse().unwrap(),
        digests,
        Vec::new(),
    )
}

fn runs(wanted: &ImageMatcher, image: &str, image_id: &str) -> &'static str {
    let container = Container {
        image: image.to_owned(),
        image_id: image_id.to_owned(),
        ..Container::default()
    };
    match wanted.compare(&container) {
        ImageMatch::Wanted(_) => "wanted",
        ImageMatch::Another => "another",
        ImageMatch::NotStarted => "not started",
        ImageMatch::Old => "old",
        ImageMatch::OtherBytes(_) => "other bytes",
    }
}

fn v2() -> String {
    format!("{REPOSITORY}:v2")
}

#[test]
fn an_index_digest_of_containerd_matches() {
    assert_eq!(
        runs(
            &wanted(&['a']),
            &v2(),
            &format!("{REPOSITORY}@{}", digest('a'))
        ),
        "wanted"
    );
}

#[test]
fn a_manifest_digest_of_any_platform_matches() {
    let wanted = wanted(&['a', 'b', 'c']);
    for of in ['b', 'c'] {
        assert_eq!(
            runs(
                &wanted,
                &v2(),
                &format!("docker-pullable://{REPOSITORY}@{}", digest(of))
            ),
            "wanted"
        );
    }
}

#[test]
fn a_bare_configuration_digest_matches() {
    let wanted = wanted(&['a', 'd']);
    assert_eq!(runs(&wanted, &v2(), &digest('d')), "wanted");
    assert_eq!(
        runs(&wanted, &v2(), &"d".repeat(64)),
        "wanted",
        "a local id of CRI-O"
    );
}

#[test]
fn the_digest_matches_under_another_repositorys_name() {
    assert_eq!(
        runs(
            &wanted(&['a']),
            &v2(),
            &format!("quay.io/copy/dex@{}", digest('a'))
        ),
        "wanted"
    );
}

#[test]
fn an_injected_proxy_is_another_image() {
    assert_eq!(
        runs(
            &wanted(&['a']),
            "docker.io/istio/proxyv2:1.20",
            &digest('f')
        ),
        "another"
    );
}

#[test]
fn an_old_tag_is_old() {
    let old = format!("{REPOSITORY}:v1");
    assert_eq!(
        runs(
            &wanted(&['a']),
            &old,
            &format!("{REPOSITORY}@{}", digest('e'))
        ),
        "old"
    );
    assert_eq!(runs(&wanted(&['a']), &old, ""), "old");
    assert_eq!(
        runs(&wanted(&[]), &old, &format!("{REPOSITORY}@{}", digest('e'))),
        "old"
    );
}

#[test]
fn another_digest_under_the_tag_is_distinguished() {
    assert_eq!(
        runs(
            &wanted(&['a']),
            &v2(),
            &format!("{REPOSITORY}@{}", digest('e'))
        ),
        "other bytes"
    );
}

#[test]
fn without_a_digest_the_tag_decides() {
    assert_eq!(
        runs(
            &wanted(&[]),
            &v2(),
            &format!("{REPOSITORY}@{}", digest('e'))
        ),
        "wanted"
    );
}

#[test]
fn a_container_without_image_id_has_not_started() {
    assert_eq!(runs(&wanted(&['a']), &v2(), ""), "not started");
}

#[test]
fn a_digest_wins_over_the_tag() {
    let pinned = format!("{REPOSITORY}:v2@{}", digest('e'));
    assert_eq!(runs(&wanted(&['a']), &pinned, ""), "old");
    assert_eq!(
        runs(
            &wanted(&['a', 'e']),
            &format!("{REPOSITORY}@{}", digest('e')),
            ""
        ),
        "not started"
    );
}

#[test]
fn names_are_compared_after_normalisation() {
    let wanted = |image: &str, alias: &[&str]| {
        let aliases = alias.iter().map(|alias| alias.parse().unwrap()).collect();
        ImageMatcher::new(image.parse().unwrap(), Vec::new(), aliases)
    };
    let cases: [(&str, &[&str], &str); 7] = [
        ("nginx:1", &[], "docker.io/library/nginx:1"),
        ("nginx:latest", &[], "index.docker.io/library/nginx"),
        (
            "docker.io/example/dex:1",
            &[],
            "registry-1.docker.io/example/dex:1",
        ),
        (
            "ghcr.io/data-literate/dex:1",
            &[],
            "GHCR.io/data-literate/dex:1",
        ),
        (
            "ghcr.io/data-literate/dex:1",
            &["mirror.example=ghcr.io"],
            "mirror.example/data-literate/dex:1",
        ),
        (
            "ghcr.io/x/dex:1",
            &["cache.example/ghcr.io=ghcr.io"],
            "cache.example/ghcr.io/x/dex:1",
        ),
        ("localhost:5000/dex:1", &[], "localhost:5000/dex:1"),
    ];
    for (image, alias, pod) in cases {
        assert_eq!(
            runs(&wanted(image, alias), pod, "sha256:x"),
            "not started",
            "{pod}"
        );
    }
    let other = wanted("ghcr.io/data-literate/dex:1", &[]);
    assert_eq!(
        runs(&other, "mirror.example/data-literate/dex:1", ""),
        "another"
    );
}

#[test]
fn an_alias_names_two_hosts() {
    for bad in ["", "x", "x=", "=x", "a=b=c", "a b=c"] {
        assert!(bad.parse::<Alias>().is_err(), "{bad}");
    }
}
