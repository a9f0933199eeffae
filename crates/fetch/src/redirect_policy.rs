//! Which redirects are followed, and which secrets a request contains.

use contract::{
    World, asking,
    world::{BoundSecret, Header, Origin, WithheldSecret},
};
use url::Url;

use crate::FetchError;

/// A header before it is known where the request goes.
pub(crate) enum FetchHeader {
    Plain(&'static str, String),
    Secret(&'static str, BoundSecret),
}

/// A body before it is known where the request goes.
pub(crate) enum FetchBody {
    Plain(Vec<u8>),
    Secret(BoundSecret),
}

/// Where a request has been led to.
pub(crate) struct RedirectTrail {
    pub(crate) url: Url,
    /// Whether a redirect led to another server, if only for a while.
    pub(crate) is_elsewhere: bool,
    /// The other server that led to the address, if one did.
    pub(crate) led_by: Option<Origin>,
}

impl RedirectTrail {
    pub(crate) fn start(url: &Url, led_by: Option<&Origin>) -> Self {
        let led_by = led_by.filter(|server| **server != Origin::of(url));
        Self {
            url: url.clone(),
            is_elsewhere: false,
            led_by: led_by.cloned(),
        }
    }

    /// Follows a redirect.
    ///
    /// # Errors
    /// `redirected-elsewhere` when the server may not lead there.
    pub(crate) fn follow(self, mut next: Url) -> Result<Self, FetchError> {
        let (from, to) = (Origin::of(&self.url), Origin::of(&next));
        if let Some(why) = from.refuses(&to) {
            let text = format!("`{from}` redirects to `{to}`, which is {why}");
            return Err(FetchError::new(asking::REDIRECTED_ELSEWHERE, text));
        }
        // A user in an address becomes a header `authorization`. Both calls fail only without a
        // host, and http always has one.
        let _ = (next.set_username(""), next.set_password(None));
        let is_other = from != to;
        Ok(Self {
            url: next,
            is_elsewhere: self.is_elsewhere || is_other,
            led_by: if is_other { Some(from) } else { self.led_by },
        })
    }

    /// Returns the headers for the next request. A request that was led to another server contains
    /// no secret any more (CVE-2020-15157: a registry redirected a client with its credentials).
    pub(crate) fn headers(&self, headers: &[FetchHeader], world: &World) -> Vec<Header> {
        headers
            .iter()
            .filter_map(|header| self.header(header, world))
            .collect()
    }

    fn header(&self, header: &FetchHeader, world: &World) -> Option<Header> {
        let (name, value, sensitive) = match header {
            FetchHeader::Plain(name, value) => (*name, value.as_str(), false),
            FetchHeader::Secret(..) if self.is_elsewhere => return None,
            FetchHeader::Secret(name, secret) => match secret.for_request(&self.url) {
                Ok(value) => (*name, value, true),
                Err(WithheldSecret::OtherServer) => return None,
                Err(WithheldSecret::PlainHttp) => {
                    let host = self.url.host_str().unwrap_or_default();
                    world.notice(format!(
                        "sent no credentials to `{host}`, since others can read plain HTTP"
                    ));
                    return None;
                }
            },
        };
        Some(Header {
            name,
            value: value.to_owned(),
            sensitive,
        })
    }

    /// Returns the body for the next request, which makes no sense without its secret.
    ///
    /// # Errors
    /// `realm-refused` when the secret may not be sent there.
    pub(crate) fn body(&self, body: &FetchBody) -> Result<Vec<u8>, FetchError> {
        let secret = match body {
            FetchBody::Plain(bytes) => return Ok(bytes.clone()),
            FetchBody::Secret(secret) => secret,
        };
        let why = match secret.for_request(&self.url) {
            Ok(value) if !self.is_elsewhere => return Ok(value.as_bytes().to_vec()),
            Err(WithheldSecret::PlainHttp) => "others can read plain HTTP",
            _ => "they belong to another server",
        };
        let text = format!(
            "sent no credentials to `{}`, since {why}",
            Origin::of(&self.url)
        );
        Err(FetchError::new(asking::REALM_REFUSED, text))
    }
}

/// Returns whether a URL stays on this machine, where nothing can read plain HTTP in transit.
pub fn is_loopback(url: &Url) -> bool {
    Origin::of(url).is_loopback()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use contract::Secret;

    use super::*;

    fn trail(urls: &[&str]) -> Result<RedirectTrail, FetchError> {
        let start = RedirectTrail::start(&urls[0].parse().unwrap(), None);
        urls[1..]
            .iter()
            .try_fold(start, |trail, url| trail.follow(url.parse().unwrap()))
    }

    fn token(server: &str) -> BoundSecret {
        BoundSecret::new(Secret::new("Bearer t"), &server.parse().unwrap())
    }

    #[tokio::test]
    async fn a_secret_header_stays_on_its_server() {
        let world = World::for_tests(Duration::ZERO);
        let sent = |urls: &[&str]| {
            let headers = [
                FetchHeader::Plain("accept", "x".to_owned()),
                FetchHeader::Secret("authorization", token(urls[0])),
            ];
            trail(urls).unwrap().headers(&headers, &world).len() == 2
        };
        let [a, b] = ["https://a.example/x", "https://b.example/x"];
        assert!(sent(&[a]) && sent(&[a, "https://a.example/y"]));
        assert!(!sent(&[a, b]) && !sent(&[a, "https://a.example:8443/x"]));
        assert!(!sent(&[a, b, a]), "another server chose the address");
        assert!(!sent(&["http://a.example/x"]), "others can read it");
        assert!(sent(&[
            "http://127.0.0.1:5000/x",
            "http://127.0.0.1:5000/y"
        ]));
        assert!(!sent(&[
            "http://127.0.0.1:5000/x",
            "http://127.0.0.1:5001/x"
        ]));
    }

    #[test]
    fn a_secret_body_is_sent_to_its_server_or_not_at_all() {
        let sent = |bound: &str, urls: &[&str]| {
            let body = FetchBody::Secret(token(bound));
            let body = trail(urls).unwrap().body(&body);
            body.map_err(|error| error.reason())
        };
        let [a, b] = ["https://a.example/x", "https://b.example/x"];
        assert_eq!(sent(a, &[a]), Ok(b"Bearer t".to_vec()));
        assert_eq!(sent(a, &[b]), Err(asking::REALM_REFUSED));
        assert_eq!(sent(a, &[a, b]), Err(asking::REALM_REFUSED));
        let plain = "http://a.example/x";
        assert_eq!(sent(plain, &[plain]), Err(asking::REALM_REFUSED));
    }

    #[test]
    fn a_redirect_further_in_is_an_error() {
        for target in [
            "http://a.example/x",
            "https://127.0.0.1/x",
            "https://10.0.0.1/x",
            "https://169.254.169.254/latest/meta-data",
            "https://[::ffff:169.254.169.254]/x",
        ] {
            let error = trail(&["https://a.example/x", target]).err().unwrap();
            assert_eq!(error.reason(), asking::REDIRECTED_ELSEWHERE, "{target}");
            assert!(
                !error.to_string().contains("/x"),
                "only the server: {error}"
            );
        }
    }

    #[test]
    fn the_server_that_leads_elsewhere_is_known() {
        let led_by = |urls: &[&str]| {
            let trail = trail(urls).unwrap();
            trail.led_by.map(|server| server.to_string())
        };
        let [a, b, c] = [
            "http://a.example/x",
            "http://b.example/x",
            "http://b.example/y",
        ];
        assert_eq!(led_by(&[a]), None);
        assert_eq!(led_by(&[b, c]), None);
        for urls in [&[a, b][..], &[a, b, c]] {
            assert_eq!(led_by(urls).as_deref(), Some("http://a.example"));
        }
        assert_eq!(led_by(&[a, b, a]).as_deref(), Some("http://b.example"));
        let start = |led_by: &str| {
            let led_by = Origin::of(&led_by.parse().unwrap());
            RedirectTrail::start(&a.parse().unwrap(), Some(&led_by)).led_by
        };
        assert!(start(a).is_none() && start(b).is_some());
    }

    #[test]
    fn the_user_of_a_redirect_is_left_out() {
        let trail = trail(&["https://a.example/x", "https://u:p@b.example/x"]).unwrap();
        assert_eq!(trail.url.as_str(), "https://b.example/x");
    }
}
