//! The only HTTP client: timeouts, retries, limits, redirects, redaction.
//!
//! `contract` owns the raw transport, this crate every policy. A request results in an
//! [`HttpAnswer`], whose status may be any that is an answer (200, 401, 404, …), or in a
//! [`FetchError`]: no connection, an answer that is cut or endless, a server that failed or wants a
//! longer pause than there is time.

mod answer;
mod authorities;
mod client;
mod error;
mod github_limit;
mod redirect_policy;
mod request;
mod retry;
mod stream;

pub use self::{
    answer::HttpAnswer,
    authorities::authorities,
    client::Fetch,
    error::FetchError,
    redirect_policy::is_loopback,
    request::FetchRequest,
    stream::{HttpStream, StreamAnswer},
};
