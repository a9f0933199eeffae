//! A token server, as the public registries have: it exchanges passwords for short-lived tokens.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::faulty::{Faulty, ScriptedReply, SeenRequest};
use crate::lock::lock;
use crate::signing::{Signer, encode};
use crate::tls::Authority;

const ISSUER: &str = "lab tokens";
const SERVICE: &str = "lab registry";

/// Answers as GHCR does: 403 `DENIED` for a private, absent or misspelt repository, and for a wrong
/// password.
#[derive(Debug)]
pub struct TokenServer {
    server: Faulty,
    rules: Arc<Mutex<TokenRules>>,
    signer: Arc<Signer>,
}

/// The credentials that the server accepts, and its script.
#[derive(Debug)]
struct TokenRules {
    user: String,
    password: String,
    public: Vec<String>,
    identity: Option<String>,
    scripted: Vec<ScriptedReply>,
    always: Option<ScriptedReply>,
    refuse_credentials: bool,
}

impl TokenServer {
    pub(super) fn start(user: &str, password: &str, authority: Option<Authority>) -> Self {
        let rules = Arc::new(Mutex::new(TokenRules {
            user: user.to_owned(),
            password: password.to_owned(),
            public: Vec::new(),
            identity: None,
            scripted: Vec::new(),
            always: None,
            refuse_credentials: false,
        }));
        let signer = Arc::new(Signer::new());
        let (law, pen) = (Arc::clone(&rules), Arc::clone(&signer));
        let server = Faulty::start(authority, move |seen| lock(&law).answer(seen, &pen));
        Self {
            server,
            rules,
            signer,
        }
    }

    /// Returns the URL that the registry sends its clients to.
    #[must_use]
    pub fn realm(&self) -> String {
        format!("{}/token", self.server.url())
    }

    /// Lets clients pull from this repository without credentials.
    pub fn allow_anonymous(&self, repository: &str) {
        self.change(|rules| rules.public.push(repository.to_owned()));
    }

    /// Accepts this identity token, posted with `grant_type=refresh_token`; without one, POST is a
    /// 404.
    pub fn accept_identity_token(&self, token: &str) {
        self.change(|rules| rules.identity = Some(token.to_owned()));
    }

    /// Refuses all credentials from now on, the right ones too, as GHCR does with an expired token.
    pub fn refuse_credentials(&self) {
        self.change(|rules| rules.refuse_credentials = true);
    }

    /// Gives the next requests these replies, one each; after them it is a token server again.
    pub fn answer_next(&self, replies: impl IntoIterator<Item = ScriptedReply>) {
        let replies = replies.into_iter().collect::<Vec<_>>();
        self.change(|rules| rules.scripted.extend(replies));
    }

    /// Gives every request this reply.
    pub fn answer_always(&self, reply: ScriptedReply) {
        self.change(|rules| rules.always = Some(reply));
    }

    /// Returns how many requests it has had.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.seen().len()
    }

    /// Returns these requests.
    #[must_use]
    pub fn seen(&self) -> Vec<SeenRequest> {
        self.server.seen()
    }

    /// Returns a token for this repository and these actions, without a request.
    #[must_use]
    pub fn ticket(&self, repository: &str, actions: &[&str]) -> String {
        token(&self.signer, &[access(repository, actions)])
    }

    pub(super) fn certificate_pem(&self) -> &str {
        &self.signer.certificate_pem
    }

    /// Returns the registry's settings for this server.
    pub(super) fn settings(&self, bundle: &str) -> Value {
        json!({
            "realm": self.realm(),
            "service": SERVICE,
            "issuer": ISSUER,
            "rootcertbundle": bundle,
        })
    }

    fn change(&self, change: impl FnOnce(&mut TokenRules)) {
        change(&mut lock(&self.rules));
    }
}

impl TokenRules {
    fn answer(&mut self, seen: &SeenRequest, signer: &Signer) -> ScriptedReply {
        if !self.scripted.is_empty() {
            return self.scripted.remove(0);
        }
        match &self.always {
            Some(reply) => reply.clone(),
            None if seen.method == "POST" => self.exchange(seen, signer),
            None => self.sell(seen, signer),
        }
    }

    fn sell(&self, seen: &SeenRequest, signer: &Signer) -> ScriptedReply {
        let trusted = match seen.header("authorization") {
            Some(credentials) if !self.knows(credentials) => {
                return ScriptedReply::registry_error(403, "DENIED", "denied");
            }
            credentials => credentials.is_some(),
        };
        let query = seen.path.split_once('?').map_or("", |(_, query)| query);
        self.grant("token", query, trusted, signer)
    }

    fn exchange(&self, seen: &SeenRequest, signer: &Signer) -> ScriptedReply {
        let form = String::from_utf8_lossy(&seen.body);
        let shown = parameters(&form, "refresh_token").next();
        match &self.identity {
            None => ScriptedReply::text(404, "404 page not found"),
            Some(known) if shown.as_ref() != Some(known) => {
                ScriptedReply::registry_error(401, "UNAUTHORIZED", "unauthorized")
            }
            Some(_) => self.grant("access_token", &form, true, signer),
        }
    }

    fn grant(&self, field: &str, query: &str, trusted: bool, signer: &Signer) -> ScriptedReply {
        let granted: Vec<_> = parameters(query, "scope")
            .filter_map(|scope| self.judge(&scope, trusted))
            .collect();
        if granted.is_empty() {
            return ScriptedReply::registry_error(
                403,
                "DENIED",
                "requested access to the resource is denied",
            );
        }
        ScriptedReply::json(200, &json!({ field: token(signer, &granted) }))
    }

    /// Reads `repository:NAME:ACTION,ACTION` and returns the granted part.
    fn judge(&self, scope: &str, trusted: bool) -> Option<Value> {
        let (name, actions) = scope.strip_prefix("repository:")?.rsplit_once(':')?;
        let public = self.public.iter().any(|public| public == name);
        let granted = |action: &&str| trusted || (public && *action == "pull");
        let actions: Vec<_> = actions.split(',').filter(granted).collect();
        (!actions.is_empty()).then(|| access(name, &actions))
    }

    fn knows(&self, credentials: &str) -> bool {
        let wanted = basic(&self.user, &self.password);
        !self.refuse_credentials && credentials == wanted
    }
}

/// Returns the value of an `Authorization` header.
pub(crate) fn basic(user: &str, password: &str) -> String {
    format!(
        "Basic {}",
        BASE64_STANDARD.encode(format!("{user}:{password}"))
    )
}

fn access(repository: &str, actions: &[&str]) -> Value {
    json!({ "type": "repository", "name": repository, "actions": actions })
}

/// Returns the decoded values of one parameter of a query or form.
fn parameters<'a>(query: &'a str, name: &'a str) -> impl Iterator<Item = String> + 'a {
    query
        .split('&')
        .filter_map(move |pair| pair.strip_prefix(name)?.strip_prefix('=').map(decode))
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let hex = [rest.next().unwrap_or(b'0'), rest.next().unwrap_or(b'0')];
                u8::from_str_radix(&String::from_utf8_lossy(&hex), 16).unwrap_or(b'?')
            }
            byte => byte,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Returns a signed token, with the certificate that the registry trusts in it.
fn token(signer: &Signer, access: &[Value]) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO)
        .as_secs();
    let certificate = BASE64_STANDARD.encode(&signer.certificate);
    let header = json!({ "typ": "JWT", "alg": "ES256", "x5c": [certificate] });
    let claims = json!({
        "iss": ISSUER, "sub": "lab", "aud": SERVICE, "jti": now.to_string(),
        "iat": now, "nbf": now - 60, "exp": now + 300, "access": access,
    });
    let signed = format!(
        "{}.{}",
        encode(header.to_string()),
        encode(claims.to_string())
    );
    format!("{signed}.{}", signer.sign(&signed))
}
