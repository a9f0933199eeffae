//! Tells the ways apart in which a request fails.

use std::error::Error;

use crate::{TransportError, TransportErrorKind};

/// Returns how a request failed. reqwest hides the cause in its chain of sources, so a certificate
/// error of rustls is searched for in the whole chain.
pub(super) fn classify(error: &reqwest::Error) -> TransportError {
    let kind = if is_certificate_error(error) {
        TransportErrorKind::Certificate
    } else if error.is_connect() && error.is_timeout() {
        TransportErrorKind::TimedOut
    } else if error.is_connect() {
        TransportErrorKind::Connect
    } else {
        TransportErrorKind::Broken
    };
    TransportError::new(kind, innermost(error))
}

fn is_certificate_error(error: &(dyn Error + 'static)) -> bool {
    causes(error).into_iter().any(|cause| {
        matches!(
            cause.downcast_ref(),
            Some(rustls::Error::InvalidCertificate(_))
        )
    })
}

/// Returns the last cause, which says what happened ("connection refused"); the causes above it
/// only say that something failed.
fn innermost(error: &(dyn Error + 'static)) -> String {
    let last = causes(error).last().map(ToString::to_string);
    let last = last.unwrap_or_default();
    let message = last.split(" (os error").next().unwrap_or_default();
    message.to_lowercase()
}

/// Returns the error and its sources, the outermost first.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    let mut all = vec![error];
    let mut next = source(error);
    while let Some(error) = next {
        all.push(error);
        next = source(error);
    }
    all
}

/// Returns the wrapped error of an `io::Error`, which `Error::source` skips, or else the source.
fn source<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    let wrapped = error
        .downcast_ref::<std::io::Error>()
        .and_then(std::io::Error::get_ref);
    match wrapped {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}
