//! The Kubernetes API, asked as its admin: paths as in its documentation, objects as JSON.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::Method;
use serde_json::{Value, json};

use super::client::{JSON, MERGE_PATCH, TestbedClient};
use crate::answer::HttpAnswer;

/// The API server of a world.
#[derive(Clone, Debug)]
pub struct Kubernetes {
    address: String,
    folder: PathBuf,
    admin_token: String,
    ca_pem: String,
    client: TestbedClient,
}

impl Kubernetes {
    pub(super) fn new(folder: &Path, address: &str, admin_token: &str, ca_pem: &str) -> Self {
        let client = TestbedClient::new(
            &format!("https://{address}"),
            Some(ca_pem),
            Some(admin_token),
        );
        let (address, folder) = (address.to_owned(), folder.to_owned());
        Self {
            address,
            folder,
            admin_token: admin_token.to_owned(),
            ca_pem: ca_pem.to_owned(),
            client,
        }
    }

    /// Returns `127.0.0.1:PORT`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Returns the URL of the API server.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// Returns the admin's token.
    #[must_use]
    pub fn admin_token(&self) -> &str {
        &self.admin_token
    }

    /// Returns the certificate of the authority to trust.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// Returns the admin's kubeconfig, for `KUBECONFIG`.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.join("admin.kubeconfig")
    }

    /// Writes a kubeconfig with this token, whose context is in `namespace`.
    #[must_use]
    pub fn kubeconfig_for(&self, token: &str, namespace: &str) -> PathBuf {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::SeqCst);
        let file = self.folder.join(format!(
            "{namespace}-{}-{number}.kubeconfig",
            std::process::id()
        ));
        self.write_kubeconfig(&file, token, namespace);
        file
    }

    pub(super) fn write_kubeconfig(&self, file: &Path, token: &str, namespace: &str) {
        let ca_file = self.folder.join("ca.pem");
        // JSON is YAML.
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{
                "name": "testbed",
                "cluster": { "server": self.url(), "certificate-authority": ca_file },
            }],
            "users": [{ "name": "testbed", "user": { "token": token } }],
            "contexts": [{
                "name": "testbed",
                "context": { "cluster": "testbed", "user": "testbed", "namespace": namespace },
            }],
            "current-context": "testbed",
        });
        std::fs::write(file, format!("{config:#}\n")).expect("a file in the world's folder");
    }

    /// Asks with this token, and returns the answer whatever its status is.
    ///
    /// # Panics
    ///
    /// If there is no answer.
    #[must_use]
    pub fn ask_as(&self, token: &str, method: Method, path: &str) -> HttpAnswer {
        let answer = self.client.with_token(token).ask(method, path, JSON, None);
        answer.unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Asks as the admin, and returns the answer whatever its status is, or why there is none.
    ///
    /// # Errors
    ///
    /// When the server does not answer.
    pub fn try_ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<HttpAnswer, String> {
        self.client
            .ask(method, path, JSON, body.map(Value::to_string))
    }

    /// Returns an object, if it exists.
    ///
    /// # Panics
    ///
    /// If the server does not answer.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<Value> {
        let answer = self.try_ask(Method::GET, path, None);
        let answer = answer.unwrap_or_else(|error| panic!("{path}: {error}"));
        (answer.status == 200).then(|| answer.json())
    }

    /// Returns an object that exists.
    ///
    /// # Panics
    ///
    /// With the server's answer, if the object is missing.
    #[must_use]
    #[track_caller]
    pub fn get(&self, path: &str) -> Value {
        self.client.expect(&Method::GET, path, JSON, None)
    }

    /// Returns the objects of a list.
    ///
    /// # Panics
    ///
    /// With the server's answer, if that is no list.
    #[must_use]
    #[track_caller]
    pub fn list(&self, path: &str) -> Vec<Value> {
        self.get(path)["items"]
            .as_array()
            .cloned()
            .unwrap_or_default()
    }

    /// Creates an object in the collection at `path`, and returns it.
    ///
    /// # Panics
    ///
    /// With the server's answer, if it rejects the object.
    #[track_caller]
    pub fn create(&self, path: &str, object: &Value) -> Value {
        self.client.expect(&Method::POST, path, JSON, Some(object))
    }

    /// Changes fields of an object: a merge patch, in which `null` removes.
    ///
    /// # Panics
    ///
    /// With the server's answer, if it rejects the object.
    #[track_caller]
    pub fn patch(&self, path: &str, fields: &Value) -> Value {
        self.client
            .expect(&Method::PATCH, path, MERGE_PATCH, Some(fields))
    }

    /// Deletes an object or all of a collection; does nothing if there is none.
    ///
    /// # Panics
    ///
    /// If the server does not answer.
    pub fn delete(&self, path: &str) {
        if let Err(error) = self.try_ask(Method::DELETE, path, None) {
            panic!("{path}: {error}");
        }
    }

    /// Creates an object from a file in YAML.
    pub(super) fn create_from(&self, path: &str, file: &Path) {
        let text = std::fs::read_to_string(file).expect("a manifest that was set up");
        match self
            .client
            .ask(Method::POST, path, "application/yaml", Some(text))
        {
            Ok(answer) if answer.status < 300 => {}
            Ok(answer) => panic!(
                "{}: {}",
                file.display(),
                String::from_utf8_lossy(&answer.body)
            ),
            Err(error) => panic!("{}: {error}", file.display()),
        }
    }

    pub(super) fn client(&self) -> &TestbedClient {
        &self.client
    }
}
