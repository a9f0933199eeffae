//! Which headers a redirected request keeps.

use contract::{World, world::Header};
use url::{Host, Url};

/// Returns the headers for `target`. Headers with a secret go only to the server of `meant`, and
/// only over a private connection (CVE-2020-15157: a registry redirected a client with its
/// credentials).
pub(crate) fn headers_for(
    headers: &[Header],
    meant: &Url,
    target: &Url,
    world: &World,
) -> Vec<Header> {
    let same = meant.origin() == target.origin();
    let private = target.scheme() == "https" || is_loopback(target);
    if same && !private && headers.iter().any(|header| header.sensitive) {
        let host = target.host_str().unwrap_or_default();
        world.notice(format!(
            "sent no credentials to `{host}`, since others can read plain HTTP"
        ));
    }
    headers
        .iter()
        .filter(|header| !header.sensitive || (same && private))
        .cloned()
        .collect()
}

/// Returns whether a URL stays on this machine, where nothing can read plain HTTP in transit.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn secrets_stay_with_their_host_and_off_plain_http() {
        let world = World::for_tests(Duration::ZERO);
        let headers = [
            Header {
                name: "accept",
                value: "x".to_owned(),
                sensitive: false,
            },
            Header {
                name: "authorization",
                value: "Bearer t".to_owned(),
                sensitive: true,
            },
        ];
        let sent = |meant: &str, target: &str| {
            headers_for(
                &headers,
                &meant.parse().unwrap(),
                &target.parse().unwrap(),
                &world,
            )
            .len()
                == 2
        };
        assert!(sent("https://a.example/x", "https://a.example/y"));
        assert!(sent("http://127.0.0.1:5000/x", "http://127.0.0.1:5000/y"));
        assert!(!sent("https://a.example/x", "https://b.example/x"));
        assert!(!sent("https://a.example/x", "https://a.example:8443/x"));
        assert!(!sent("https://a.example/x", "http://a.example/x"));
        assert!(!sent("http://a.example/x", "http://a.example/x"));
        assert!(!sent("http://127.0.0.1:5000/x", "http://127.0.0.1:5001/x"));
    }
}
