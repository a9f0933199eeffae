//! Resolves the names of servers.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::{Reach, origin::is_localhost};

/// Resolves names as the system does, with two exceptions: `localhost` and the names below it are
/// this machine, and no name leads to a link-local address.
pub(super) struct SafeResolver;

impl Resolve for SafeResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let name = name.as_str().to_owned();
        Box::pin(async move {
            if is_localhost(&name) {
                let addresses = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
                let addresses = addresses.map(|address| SocketAddr::new(address, 0));
                return Ok(Box::new(addresses.into_iter()) as Addrs);
            }
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(Box::new(without_link_local(found, &name)?.into_iter()) as Addrs)
        })
    }
}

/// Leaves out link-local addresses: the owner of a name could lead requests to the metadata service of
/// a cloud.
fn without_link_local(
    found: impl Iterator<Item = SocketAddr>,
    name: &str,
) -> io::Result<Vec<SocketAddr>> {
    let (refused, kept): (Vec<_>, Vec<_>) =
        found.partition(|address| Reach::of(address.ip()) == Reach::LinkLocal);
    if kept.is_empty() && !refused.is_empty() {
        let text = format!("`{name}` is a name of a link-local address");
        return Err(io::Error::other(text));
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    #[tokio::test]
    async fn names_below_localhost_are_this_machine() {
        for name in ["localhost", "argocd.localhost", "a.b.localhost."] {
            let found = SafeResolver.resolve(name.parse().unwrap()).await.unwrap();
            let found: Vec<_> = found.map(|address| address.ip()).collect();
            let expected: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
            assert_eq!(found, expected, "{name}");
        }
    }

    #[test]
    fn no_name_leads_to_a_link_local_address() {
        let kept = |addresses: &[&str]| {
            let found = addresses.iter().map(|address| address.parse().unwrap());
            without_link_local(found, "x.example").map(|kept| kept.len())
        };
        assert_eq!(kept(&["203.0.113.1:0", "169.254.169.254:0"]).unwrap(), 1);
        assert!(kept(&["169.254.169.254:0", "[fe80::1]:0"]).is_err());
        assert_eq!(kept(&[]).unwrap(), 0);
    }
}
