//! Argo CD's API, its accounts and their permissions.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use super::client::{JSON, TestbedClient};
use super::install::NAMESPACE;
use super::kubernetes::Kubernetes;
use super::unique::unique;
use super::world::TestbedWorld;
use crate::answer::HttpAnswer;
use crate::wait;

/// The Argo CD server of a world.
#[derive(Clone, Debug)]
pub struct TestbedArgoCd {
    address: String,
    token: String,
    password: String,
    client: TestbedClient,
    kubernetes: Kubernetes,
}

/// An account of Argo CD.
#[derive(Clone, Debug)]
pub struct ArgoAccount {
    /// The name, which no other test uses.
    pub name: String,
    /// A token that does not expire.
    pub token: String,
    client: TestbedClient,
}

impl TestbedArgoCd {
    pub(super) fn new(world: &TestbedWorld) -> Self {
        let token = world.argocd_token.clone();
        Self {
            client: TestbedClient::new(&format!("http://{}", world.argocd), None, Some(&token)),
            address: world.argocd.clone(),
            token,
            password: world.argocd_password.clone(),
            kubernetes: world.kubernetes.clone(),
        }
    }

    /// Returns `127.0.0.1:PORT`, for `ARGOCD_SERVER`; it speaks plain HTTP.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Returns the URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the admin's token, for `ARGOCD_AUTH_TOKEN`.
    #[must_use]
    pub fn admin_token(&self) -> &str {
        &self.token
    }

    /// Returns the password of `admin`.
    #[must_use]
    pub fn admin_password(&self) -> &str {
        &self.password
    }

    /// Returns the admin's view of a path: `/api/v1/applications`.
    ///
    /// # Panics
    ///
    /// With the server's answer, if that is an error.
    #[must_use]
    #[track_caller]
    pub fn get(&self, path: &str) -> Value {
        self.client.expect(&Method::GET, path, JSON, None)
    }

    /// Posts as the admin, and returns the answer.
    ///
    /// # Panics
    ///
    /// With the server's answer, if that is an error.
    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Value {
        self.client.expect(&Method::POST, path, JSON, Some(body))
    }

    /// Asks with this token, and returns the answer whatever its status is.
    ///
    /// # Panics
    ///
    /// If there is no answer.
    #[must_use]
    pub fn ask_as(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> HttpAnswer {
        let answer =
            self.client
                .with_token(token)
                .ask(method, path, JSON, body.map(Value::to_string));
        answer.unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Makes an account with a policy, whose lines speak of `role:ci`:
    /// `p, role:ci, applications, get, */*, allow`. Each account has that role for itself.
    ///
    /// # Panics
    ///
    /// If Argo CD does not apply it within 20 seconds.
    #[must_use]
    pub fn account(&self, policy: &[&str]) -> ArgoAccount {
        let name = unique("ci");
        let accounts = json!({ "data": { (format!("accounts.{name}")): "apiKey" } });
        self.kubernetes
            .patch(&format!("{NAMESPACE}/configmaps/argocd-cm"), &accounts);
        self.write_policy(&name, policy);
        let token = wait::found("Argo CD to know the account", || self.try_token(&name, 0));
        let account = ArgoAccount {
            client: self.client.with_token(&token),
            name,
            token,
        };
        self.wait_for_policy(&account, policy);
        account
    }

    /// Changes what an account may do, and returns once that holds.
    ///
    /// # Panics
    ///
    /// If Argo CD does not apply it within 20 seconds.
    pub fn change_account(&self, account: &ArgoAccount, policy: &[&str]) {
        self.write_policy(&account.name, policy);
        self.wait_for_policy(account, policy);
    }

    /// Returns a token of an account that has ended: Argo CD makes them for no less than a second.
    ///
    /// # Panics
    ///
    /// If Argo CD does not know the account.
    #[must_use]
    pub fn expired_token(&self, account: &ArgoAccount) -> String {
        let token = self
            .try_token(&account.name, 1)
            .expect("a token of an account that is known");
        let start = Instant::now();
        wait::until("the end of the token", || {
            std::thread::sleep(Duration::from_millis(50));
            let answer = self.ask_as(
                &token,
                Method::GET,
                "/api/v1/account/can-i/accounts/get/x",
                None,
            );
            answer.status == 401 || start.elapsed() > Duration::from_secs(15)
        });
        token
    }

    fn write_policy(&self, name: &str, policy: &[&str]) {
        let role = format!("role:{name}");
        let lines: String = policy
            .iter()
            .map(|line| line.replace("role:ci", &role) + "\n")
            .collect();
        let lines = format!("{lines}g, {name}, {role}\n");
        let policy = json!({ "data": { (format!("policy.{name}.csv")): lines } });
        self.kubernetes
            .patch(&format!("{NAMESPACE}/configmaps/argocd-rbac-cm"), &policy);
    }

    fn try_token(&self, name: &str, seconds: u32) -> Option<String> {
        let path = format!("/api/v1/account/{name}/token");
        let body = json!({ "expiresIn": seconds });
        let answer = self.ask_as(&self.token, Method::POST, &path, Some(&body));
        (answer.status == 200).then(|| answer.json()["token"].as_str().map(str::to_owned))?
    }

    /// Returns once the server enforces the policy: it allows exactly the actions that the policy
    /// allows.
    fn wait_for_policy(&self, account: &ArgoAccount, policy: &[&str]) {
        const QUESTIONS: [[&str; 2]; 6] = [
            ["applications", "get"],
            ["applications", "sync"],
            ["applications", "update"],
            ["projects", "get"],
            ["clusters", "get"],
            ["logs", "get"],
        ];
        let lines: Vec<Vec<&str>> = policy
            .iter()
            .map(|line| line.split(',').map(str::trim).collect())
            .collect();
        for [resource, action] in QUESTIONS {
            let line = lines
                .iter()
                .find(|line| line.get(2..4) == Some(&[resource, action]));
            let object = line.and_then(|line| line.get(4)).unwrap_or(&"*/*");
            let allowed = line.is_some_and(|line| line.get(5) == Some(&"allow"));
            let path = format!("/api/v1/account/can-i/{resource}/{action}/{object}");
            wait::until("Argo CD to follow the policy", || {
                let answer = account.client.ask(Method::GET, &path, JSON, None);
                let expected = if allowed { "yes" } else { "no" };
                answer
                    .is_ok_and(|answer| answer.status == 200 && answer.json()["value"] == expected)
            });
        }
    }
}
