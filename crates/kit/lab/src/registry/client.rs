//! The kit's own requests to a registry: uploads, reads and deletions.

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, LOCATION};
use reqwest::{Client, Method};

use super::Registry;
use super::access::RegistryAccess;
use super::token::basic;
use crate::answer::HttpAnswer;
use crate::background::block_on;
use crate::image::sha256;
use crate::tls;

/// All kinds of manifests, in one header: a registry calls the others missing.
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.docker.distribution.manifest.v2+json, \
    application/vnd.docker.distribution.manifest.v1+prettyjws";

impl Registry {
    /// Returns the manifest that a tag or digest stands for, whatever its kind.
    #[must_use]
    pub fn manifest(&self, repository: &str, reference: &str) -> HttpAnswer {
        let path = format!("/v2/{repository}/manifests/{reference}");
        self.ask(
            Method::GET,
            repository,
            &path,
            &[(ACCEPT.as_str(), MANIFESTS)],
            Vec::new(),
        )
    }

    /// Returns a blob.
    #[must_use]
    pub fn blob(&self, repository: &str, digest: &str) -> HttpAnswer {
        self.ask(
            Method::GET,
            repository,
            &format!("/v2/{repository}/blobs/{digest}"),
            &[],
            Vec::new(),
        )
    }

    /// Returns the digest behind a tag, if the tag exists.
    #[must_use]
    pub fn digest(&self, repository: &str, tag: &str) -> Option<String> {
        let answer = self.manifest(repository, tag);
        (answer.status == 200).then(|| sha256(&answer.body))
    }

    /// Uploads a blob and returns its digest.
    ///
    /// # Panics
    ///
    /// If the registry does not take it.
    pub fn put_blob(&self, repository: &str, bytes: &[u8]) -> String {
        let start = format!("/v2/{repository}/blobs/uploads/");
        let upload = self.ask(Method::POST, repository, &start, &[], Vec::new());
        let location = upload
            .header(LOCATION.as_str())
            .unwrap_or_else(|| self.complain("an upload", &upload));
        let digest = sha256(bytes);
        let path = format!("{location}&digest={digest}");
        let answer = self.ask(Method::PUT, repository, &path, &[], bytes.to_vec());
        self.expect("a blob", 201, &answer);
        digest
    }

    /// Uploads a manifest under a tag or its digest, and returns its digest.
    ///
    /// # Panics
    ///
    /// If the registry does not take it.
    pub fn put_manifest(
        &self,
        repository: &str,
        reference: &str,
        media_type: &str,
        bytes: &[u8],
    ) -> String {
        let path = format!("/v2/{repository}/manifests/{reference}");
        let kind = [(CONTENT_TYPE.as_str(), media_type)];
        let answer = self.ask(Method::PUT, repository, &path, &kind, bytes.to_vec());
        self.expect("a manifest", 201, &answer);
        answer
            .header("docker-content-digest")
            .expect("a digest")
            .to_owned()
    }

    /// Deletes a manifest; an index that names it stays, and dangles.
    ///
    /// # Panics
    ///
    /// If it does not exist.
    pub fn delete_manifest(&self, repository: &str, digest: &str) {
        let path = format!("/v2/{repository}/manifests/{digest}");
        let answer = self.ask(Method::DELETE, repository, &path, &[], Vec::new());
        self.expect("a deletion", 202, &answer);
    }

    /// Sends any request, as a user with all permissions.
    #[must_use]
    pub fn ask(
        &self,
        method: Method,
        repository: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> HttpAnswer {
        let url = if path.starts_with('/') {
            self.url() + path
        } else {
            path.to_owned()
        };
        let mut request = self.client().request(method, &url).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(credentials) = self.credentials(repository) {
            request = request.header(AUTHORIZATION, credentials);
        }
        block_on(async { HttpAnswer::read(request.send().await?).await })
            .unwrap_or_else(|error| panic!("{url}: {error:?}\n{}", self.log()))
    }

    fn client(&self) -> Client {
        let tls = tls::client(self.setup.authority.as_ref());
        Client::builder()
            .no_proxy()
            .tls_backend_preconfigured(tls)
            .build()
            .expect("a client")
    }

    fn credentials(&self, repository: &str) -> Option<String> {
        match &self.setup.access {
            RegistryAccess::Anonymous => None,
            RegistryAccess::Password(user, password) => Some(basic(user, password)),
            RegistryAccess::Token(..) => {
                let ticket = self
                    .tokens()
                    .ticket(repository, &["pull", "push", "delete"]);
                Some(format!("Bearer {ticket}"))
            }
        }
    }

    fn expect(&self, what: &str, status: u16, answer: &HttpAnswer) {
        if answer.status != status {
            self.complain(what, answer);
        }
    }

    fn complain(&self, what: &str, answer: &HttpAnswer) -> ! {
        let body = String::from_utf8_lossy(&answer.body);
        panic!(
            "the registry did not take {what}: {}\n{body}\n{}",
            answer.status,
            self.log()
        );
    }
}
