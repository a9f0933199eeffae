//! Maps kube's errors to verdicts and reasons.

use std::{error::Error as StdError, io};

use anyhow::anyhow;
use contract::{
    Failure, Reason, Verdict, World, asking,
    world::{TransportError, TransportErrorKind},
};
use kube::core::Status;
use kube::runtime::watcher;

use crate::{body_limit::BodyTooLarge, role};

/// How much of a message is shown.
const MAX_MESSAGE_LENGTH: usize = 400;

/// Converts an error of kube's client to a transport error, below the recording.
pub(crate) fn transport(error: &kube::Error) -> TransportError {
    let text = chain(error);
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let kind = if says(&["certificate", "UnknownIssuer", "CertNotYetValid"]) {
        TransportErrorKind::Certificate
    } else if io_kind(error) == Some(io::ErrorKind::TimedOut)
        || says(&["timed out", "deadline has elapsed"])
    {
        TransportErrorKind::TimedOut
    } else if io_kind(error) == Some(io::ErrorKind::ConnectionRefused)
        || says(&["Connect", "dns error", "tunnel"])
    {
        TransportErrorKind::Connect
    } else {
        TransportErrorKind::Broken
    };
    TransportError::new(kind, text)
}

/// Converts the error of a body that broke off.
pub(crate) fn broken(error: &(dyn StdError + 'static)) -> TransportError {
    TransportError::new(TransportErrorKind::Broken, chain(error))
}

/// Joins all causes in one line, each once: kube's errors print their source as well.
fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        next = error.source();
        if next.is_some_and(|cause| text.ends_with(&cause.to_string())) {
            continue;
        }
        texts.push(text);
    }
    texts.join(": ")
}

fn io_kind(error: &(dyn StdError + 'static)) -> Option<io::ErrorKind> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Some(error.kind());
        }
        next = error.source();
    }
    None
}

/// Returns whether a watch expired, a normal event after which the objects are listed again.
pub(crate) fn is_gone(error: &watcher::Error) -> bool {
    match error {
        watcher::Error::WatchError(status) => status.code == 410,
        watcher::Error::WatchStartFailed(kube::Error::Api(status)) => status.code == 410,
        _ => false,
    }
}

/// Returns whether a list failed since the API does not have its kind: where no extension brings a
/// kind, the API server answers without its usual form.
pub(crate) fn is_unknown_kind(error: &watcher::Error) -> bool {
    matches!(error, watcher::Error::InitialListFailed(kube::Error::Api(status)) if status.code == 404)
}

/// A request that failed.
#[derive(Clone, Copy)]
pub(crate) struct FailedRequest<'a> {
    /// The path without its query.
    pub(crate) path: &'a str,
    /// The API server's address.
    pub(crate) server: &'a str,
    pub(crate) world: &'a World,
}

impl FailedRequest<'_> {
    /// Converts an error of a watch.
    pub(crate) fn watch(self, error: watcher::Error) -> Failure {
        match error {
            watcher::Error::InitialListFailed(error)
            | watcher::Error::WatchStartFailed(error)
            | watcher::Error::WatchFailed(error) => self.request(error),
            watcher::Error::WatchError(status) => self.api(&status),
            watcher::Error::NoResourceVersion => {
                self.not_the_api("a list without `resourceVersion`")
            }
        }
    }

    /// Converts an error of one request.
    pub(crate) fn request(self, error: kube::Error) -> Failure {
        if let Some(too_large) = BodyTooLarge::find(&error) {
            return self.not_the_api(&too_large.to_string());
        }
        match error {
            kube::Error::Api(status) => self.api(&status),
            kube::Error::SerdeError(error) => {
                // The parser quotes the whole text that it did not expect.
                let error = self.world.excerpt(&error.to_string(), MAX_MESSAGE_LENGTH);
                self.not_the_api(&format!("JSON of another shape: {error}"))
            }
            kube::Error::FromUtf8(error) => self.not_the_api(&error.to_string()),
            kube::Error::Service(error) => match error.downcast::<TransportError>() {
                Ok(error) => from_transport(&error, self.server),
                Err(error) => Failure::internal(anyhow!("{error}")),
            },
            error @ (kube::Error::ReadEvents(_) | kube::Error::HyperError(_)) => {
                let (server, cause) = (self.server, chain(&error));
                let text = format!("`{server}` closed the connection early: {cause}");
                Failure::unavailable(asking::UNREACHABLE, anyhow!(text))
            }
            error => Failure::internal(anyhow!("{}", chain(&error))),
        }
    }

    fn api(self, status: &Status) -> Failure {
        let (path, server, said) = (self.path, self.server, self.said(status));
        // kube sets this reason when the body is not a `Status`.
        let is_foreign = status.reason == "Failed to parse error data";
        match status.code {
            // A proxy in front of the API server asks for a login of its own.
            401 if is_foreign => {
                self.not_the_api(&format!("status 401 for `{path}`, not in its form: {said}"))
            }
            401 => Failure::denied(
                asking::CREDENTIALS_REJECTED,
                anyhow!("`{server}` does not accept the credentials of the kubeconfig: {said}"),
            )
            .hinted("log in again, or create a new token (`kubectl create token`)"),
            403 if !is_foreign => forbidden(&said, path, server),
            429 => Failure::unavailable(
                asking::RATE_LIMITED,
                anyhow!("`{server}` limits the request rate: {said}"),
            ),
            500.. => Failure::unavailable(
                asking::SERVER_ERROR,
                anyhow!("`{server}` failed with status {}: {said}", status.code),
            ),
            code => self.not_the_api(&format!("status {code} for `{path}`: {said}")),
        }
    }

    pub(crate) fn not_the_api(self, what: &str) -> Failure {
        let server = self.server;
        let error = anyhow!("`{server}` does not answer as a Kubernetes API server: {what}");
        Failure::unavailable(asking::NOT_THE_API, error).hinted(
            "check the address of the kubeconfig's cluster: a login page or a proxy may be in \
             between",
        )
    }

    /// Returns the beginning of the message in one line: a login page is long.
    fn said(self, status: &Status) -> String {
        self.world.excerpt(&status.message, MAX_MESSAGE_LENGTH)
    }
}

fn from_transport(error: &TransportError, server: &str) -> Failure {
    let unavailable = |reason: Reason, what: &str| {
        Failure::unavailable(reason, anyhow!("{what} `{server}`: {error}"))
    };
    match error.kind {
        TransportErrorKind::NotRecorded => Failure::internal(anyhow!("{error}")),
        TransportErrorKind::Certificate => {
            unavailable(asking::UNTRUSTED_CERTIFICATE, "do not trust").hinted(
                "set `certificate-authority-data` of the kubeconfig's cluster to the certificate \
                 authority of the API server",
            )
        }
        TransportErrorKind::TimedOut => unavailable(asking::TIMED_OUT, "no answer in time from"),
        _ => unavailable(asking::UNREACHABLE, "could not reach").hinted(
            "check the address in the kubeconfig, and that this machine can reach the API server",
        ),
    }
}

fn forbidden(said: &str, path: &str, server: &str) -> Failure {
    if said.contains("\"system:anonymous\"") {
        return Failure::denied(
            asking::NO_CREDENTIALS,
            anyhow!("`{server}` asks for credentials: {said}"),
        )
        .hinted("give the kubeconfig's user a token, a certificate or an exec plugin");
    }
    let failure = Failure::denied(asking::PERMISSION_MISSING, anyhow!("{said}"));
    let namespace = path
        .split('/')
        .skip_while(|part| *part != "namespaces")
        .nth(1)
        .unwrap_or("the namespace");
    match role::of_path(path) {
        Some(rule) => failure.hinted(format!(
            "add this rule to the Role of these credentials in `{namespace}`, \
             and check that the namespace exists: `{}`",
            rule.line
        )),
        None => failure,
    }
}

/// Returns whether the failure is transient.
pub(crate) fn is_transient(failure: &Failure) -> bool {
    let passing = [
        asking::UNREACHABLE,
        asking::TIMED_OUT,
        asking::SERVER_ERROR,
        asking::RATE_LIMITED,
    ];
    failure.verdict == Verdict::Unavailable && passing.contains(&failure.reason)
}
