//! Forms of other tools that look like an image reference.

/// Returns what is wrong with a text that is written as for kustomize, skopeo or semver.
pub(crate) fn explain(text: &str) -> Option<String> {
    let without_digest = text.split_once('@').map_or(text, |(rest, _)| rest);
    scheme(text)
        .or_else(|| kustomize(text))
        .or_else(|| slash_in_tag(without_digest))
        .or_else(|| plus_in_tag(without_digest))
}

fn scheme(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    Some(format!(
        "`{scheme}://` is not part of an image reference: write `{rest}`"
    ))
}

/// `NAME=IMAGE` of `kustomize edit set image`.
fn kustomize(text: &str) -> Option<String> {
    let (name, image) = text.split_once('=')?;
    let is_name = !name.is_empty() && !name.contains('@');
    is_name.then(|| {
        format!(
            "`{name}=` is not part of an image reference: write `{image}`; `bump-overlay` takes \
             the name of the entry as `--entry {name}`"
        )
    })
}

/// A slash after a colon that does not belong to a port.
fn slash_in_tag(text: &str) -> Option<String> {
    let (host, path) = text.split_once('/')?;
    let (name, tag) = match path.split_once(':') {
        Some((name, tag)) => (format!("{host}/{name}"), tag),
        None => {
            let (name, start) = host.split_once(':')?;
            let is_port = start.bytes().all(|byte| byte.is_ascii_digit());
            if is_port {
                return None;
            }
            let tag = format!("{start}/{path}");
            return Some(slash(name, &tag));
        }
    };
    tag.contains('/').then(|| slash(&name, tag))
}

fn slash(name: &str, tag: &str) -> String {
    let written = tag.replace('/', "-");
    format!("the tag `{tag}` has a slash, which no tag has: builders write `{name}:{written}`")
}

fn plus_in_tag(text: &str) -> Option<String> {
    let start = text.rfind('/').map_or(0, |slash| slash + 1);
    let (_, tag) = text[start..].split_once(':')?;
    tag.contains('+').then(|| {
        let written = tag.replace('+', "-");
        format!("the tag `{tag}` has a `+`, which no tag has: builders write `{written}`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_other_tools_are_named() {
        for (text, word) in [
            (
                "docker://ghcr.io/acme/app:v2",
                "write `ghcr.io/acme/app:v2`",
            ),
            ("https://ghcr.io/acme/app:v2", "`https://`"),
            ("app=ghcr.io/acme/app:v2", "--entry app"),
            (
                "ghcr.io/acme/app:feature/login",
                "`ghcr.io/acme/app:feature-login`",
            ),
            ("localhost:5000/app:a/b", "the tag `a/b`"),
            ("app:feature/login", "the tag `feature/login`"),
            ("ghcr.io/acme/app:1.2.3+build.5", "`1.2.3-build.5`"),
        ] {
            let why = explain(text).unwrap_or_default();
            assert!(why.contains(word), "{text}: {why}");
        }
    }

    #[test]
    fn image_references_pass() {
        let digest = format!("ghcr.io/acme/app@sha256:{}", "a".repeat(64));
        for text in [
            "ghcr.io/acme/app:v2",
            "localhost:5000/acme/app:v2",
            "localhost:5000/app",
            "[::1]:5000/app:v1",
            "app:v2",
            "app",
            &digest,
        ] {
            assert_eq!(explain(text), None, "{text}");
        }
    }
}
