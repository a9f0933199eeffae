//! Servers that lead clients to each other at random, to see which secrets get lost on the way.
//!
//! Servers come in pairs: a registry and its token server. Asked directly, a registry names only
//! itself or its own token server for the credentials. Every redirect leads to a path below
//! [`ASTRAY`], where each server names whatever address it likes.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

use crate::background::bind_at;
use crate::faulty::{Faulty, ScriptedReply, SeenRequest};
use crate::lock::lock;

/// The beginning of each path that a redirect leads to.
pub const ASTRAY: &str = "/astray";

/// Addresses that no server may lead to.
const FORBIDDEN: [&str; 3] = [
    "http://169.254.169.254",
    "http://[fe80::1]",
    "http://metadata.google.internal",
];

/// The servers; the seed decides what they answer.
#[derive(Debug)]
pub struct HostileFleet {
    servers: Vec<Faulty>,
}

/// One server's view of the fleet.
struct Hostile {
    number: usize,
    addresses: Arc<Vec<String>>,
    random: Mutex<Random>,
}

/// A small generator of random numbers (SplitMix64).
struct Random(u64);

impl HostileFleet {
    /// Starts pairs of servers on the addresses 127.0.0.1 to 127.0.0.9, each on a port of its own.
    #[must_use]
    pub fn start(pairs: usize, seed: u64) -> Self {
        let sockets: Vec<_> = (0..pairs * 2)
            .map(|number| bind_at(local(number)))
            .collect();
        let addresses = sockets.iter().map(|(_, address)| address.to_string());
        let addresses = Arc::new(addresses.collect::<Vec<_>>());
        let start = |(number, socket)| {
            let server = Hostile {
                number,
                addresses: Arc::clone(&addresses),
                random: Mutex::new(Random(seed.wrapping_mul(1000) + number as u64)),
            };
            Faulty::listen(socket, None, move |seen| server.answer(seen))
        };
        Self {
            servers: sockets.into_iter().enumerate().map(start).collect(),
        }
    }

    /// Returns `address:port` of the registry of a pair.
    #[must_use]
    pub fn registry(&self, pair: usize) -> String {
        self.servers[pair * 2].address()
    }

    /// Returns `address:port` of every server that a secret reached: in an address, a header or a
    /// body, as it is, encoded as in a form, or in Basic credentials.
    #[must_use]
    pub fn reached_by(&self, secret: &str) -> Vec<String> {
        self.servers
            .iter()
            .filter(|server| server.seen().iter().any(|seen| shows(seen, secret)))
            .map(Faulty::address)
            .collect()
    }

    /// Returns `address:port` of the servers that may get the credentials of a pair.
    #[must_use]
    pub fn pair(&self, pair: usize) -> Vec<String> {
        let servers = &self.servers[pair * 2..pair * 2 + 2];
        servers.iter().map(Faulty::address).collect()
    }

    /// Returns how many requests all servers have had.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.servers.iter().map(|server| server.seen().len()).sum()
    }
}

/// Returns the token that the servers of a pair grant.
#[must_use]
pub fn token_of(pair: usize) -> String {
    format!("token-minted-by-pair-{pair}")
}

impl Hostile {
    fn answer(&self, seen: &SeenRequest) -> ScriptedReply {
        let mut random = lock(&self.random);
        if seen.path.contains("git-") {
            return self.answer_git(seen, &mut random);
        }
        let is_registry = self.number.is_multiple_of(2);
        match (seen.path.starts_with(ASTRAY), random.below(8)) {
            (_, 0 | 1) => redirect(&self.anywhere(&mut random), &mut random),
            (_, 2) => ScriptedReply::registry_error(404, "MANIFEST_UNKNOWN", "manifest unknown"),
            (true, 3 | 4) => challenge(&self.anywhere_to_log_in(&mut random), &mut random),
            (false, 3 | 4) if is_registry => challenge(&self.own_realm(&mut random), &mut random),
            // The token server refuses, and names another one.
            (false, 3) => challenge(&self.anywhere_to_log_in(&mut random), &mut random),
            (true, 5 | 6) => manifest(),
            (false, 5 | 6) if is_registry => match seen.header("authorization") {
                Some(_) => manifest(),
                None => challenge(&self.own_realm(&mut random), &mut random),
            },
            // No redirect leads to the path of the token server itself.
            (false, _) if seen.path.starts_with("/token") => grant(&token_of(self.number / 2)),
            _ => grant(&format!("token-of-astray-{}", self.number)),
        }
    }

    /// Answers as a git server: with a redirect, which git would follow for good, a challenge, or
    /// what lets git ask on.
    fn answer_git(&self, seen: &SeenRequest, random: &mut Random) -> ScriptedReply {
        let (path, query) = seen.path.split_once('?').unwrap_or((&seen.path, ""));
        match random.below(8) {
            0..=2 => {
                let target = self.anywhere(random);
                let end = path.find("/info/").map_or("", |at| &path[at..]);
                redirect(&format!("{target}{end}?{query}"), random)
            }
            3 => challenge(&self.anywhere_to_log_in(random), random),
            4 => ScriptedReply::text(404, "no such repository"),
            _ if seen.method == "GET" => advertised(query),
            _ => ScriptedReply::status(200)
                .header("Content-Type", "application/x-git-upload-pack-result")
                .body(packets(&[&format!("{} refs/heads/main\n", "a".repeat(40))])),
        }
    }

    /// Returns the address of the registry's own token server, or of the registry itself.
    fn own_realm(&self, random: &mut Random) -> String {
        let number = self.number - self.number % 2 + random.below(2);
        format!("http://{}/token", self.addresses[number])
    }

    fn anywhere_to_log_in(&self, random: &mut Random) -> String {
        format!("{}/token", self.anywhere(random))
    }

    fn anywhere(&self, random: &mut Random) -> String {
        if random.below(12) == 0 {
            return FORBIDDEN[random.below(FORBIDDEN.len())].to_owned() + ASTRAY;
        }
        let number = random.below(self.addresses.len());
        let address = &self.addresses[number];
        if number == self.number {
            // On its own server nothing is astray: it may name any token server for its own secrets.
            return format!("http://{address}/v2/");
        }
        match random.below(6) {
            0 => format!("http://user:word@{address}{ASTRAY}"),
            1 => format!("//{address}{ASTRAY}"),
            // Also where it may be asked for its own credentials.
            2 => format!("http://{address}/v2/"),
            _ => format!("http://{address}{ASTRAY}/{}", random.below(1000)),
        }
    }
}

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

fn local(number: usize) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 0, (number % 9) as u8 + 1)
}

fn redirect(location: &str, random: &mut Random) -> ScriptedReply {
    let status = [301, 302, 303, 307, 308][random.below(5)];
    ScriptedReply::redirect(status, location)
}

fn challenge(realm: &str, random: &mut Random) -> ScriptedReply {
    let status = if random.below(5) == 0 { 403 } else { 401 };
    let scheme = if random.below(3) == 0 {
        "Basic"
    } else {
        "Bearer"
    };
    let header = format!("{scheme} realm=\"{realm}\",service=\"s\"");
    ScriptedReply::registry_error(status, "UNAUTHORIZED", "log in")
        .header("WWW-Authenticate", &header)
}

fn grant(token: &str) -> ScriptedReply {
    ScriptedReply::json(200, &json!({ "token": token }))
}

fn manifest() -> ScriptedReply {
    let media_type = "application/vnd.oci.image.index.v1+json";
    let index = json!({ "schemaVersion": 2, "mediaType": media_type, "manifests": [] });
    ScriptedReply::json(200, &index)
}

/// Returns what a git server says first: its protocol, and what it can do.
fn advertised(query: &str) -> ScriptedReply {
    let service = query.strip_prefix("service=").unwrap_or(query);
    let mut body = packets(&[&format!("# service={service}\n")]);
    body += &packets(&["version 2\n", "ls-refs\n", "fetch=shallow filter\n"]);
    ScriptedReply::status(200)
        .header(
            "Content-Type",
            &format!("application/x-{service}-advertisement"),
        )
        .body(body)
}

/// Returns lines as git frames them, with the end of a section.
fn packets(lines: &[&str]) -> String {
    let framed = lines
        .iter()
        .map(|line| format!("{:04x}{line}", line.len() + 4));
    framed.collect::<String>() + "0000"
}

fn shows(seen: &SeenRequest, secret: &str) -> bool {
    let encoded: String = secret.replace('+', "%2B").replace('/', "%2F");
    let contains = |text: &str| text.contains(secret) || text.contains(&encoded);
    let in_headers = |(_, value): &(String, String)| {
        let basic = value.strip_prefix("Basic ");
        let decoded = basic.and_then(|value| BASE64_STANDARD.decode(value).ok());
        let decoded = decoded.unwrap_or_default();
        contains(value) || contains(&String::from_utf8_lossy(&decoded))
    };
    contains(&seen.path)
        || contains(&String::from_utf8_lossy(&seen.body))
        || seen.headers.iter().any(in_headers)
}
