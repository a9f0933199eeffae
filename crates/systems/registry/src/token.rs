//! Token servers, which exchange credentials for a bearer token.

use contract::{Failure, Secret, World, asking};
use fetch::{Fetch, FetchError, FetchRequest, HttpAnswer, is_loopback};
use serde::Deserialize;
use url::Url;

use crate::{
    challenge::BearerChallenge,
    credentials::{CredentialKind, Credentials},
    error::RegistryError,
};

/// The largest answer of a token server.
const MAX_TOKEN_SIZE: usize = 64 << 10;

/// Where the tokens for one repository come from.
pub(crate) struct TokenEndpoint {
    /// With the query that names service and scope.
    url: Url,
}

/// The answer of a token server.
pub(crate) enum TokenAnswer {
    /// The value of the header `authorization`.
    Granted(Secret),
    /// It does not accept the credentials, or requires some; in its own words.
    Refused(String),
}

impl TokenEndpoint {
    /// Returns the token server that a challenge names.
    ///
    /// The registry's credentials go there, so it must use https if the registry does: a registry
    /// could name any server (go-containerregistry#2258).
    ///
    /// # Errors
    /// `not-the-api` when the challenge names no address, or one without TLS.
    pub(crate) fn new(
        challenge: &BearerChallenge,
        host: &str,
        repository: &str,
        is_plain: bool,
    ) -> Result<Self, Failure> {
        let realm = &challenge.realm;
        let Ok(mut url) = realm.parse::<Url>() else {
            return Err(invalid_realm(host, realm, "the address is invalid"));
        };
        let allows_plain = is_plain || is_loopback(&url);
        if url.scheme() != "https" && !(url.scheme() == "http" && allows_plain) {
            return Err(invalid_realm(host, realm, "it is not https"));
        }
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
        Ok(Self { url })
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
            Some(credentials) => fetch
                .get(self.url.clone())
                .secret_header("authorization", credentials.basic_header(world).expose()),
        };
        request.limit(MAX_TOKEN_SIZE).secret_answer()
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
        let request = fetch.post(url, form.finish().into_bytes()).repeatable();
        request.header("content-type", "application/x-www-form-urlencoded")
    }

    /// Reads the answer to [`request`](Self::request).
    pub(crate) fn read(&self, answer: &HttpAnswer, world: &World) -> Result<TokenAnswer, Failure> {
        match answer.status() {
            200 => read_token(answer, world).map(TokenAnswer::Granted),
            401 | 403 => Ok(TokenAnswer::Refused(RegistryError::explain(answer))),
            status => {
                let text = format!("`{}` answered {status}{}", self.host(), answer.quoted());
                Err(FetchError::new(asking::NOT_THE_API, world.redact(&text)).into())
            }
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

fn read_token(answer: &HttpAnswer, world: &World) -> Result<Secret, Failure> {
    #[derive(Deserialize)]
    struct TokenBody {
        token: Option<String>,
        access_token: Option<String>,
    }
    let body: TokenBody = answer.json()?;
    match body.token.or(body.access_token) {
        Some(token) if !token.is_empty() => Ok(bearer_header(&world.hide_foreign(&token))),
        _ => {
            let text = "it sent neither `token` nor `access_token`";
            Err(FetchError::new(asking::NOT_THE_API, text).into())
        }
    }
}

fn invalid_realm(host: &str, realm: &str, why: &str) -> Failure {
    let text = format!("`{host}` names `{realm}` as its token server: {why}");
    FetchError::new(asking::NOT_THE_API, text).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(realm: &str, scope: Option<&str>) -> Result<TokenEndpoint, Failure> {
        let challenge = BearerChallenge {
            realm: realm.to_owned(),
            service: Some("registry.example".to_owned()),
            scope: scope.map(str::to_owned),
        };
        TokenEndpoint::new(&challenge, "registry.example", "data-literate/dex", false)
    }

    #[test]
    fn a_token_server_without_tls_gets_no_credentials() {
        for realm in ["http://auth.example/token", "file:///token", "token"] {
            let failure = server(realm, None).err().unwrap();
            assert_eq!(failure.reason, asking::NOT_THE_API, "{realm}");
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
