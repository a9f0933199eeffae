//! Resolves the names of servers.

use std::{
    collections::HashMap,
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::{Origin, Reach, origin::is_localhost};

/// Resolves names as the system does, with three exceptions: `localhost` and the names below it are
/// this machine, no name leads to a link-local address, and a name to which another server led does
/// not lead further in than that server is.
pub(super) struct SafeResolver {
    pub(super) names: ResolvedNames,
    pub(super) lead: Option<NamedLead>,
}

/// A server that led to a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NamedLead {
    /// The name.
    pub(super) name: String,
    /// How far away the server is.
    pub(super) from: Reach,
}

impl NamedLead {
    fn is_to(&self, name: &str) -> bool {
        self.name.trim_end_matches('.') == name.trim_end_matches('.')
    }
}

/// How far away the names are that were resolved.
#[derive(Debug, Clone, Default)]
pub(super) struct ResolvedNames(Arc<Mutex<HashMap<String, Reach>>>);

impl ResolvedNames {
    /// Returns how far away a server is. A name that was not resolved here, as behind a proxy,
    /// counts as public.
    pub(super) fn reach(&self, server: &Origin) -> Reach {
        match server.domain() {
            Some(name) if !server.is_loopback() => {
                self.lock().get(name).copied().unwrap_or(Reach::Public)
            }
            _ => server.reach(),
        }
    }

    /// Remembers the addresses of a name: of several, and of several answers, the furthest counts,
    /// since the owner of a name may add any address to it.
    fn learn(&self, name: &str, addresses: &[SocketAddr]) {
        let reaches = addresses.iter().map(|address| Reach::of(address.ip()));
        if let Some(furthest) = reaches.max() {
            let mut known = self.lock();
            let reach = known.entry(name.to_owned()).or_insert(furthest);
            *reach = furthest.max(*reach);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Reach>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Resolve for SafeResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let name = name.as_str().to_owned();
        let names = self.names.clone();
        let lead = self.lead.clone().filter(|lead| lead.is_to(&name));
        Box::pin(async move {
            if is_localhost(&name) {
                let addresses = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
                let addresses = addresses.map(|address| SocketAddr::new(address, 0));
                return Ok(Box::new(addresses.into_iter()) as Addrs);
            }
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let kept = without_link_local(found, &name)?;
            names.learn(&name, &kept);
            let kept = match lead {
                Some(lead) => without_inner(kept, &lead)?,
                None => kept,
            };
            Ok(Box::new(kept.into_iter()) as Addrs)
        })
    }
}

/// Leaves out link-local addresses: the owner of a name could lead requests to the metadata service
/// of a cloud.
fn without_link_local(
    found: impl Iterator<Item = SocketAddr>,
    name: &str,
) -> io::Result<Vec<SocketAddr>> {
    let is_refused = |address: &SocketAddr| Reach::of(address.ip()) == Reach::LinkLocal;
    without(found, is_refused, || {
        format!("`{name}` is a name of a link-local address")
    })
}

/// Leaves out addresses further in than the server that led to the name.
fn without_inner(found: Vec<SocketAddr>, lead: &NamedLead) -> io::Result<Vec<SocketAddr>> {
    let is_refused = |address: &SocketAddr| {
        let reach = Reach::of(address.ip());
        // A connection to the unspecified address ends on this machine.
        let is_here = address.ip().to_canonical().is_unspecified();
        reach.is_further_in_than(lead.from) || (is_here && lead.from != Reach::Loopback)
    };
    without(found.into_iter(), is_refused, || {
        let name = &lead.name;
        format!("another server led to `{name}`, a name of an inner address")
    })
}

/// Leaves out addresses.
///
/// # Errors
/// When none is left.
fn without(
    found: impl Iterator<Item = SocketAddr>,
    is_refused: impl Fn(&SocketAddr) -> bool,
    why: impl Fn() -> String,
) -> io::Result<Vec<SocketAddr>> {
    let (refused, kept): (Vec<_>, Vec<_>) = found.partition(is_refused);
    if kept.is_empty() && !refused.is_empty() {
        return Err(io::Error::other(why()));
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[tokio::test]
    async fn names_below_localhost_are_this_machine() {
        let resolver = SafeResolver {
            names: ResolvedNames::default(),
            lead: None,
        };
        for name in ["localhost", "argocd.localhost", "a.b.localhost."] {
            let found = resolver.resolve(name.parse().unwrap()).await.unwrap();
            let found: Vec<_> = found.map(|address| address.ip()).collect();
            let expected: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
            assert_eq!(found, expected, "{name}");
        }
    }

    #[test]
    fn no_name_leads_to_a_link_local_address() {
        let kept = |texts: &[&str]| {
            let found = addresses(texts).into_iter();
            without_link_local(found, "x.example").map(|kept| kept.len())
        };
        assert_eq!(kept(&["203.0.113.1:0", "169.254.169.254:0"]).unwrap(), 1);
        assert!(kept(&["169.254.169.254:0", "[fe80::1]:0"]).is_err());
        assert_eq!(kept(&[]).unwrap(), 0);
    }

    #[test]
    fn no_name_leads_further_in_than_the_server_that_led_there() {
        let kept = |from: Reach, texts: &[&str]| {
            let name = "x.example".to_owned();
            without_inner(addresses(texts), &NamedLead { name, from }).map(|kept| kept.len())
        };
        let (public, inner, here) = ("203.0.113.1:0", "10.0.0.1:0", "127.0.0.1:0");
        assert_eq!(kept(Reach::Public, &[public, inner, here]).unwrap(), 1);
        assert_eq!(kept(Reach::Private, &[public, inner, here]).unwrap(), 2);
        assert_eq!(kept(Reach::Loopback, &[public, inner, here]).unwrap(), 3);
        for texts in [[inner, here], ["0.0.0.0:0", "[::]:0"]] {
            assert!(kept(Reach::Public, &texts).is_err(), "{texts:?}");
        }
        assert!(kept(Reach::Private, &["0.0.0.0:0", "[::ffff:127.0.0.1]:0"]).is_err());
    }

    #[test]
    fn of_all_addresses_of_a_name_the_furthest_counts() {
        let names = ResolvedNames::default();
        let reach = |server: &str| names.reach(&Origin::of(&server.parse().unwrap()));
        assert_eq!(reach("http://a.example"), Reach::Public);
        names.learn("a.example", &addresses(&["10.0.0.1:0"]));
        assert_eq!(reach("http://a.example"), Reach::Private);
        names.learn("a.example", &addresses(&["10.0.0.1:0", "203.0.113.1:0"]));
        names.learn("a.example", &addresses(&["127.0.0.1:0"]));
        assert_eq!(reach("http://a.example"), Reach::Public);
        assert_eq!(reach("http://10.0.0.1"), Reach::Private);
        assert_eq!(reach("http://x.localhost"), Reach::Loopback);
    }
}
