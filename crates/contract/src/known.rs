//! The findings of a step so far.

use serde_json::{Map, Value};

use crate::Subject;

/// The findings of a step so far, for the report of a run that fails or is interrupted.
#[derive(Debug, Default, Clone)]
pub(crate) struct KnownSoFar {
    pub(crate) facts: Map<String, Value>,
    pub(crate) subjects: Vec<Subject>,
    pub(crate) notices: Vec<String>,
    /// Names of the secret variables that are set, for `reproduce`.
    pub(crate) secrets: Vec<&'static str>,
}
