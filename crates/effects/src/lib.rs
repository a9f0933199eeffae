//! The effects of a step: it may send requests, run programs, read and write files, and read the
//! clock, the environment and randomness.
//!
//! Everything goes through one trait, [`Effects`], so that a run can be recorded and replayed on a
//! laptop, offline, with the same verdict. Three types implement it: [`Real`] performs the effects,
//! [`Recorder`] wraps other effects and remembers them, [`Tape`] answers from a recording under
//! tokio's paused clock.

mod bound_secret;
mod deadline;
mod effects;
mod file_kind;
mod http;
mod json_weight;
mod local_future;
mod origin;
mod program;
mod real;
mod recorder;
mod recording_folder;
mod redactor;
mod secret;
mod secret_answer;
mod tape;
mod tape_entry;
mod transport;
mod transport_error;
mod vars;

pub use bound_secret::{BoundSecret, WithheldSecret};
pub use deadline::Deadline;
pub use effects::{Effects, Live, LiveHttp};
pub use file_kind::FileKind;
pub use http::{Body, BodyStream, Header, HttpRequest, HttpResponse, Tls};
pub use json_weight::JsonWeight;
pub use local_future::LocalFuture;
pub use origin::{Origin, Reach, RefusedLead};
pub use program::{Output, Spawn};
pub use real::{Real, kill_programs};
pub use recorder::Recorder;
pub use recording_folder::RecordingFolder;
pub use redactor::Redactor;
pub use secret::Secret;
pub use tape::Tape;
pub use tape_entry::TAPE_FILE;
pub use transport_error::{TransportError, TransportErrorKind};
pub use vars::Vars;
