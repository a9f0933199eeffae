//! Servers: which two are the same one, and where one may lead a client to.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use url::{Host, Url};

/// A server: the scheme, the host and the port of its addresses.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    scheme: String,
    host: Option<Host<String>>,
    port: Option<u16>,
}

/// How far away a server is, as far as its address tells; a name counts as public.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reach {
    /// On the same link: clouds give credentials to every program that asks there.
    LinkLocal,
    /// On this machine.
    Loopback,
    /// In a private network.
    Private,
    /// Anywhere else.
    Public,
}

/// Why a server may not lead a client to another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusedLead {
    /// To a link-local address.
    LinkLocal,
    /// From TLS to plain HTTP.
    PlainHttp,
    /// To this machine, or from a public address into a private network.
    Inner,
}

/// The addresses at which clouds give credentials although they are not link-local (Alibaba Cloud,
/// Amazon over IPv6, Azure).
const METADATA: [IpAddr; 3] = [
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
];
/// The name of Google Cloud's metadata service, which resolves to a link-local address.
const METADATA_NAME: &str = "metadata.google.internal";

impl Origin {
    /// Returns the server of an address.
    pub fn of(url: &Url) -> Self {
        Self {
            scheme: url.scheme().to_owned(),
            host: url.host().map(|host| host.to_owned()),
            port: url.port_or_known_default(),
        }
    }

    /// Returns how far away the server is.
    pub fn reach(&self) -> Reach {
        match &self.host {
            Some(Host::Ipv4(address)) => Reach::of((*address).into()),
            Some(Host::Ipv6(address)) => Reach::of((*address).into()),
            Some(Host::Domain(name)) if is_localhost(name) => Reach::Loopback,
            Some(Host::Domain(name)) if name.trim_end_matches('.') == METADATA_NAME => {
                Reach::LinkLocal
            }
            _ => Reach::Public,
        }
    }

    /// Returns whether the server is on this machine.
    pub fn is_loopback(&self) -> bool {
        self.reach() == Reach::Loopback
    }

    /// Returns whether other machines cannot read the traffic: it is encrypted, or stays on this
    /// machine.
    pub fn is_confidential(&self) -> bool {
        self.scheme == "https" || self.is_loopback()
    }

    /// Returns why this server may not lead a client to `target`, if it may not. Redirects,
    /// challenges, and addresses in a body or a header lead to other servers. Where a lead is
    /// allowed, it still takes no secret of this server along.
    pub fn refuses(&self, target: &Self) -> Option<RefusedLead> {
        let (from, to) = (self.reach(), target.reach());
        if self == target {
            None
        } else if to == Reach::LinkLocal {
            Some(RefusedLead::LinkLocal)
        } else if self.scheme == "https" && target.scheme != "https" {
            Some(RefusedLead::PlainHttp)
        } else if to.is_further_in_than(from) {
            Some(RefusedLead::Inner)
        } else {
            None
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.host.as_ref().map(Host::to_string).unwrap_or_default();
        write!(f, "{}://{host}", self.scheme)?;
        let default = match self.scheme.as_str() {
            "https" => Some(443),
            _ => Some(80),
        };
        match self.port {
            Some(port) if self.port != default => write!(f, ":{port}"),
            _ => Ok(()),
        }
    }
}

impl Reach {
    /// Returns how far away an address is.
    pub fn of(address: IpAddr) -> Self {
        if METADATA.contains(&address) {
            return Self::LinkLocal;
        }
        match address {
            IpAddr::V4(address) => Self::of_v4(address),
            IpAddr::V6(address) => match embedded(address) {
                Some(embedded) => Self::of(embedded.into()),
                None => Self::of_v6(address),
            },
        }
    }

    fn of_v4(address: Ipv4Addr) -> Self {
        let [first, second, ..] = address.octets();
        // 100.64.0.0/10 is shared address space (RFC 6598); 0.0.0.0/8 is this network.
        let is_shared = first == 100 && (64..128).contains(&second);
        if address.is_link_local() {
            Self::LinkLocal
        } else if address.is_loopback() {
            Self::Loopback
        } else if address.is_private() || is_shared || first == 0 || address.is_broadcast() {
            Self::Private
        } else {
            Self::Public
        }
    }

    fn of_v6(address: Ipv6Addr) -> Self {
        let first = address.segments()[0];
        if first & 0xffc0 == 0xfe80 {
            Self::LinkLocal
        } else if address.is_loopback() {
            Self::Loopback
        } else if first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfec0 || address.is_unspecified() {
            Self::Private
        } else {
            Self::Public
        }
    }

    fn is_further_in_than(self, from: Self) -> bool {
        match self {
            Self::LinkLocal => from != Self::LinkLocal,
            Self::Loopback => from != Self::Loopback,
            Self::Private => from == Self::Public,
            Self::Public => false,
        }
    }
}

impl fmt::Display for RefusedLead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LinkLocal => "a link-local address",
            Self::PlainHttp => "plain HTTP, although the server itself uses TLS",
            Self::Inner => "an address of an inner network, which the server itself is not in",
        })
    }
}

/// Returns whether a name means this machine (RFC 6761, 6.3). The transport resolves these names by
/// itself, since a resolver may send them to any machine.
pub(crate) fn is_localhost(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

/// Returns the IPv4 address in an IPv6 address that stands for it: mapped, compatible, or translated
/// (NAT64).
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let is_mapped = [a, b, c, d, e] == [0; 5] && (f == 0xffff || (f == 0 && g != 0));
    let is_translated = [a, b, c, d, e, f] == [0x64, 0xff9b, 0, 0, 0, 0];
    let [high, low] = [g, h].map(u16::to_be_bytes);
    (is_mapped || is_translated).then(|| Ipv4Addr::new(high[0], high[1], low[0], low[1]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(url: &str) -> Origin {
        Origin::of(&url.parse().unwrap())
    }

    #[test]
    fn every_spelling_of_an_address_has_one_reach() {
        for (host, reach) in [
            ("127.0.0.1", Reach::Loopback),
            ("127.8.8.8", Reach::Loopback),
            ("2130706433", Reach::Loopback),
            ("[::1]", Reach::Loopback),
            ("[::ffff:127.0.0.1]", Reach::Loopback),
            ("localhost", Reach::Loopback),
            ("LOCALHOST.", Reach::Loopback),
            ("argocd.localhost", Reach::Loopback),
            ("169.254.169.254", Reach::LinkLocal),
            ("0xa9fea9fe", Reach::LinkLocal),
            ("[fe80::1]", Reach::LinkLocal),
            ("[::ffff:169.254.169.254]", Reach::LinkLocal),
            ("[64:ff9b::a9fe:a9fe]", Reach::LinkLocal),
            ("[fd00:ec2::254]", Reach::LinkLocal),
            ("100.100.100.200", Reach::LinkLocal),
            ("metadata.google.internal.", Reach::LinkLocal),
            ("10.1.2.3", Reach::Private),
            ("172.16.0.1", Reach::Private),
            ("192.168.0.1", Reach::Private),
            ("100.64.0.1", Reach::Private),
            ("0.0.0.0", Reach::Private),
            ("[fc00::1]", Reach::Private),
            ("[::ffff:10.0.0.1]", Reach::Private),
            ("[::]", Reach::Private),
            ("203.0.113.1", Reach::Public),
            ("[2001:db8::1]", Reach::Public),
            ("ghcr.io", Reach::Public),
            ("notlocalhost", Reach::Public),
            ("localhost.example.org", Reach::Public),
        ] {
            assert_eq!(origin(&format!("http://{host}/x")).reach(), reach, "{host}");
        }
    }

    #[test]
    fn scheme_host_and_port_make_the_server() {
        let server = origin("https://a.example/x?y");
        assert_eq!(server, origin("https://a.example:443/z"));
        for other in [
            "http://a.example",
            "https://a.example:8443",
            "https://b.example",
        ] {
            assert_ne!(server, origin(other), "{other}");
        }
        assert_eq!(server.to_string(), "https://a.example");
        assert_eq!(origin("http://[::1]:81/x").to_string(), "http://[::1]:81");
    }

    #[test]
    fn a_lead_outwards_or_to_its_own_kind_is_followed() {
        for (from, to) in [
            ("https://a.example", "https://b.example"),
            ("https://a.example", "https://a.example:8443"),
            ("http://a.example", "https://a.example"),
            ("http://a.example", "http://b.example"),
            ("http://127.0.0.1:1", "http://127.0.0.2:2"),
            ("http://localhost:1", "https://10.0.0.1"),
            ("https://10.0.0.1", "https://192.168.0.1"),
            ("http://169.254.1.1/a", "http://169.254.1.1/b"),
        ] {
            assert_eq!(origin(from).refuses(&origin(to)), None, "{from} {to}");
        }
    }

    #[test]
    fn no_server_leads_further_in() {
        let (tls, plain, inner) = ("https://a.example", "http://a.example", "https://10.0.0.1");
        for (from, to, refused) in [
            (tls, plain, RefusedLead::PlainHttp),
            (tls, "http://127.0.0.1", RefusedLead::PlainHttp),
            (tls, "https://127.0.0.1", RefusedLead::Inner),
            (tls, "https://x.localhost", RefusedLead::Inner),
            (plain, "http://10.0.0.1", RefusedLead::Inner),
            (inner, "https://[::1]", RefusedLead::Inner),
            (
                "http://127.0.0.1",
                "http://169.254.169.254",
                RefusedLead::LinkLocal,
            ),
            (
                "http://169.254.1.1",
                "http://169.254.1.2",
                RefusedLead::LinkLocal,
            ),
            (
                "http://169.254.1.1:1",
                "http://169.254.1.1:2",
                RefusedLead::LinkLocal,
            ),
        ] {
            assert_eq!(
                origin(from).refuses(&origin(to)),
                Some(refused),
                "{from} {to}"
            );
        }
    }
}
