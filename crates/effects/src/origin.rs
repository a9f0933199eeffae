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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
/// Azure, Oracle; Google, Oracle and Scaleway over IPv6).
const METADATA: [IpAddr; 6] = [
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42)),
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

    /// Returns how far away a server is that names another one.
    fn reach_as_source(&self) -> Reach {
        match self.reach() {
            Reach::Loopback if !self.is_loopback() => Reach::Public,
            reach => reach,
        }
    }

    /// Returns how far away a server is that another one names. The unspecified address is no
    /// address of a server, but a connection to it ends on this machine.
    fn reach_as_target(&self) -> Reach {
        match &self.host {
            Some(Host::Ipv4(address)) if address.is_unspecified() => Reach::Loopback,
            Some(Host::Ipv6(address)) if is_unspecified(*address) => Reach::Loopback,
            _ => self.reach(),
        }
    }

    /// Returns whether the server is on this machine. An address that only stands for one of this
    /// machine, such as that of a tunnel, does not count: its packets leave the machine.
    pub fn is_loopback(&self) -> bool {
        match &self.host {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
            Some(Host::Domain(name)) => is_localhost(name),
            None => false,
        }
    }

    /// Returns the host, if it is a name.
    pub(crate) fn domain(&self) -> Option<&str> {
        match &self.host {
            Some(Host::Domain(name)) => Some(name),
            _ => None,
        }
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
        let (from, to) = (self.reach_as_source(), target.reach_as_target());
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
        let [first, second, ..] = address.segments();
        // fd00:ec2::/32 are the services of Amazon's instances and pods.
        let is_of_amazon = (first, second) == (0xfd00, 0xec2);
        if first & 0xffc0 == 0xfe80 || is_of_amazon {
            Self::LinkLocal
        } else if address.is_loopback() {
            Self::Loopback
        } else if first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfec0 || address.is_unspecified() {
            Self::Private
        } else {
            Self::Public
        }
    }

    /// Returns whether an address lies further in than the one that leads there.
    pub(crate) fn is_further_in_than(self, from: Self) -> bool {
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

fn is_unspecified(address: Ipv6Addr) -> bool {
    address.is_unspecified() || embedded(address).is_some_and(|address| address.is_unspecified())
}

/// Returns the IPv4 address in an IPv6 address that stands for it: mapped, compatible, translated
/// (RFC 6052, 8215 and 7915), or of a tunnel (6to4, ISATAP).
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [high, low] = match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, g, h]
        | [0, 0, 0, 0, 0xffff, 0, g, h]
        | [0x64, 0xff9b, 0, 0, 0, 0, g, h]
        | [0x64, 0xff9b, 1, _, _, _, g, h]
        | [_, _, _, _, 0 | 0x200, 0x5efe, g, h]
        | [0x2002, g, h, ..] => [g, h],
        [0, 0, 0, 0, 0, 0, g, h] if g != 0 => [g, h],
        _ => return None,
    };
    let [high, low] = [high, low].map(u16::to_be_bytes);
    Some(Ipv4Addr::new(high[0], high[1], low[0], low[1]))
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
            ("[fd00:ec2::23]", Reach::LinkLocal),
            ("[fd20:ce::254]", Reach::LinkLocal),
            ("[fd00:c1::a9fe:a9fe]", Reach::LinkLocal),
            ("192.0.0.192", Reach::LinkLocal),
            ("[64:ff9b:1::a9fe:a9fe]", Reach::LinkLocal),
            ("[::ffff:0:169.254.169.254]", Reach::LinkLocal),
            ("[2002:a9fe:a9fe::1]", Reach::LinkLocal),
            ("[fd12:3456::5efe:169.254.169.254]", Reach::LinkLocal),
            ("[2002:7f00:1::]", Reach::Loopback),
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
    fn only_this_machine_is_loopback() {
        for host in [
            "127.0.0.1",
            "127.8.8.8",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "x.localhost",
        ] {
            let server = origin(&format!("http://{host}/x"));
            assert!(server.is_loopback() && server.is_confidential(), "{host}");
        }
        for host in [
            "[64:ff9b::127.0.0.1]",
            "[::127.0.0.1]",
            "[2002:7f00:1::]",
            "[2001:db8::5efe:127.0.0.1]",
            "127.0.0.1.example.org",
            "10.0.0.1",
        ] {
            let server = origin(&format!("http://{host}/x"));
            assert!(!server.is_loopback() && !server.is_confidential(), "{host}");
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
            (inner, "https://0.0.0.0", RefusedLead::Inner),
            (inner, "https://[::]", RefusedLead::Inner),
            (inner, "https://[::ffff:0.0.0.0]", RefusedLead::Inner),
            (inner, "https://[fd00:ec2::23]", RefusedLead::LinkLocal),
            (
                "http://[2002:7f00:1::2]",
                "http://[::1]",
                RefusedLead::Inner,
            ),
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
