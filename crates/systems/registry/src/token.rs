//! Token servers, which exchange credentials for a bearer token.

use contract::{
    Failure, Secret, World, asking,
    world::{BoundSecret, Origin},
};
use fetch::{Fetch, FetchError, FetchRequest, HttpAnswer};
use serde::Deserialize;
use url::Url;

use crate::{
    auth_file::CredentialKind,
    challenge::{BearerChallenge, Challenge},
    credentials::Credentials,
    error::RegistryError,
    refusal::{RefusalKind, lacks_a_right},
};

/// The largest answer of a token server.
const MAX_TOKEN_SIZE: usize = 64 << 10;
/// The shortest token. A token is masked wherever it occurs, so a short one would let a server choose
/// which words of the output disappear.
const MIN_TOKEN_LENGTH: usize = 16;
/// The token of a recording, which contains no secrets.
const RECORDED_TOKEN: &str = "***";

/// A registry behind a proxy names its token server by its own idea of its address.
const REALM_HINT: &str = "set the public address of the registry in its own configuration, with \
    https: Harbor's `external_url`, Gitea's `ROOT_URL`, distribution's `auth.token.realm`";

/// Where the tokens for one repository come from.
pub(crate) struct TokenEndpoint {
    /// With the query that names service and scope.
    url: Url,
    /// Whether no other machine can have named this server: none can change the registry's answers.
    is_named_in_private: bool,
    /// The registry that names it.
    registry: Origin,
}

/// The answer of a token server.
pub(crate) enum TokenAnswer {
    /// The value of the header `authorization`.
    Granted(Secret),
    /// It does not accept the credentials, or requires some.
    Refused(TokenRefusal),
}

/// Why a token server grants no token.
#[derive(Debug)]
pub(crate) struct TokenRefusal {
    pub(crate) kind: RefusalKind,
    /// Its own words.
    pub(crate) said: String,
    /// The credentials are wrong or no longer valid; otherwise they may not read the repository.
    pub(crate) is_rejection: bool,
    /// It has the form of such a server's refusal, and not only a challenge.
    pub(crate) is_own_word: bool,
}

impl TokenRefusal {
    /// Reads a refusal; `None` when the answer is none. GitLab and Harbor answer 403 to good
    /// credentials of another project, and GitHub answers 403 with the only word `denied` to bad ones.
    fn read(answer: &HttpAnswer) -> Option<Self> {
        let error = RegistryError::of_token_server(answer.body());
        let status = answer.status();
        let words = error
            .as_ref()
            .map(|error| (error.code.as_str(), error.message.as_str()));
        let is_rejected_grant = |code: &str| {
            let code = code.to_ascii_lowercase();
            ["invalid_grant", "invalid_client", "unauthorized_client"].contains(&code.as_str())
        };
        let is_challenge = Challenge::find(answer.headers("www-authenticate")).is_some();
        let kind = match (status, words) {
            (400, Some((code, _))) if is_rejected_grant(code) => RefusalKind::Expired,
            (401 | 403, _) => RefusalKind::of(status, is_challenge, error.as_ref()),
            _ => RefusalKind::NoAnswer,
        };
        let is_bare = words.is_some_and(|(_, message)| message.eq_ignore_ascii_case("denied"));
        let is_lacking =
            words.is_some_and(|(code, message)| lacks_a_right(message) || lacks_a_right(code));
        let is_rejection =
            !is_lacking && (status != 403 || kind == RefusalKind::Expired || is_bare);
        let is_refusal = !matches!(kind, RefusalKind::Absent | RefusalKind::NoAnswer);
        is_refusal.then(|| Self {
            kind,
            said: RegistryError::said(error.as_ref(), answer),
            is_rejection,
            is_own_word: error.is_some(),
        })
    }
}

impl TokenEndpoint {
    /// Returns the token server that the challenge of a registry names.
    ///
    /// The registry's credentials go there, and a registry could name any server
    /// (go-containerregistry#2258): one on another public host is usual, one without TLS or further
    /// in than the registry is refused.
    ///
    /// # Errors
    /// `not-the-api` when the challenge names no address, `realm-refused` when the registry may not
    /// name it.
    pub(crate) fn new(
        challenge: &BearerChallenge,
        registry: &Url,
        repository: &str,
    ) -> Result<Self, Failure> {
        let (realm, registry) = (&challenge.realm, Origin::of(registry));
        let url = realm.parse::<Url>().ok();
        let Some(mut url) = url.filter(|url| matches!(url.scheme(), "http" | "https")) else {
            let text = format!("`{registry}` names `{realm}` as its token server: invalid address");
            return Err(FetchError::new(asking::NOT_THE_API, text).into());
        };
        let server = Origin::of(&url);
        if let Some(why) = registry.refuses(&server) {
            let text = format!("`{registry}` names `{server}` as its token server, which is {why}");
            let failure = Failure::from(FetchError::new(asking::REALM_REFUSED, text));
            return Err(failure.hinted(REALM_HINT));
        }
        // A user in an address becomes a header `authorization`.
        let _ = (url.set_username(""), url.set_password(None));
        let own_scope = format!("repository:{repository}:pull");
        // Some registries challenge with a placeholder or an empty scope, and their token servers
        // then grant a token that opens nothing.
        let scope = challenge
            .scope
            .as_deref()
            .filter(|scope| scope.contains(repository))
            .unwrap_or(&own_scope);
        if let Some(service) = &challenge.service {
            url.query_pairs_mut().append_pair("service", service);
        }
        url.query_pairs_mut().append_pair("scope", scope);
        Ok(Self {
            url,
            is_named_in_private: registry.is_confidential(),
            registry,
        })
    }

    /// Returns whether credentials of this kind may be used: no other machine can have named the server,
    /// or can read what is sent to it.
    pub(crate) fn may_use(&self, kind: CredentialKind) -> bool {
        // A registry token is sent to the registry itself.
        let is_sent_here = kind != CredentialKind::RegistryToken;
        let is_confidential = Origin::of(&self.url).is_confidential();
        self.is_named_in_private && (is_confidential || !is_sent_here)
    }

    /// Returns the request for a token; without credentials, for one that anybody gets.
    pub(crate) fn request<'f>(
        &self,
        credentials: Option<&Credentials>,
        fetch: &'f Fetch<'_>,
        world: &World,
    ) -> FetchRequest<'f> {
        let request = match credentials {
            None => fetch.get(self.url.clone()),
            Some(credentials) if credentials.kind == CredentialKind::IdentityToken => {
                self.exchange(credentials, fetch)
            }
            Some(credentials) => {
                let header = BoundSecret::new(credentials.basic_header(world), &self.url);
                let request = fetch.get(self.url.clone());
                request.secret_header("authorization", header)
            }
        };
        let request = request.limit(MAX_TOKEN_SIZE).secret_answer();
        let request = request.led_by(self.registry.clone());
        // Token servers lock accounts and addresses after some rejected logins.
        if credentials.is_some() {
            request.once_if_limited()
        } else {
            request
        }
    }

    /// Exchanges an identity token (distribution, "OAuth2 Token Authentication").
    fn exchange<'f>(&self, credentials: &Credentials, fetch: &'f Fetch<'_>) -> FetchRequest<'f> {
        let query: Vec<(String, String)> = self.url.query_pairs().into_owned().collect();
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "refresh_token")
            .append_pair("client_id", "dex-actions");
        form.extend_pairs(query)
            .append_pair("refresh_token", credentials.secret.expose());
        let mut url = self.url.clone();
        url.set_query(None);
        let body = BoundSecret::new(Secret::new(form.finish()), &url);
        let request = fetch.post_secret(url, body).repeatable();
        request.header("content-type", "application/x-www-form-urlencoded")
    }

    /// Reads the answer to [`request`](Self::request); `image` is the reference that the step reads.
    pub(crate) fn read(
        &self,
        answer: &HttpAnswer,
        image: &str,
        world: &World,
    ) -> Result<TokenAnswer, Failure> {
        match answer.status() {
            200 => read_token(answer, image, world).map(TokenAnswer::Granted),
            401 | 403 if answer.is_elsewhere() => {
                let said = RegistryError::explain(answer);
                let text = format!("`{}` redirects to another server: {said}", self.host());
                Err(FetchError::new(asking::REDIRECTED_ELSEWHERE, text).into())
            }
            status => match TokenRefusal::read(answer) {
                Some(refusal) if !answer.is_elsewhere() => Ok(TokenAnswer::Refused(refusal)),
                _ => {
                    let text = format!("`{}` answered {status}{}", self.host(), answer.quoted());
                    Err(FetchError::new(asking::NOT_THE_API, world.redact(&text)).into())
                }
            },
        }
    }

    /// Returns the host, for messages.
    pub(crate) fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }
}

/// Returns the header `authorization` for a token.
pub(crate) fn bearer_header(token: &Secret) -> Secret {
    Secret::new(format!("Bearer {}", token.expose()))
}

fn read_token(answer: &HttpAnswer, image: &str, world: &World) -> Result<Secret, Failure> {
    #[derive(Deserialize)]
    struct TokenBody {
        token: Option<String>,
        access_token: Option<String>,
    }
    let body: TokenBody = answer.json()?;
    let tokens = [body.token, body.access_token];
    let Some(token) = tokens.into_iter().flatten().find(|token| !token.is_empty()) else {
        let text = "it sent neither `token` nor `access_token`";
        return Err(FetchError::new(asking::NOT_THE_API, text).into());
    };
    if token == RECORDED_TOKEN {
        return Ok(bearer_header(&Secret::new(token)));
    }
    if let Some(why) = defect(&token, image) {
        let text = format!("it sent a token that is {why}, which cannot be a secret");
        return Err(FetchError::new(asking::NOT_THE_API, text).into());
    }
    Ok(bearer_header(&world.hide_foreign(&token)))
}

/// Returns why a text is no token: masking it would hide what the step reports.
fn defect(token: &str, image: &str) -> Option<&'static str> {
    let digits = token.strip_prefix("sha256:").unwrap_or(token);
    if token.chars().count() < MIN_TOKEN_LENGTH {
        Some("shorter than 16 characters")
    } else if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        // A sentence is not; a runner would mask it in the log of the whole job.
        Some("a text with blanks or letters that no header has")
    } else if digits
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    {
        Some("a digest or a part of one")
    } else if image.contains(token) {
        Some("a part of the image's name")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(realm: &str, scope: Option<&str>) -> Result<TokenEndpoint, Failure> {
        named_by("https://registry.example/", realm, scope)
    }

    fn named_by(
        registry: &str,
        realm: &str,
        scope: Option<&str>,
    ) -> Result<TokenEndpoint, Failure> {
        let challenge = BearerChallenge {
            realm: realm.to_owned(),
            service: Some("registry.example".to_owned()),
            scope: scope.map(str::to_owned),
        };
        TokenEndpoint::new(&challenge, &registry.parse().unwrap(), "data-literate/dex")
    }

    #[test]
    fn a_realm_without_address_is_not_the_api() {
        for realm in ["file:///token", "token", "", "ssh://auth.example/token"] {
            let failure = server(realm, None).err().unwrap();
            assert_eq!(failure.reason, asking::NOT_THE_API, "{realm}");
        }
    }

    #[test]
    fn a_realm_further_in_is_refused() {
        let (public, inner) = ("https://registry.example/", "https://10.0.0.1/");
        for (registry, realm) in [
            (public, "http://auth.example/token"),
            (public, "http://registry.example/token"),
            (public, "http://127.0.0.1:5001/token"),
            (public, "https://localhost/token"),
            (public, "https://192.168.0.1/token"),
            (public, "https://[fd00::1]/token"),
            (public, "https://169.254.169.254/token"),
            ("http://registry.example/", "http://10.0.0.2/token"),
            (inner, "https://127.0.0.1/token"),
            (inner, "http://10.0.0.2/token"),
            ("http://127.0.0.1:5000/", "http://169.254.169.254/token"),
        ] {
            let failure = named_by(registry, realm, None).err().unwrap();
            assert_eq!(failure.reason, asking::REALM_REFUSED, "{registry} {realm}");
            assert!(failure.hints.join(" ").contains("public address"));
        }
    }

    #[tokio::test]
    async fn a_named_realm_is_led_to_by_its_registry() {
        let world = World::for_tests(std::time::Duration::ZERO);
        let fetch = Fetch::new(&world);
        let server = named_by("http://registry.example/", "http://auth.example/x", None).unwrap();
        let request = server.request(None, &fetch, &world);
        let registry = Origin::of(&"http://registry.example".parse().unwrap());
        assert_eq!(request.leader(), Some(&registry));
    }

    #[test]
    fn only_a_confidential_realm_gets_credentials() {
        let may_use = |kind, registry: &str, realm: &str| {
            let server = named_by(registry, realm, None).unwrap();
            server.may_use(kind)
        };
        let may = |registry: &str, realm: &str| {
            let kinds = [CredentialKind::Password, CredentialKind::IdentityToken];
            let [password, identity] = kinds.map(|kind| may_use(kind, registry, realm));
            assert_eq!(password, identity);
            password
        };
        assert!(may(
            "https://registry.example/",
            "https://auth.other.example/token"
        ));
        assert!(may(
            "https://registry.example/",
            "https://registry.example/token"
        ));
        assert!(may("http://127.0.0.1:5000/", "http://127.0.0.1:5001/token"));
        assert!(may("http://127.0.0.1:5000/", "https://auth.example/token"));
        assert!(!may("http://127.0.0.1:5000/", "http://auth.example/token"));
        assert!(!may(
            "http://registry.example/",
            "http://registry.example/token"
        ));
        assert!(
            !may("http://registry.example/", "https://auth.example/token"),
            "anyone on the way could have named it"
        );
        let token = CredentialKind::RegistryToken;
        assert!(may_use(
            token,
            "http://127.0.0.1:5000/",
            "http://auth.example/token"
        ));
        assert!(!may_use(
            token,
            "http://registry.example/",
            "https://auth.example/token"
        ));
    }

    #[test]
    fn a_token_hides_nothing_that_is_reported() {
        let image = "registry.example/data-literate/dex:sha-1a2b3c4d5e6f";
        let digest = format!("sha256:{}", "3966".repeat(16));
        for token in [
            "e",
            "sha256",
            "fifteen--chars-",
            &digest,
            &digest[7..],
            &digest[7..30],
            "registry.example/data",
            image,
            "the registry does not have it",
            "sixteen-\u{202e}-chars---",
        ] {
            assert!(defect(token, image).is_some(), "{token}");
        }
        for token in ["sixteen--chars--", "eyJhbGciOiJFUzI1NiJ9.e30.c2ln"] {
            assert_eq!(defect(token, image), None, "{token}");
        }
    }

    #[test]
    fn a_placeholder_scope_is_replaced() {
        let own = "https://auth.example/token?service=registry.example\
                   &scope=repository%3Adata-literate%2Fdex%3Apull";
        for scope in [None, Some("repository:user/image:pull")] {
            let server = server("https://auth.example/token", scope).unwrap();
            assert_eq!(server.url.as_str(), own);
        }
    }
}
