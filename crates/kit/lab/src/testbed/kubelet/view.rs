//! A pod, as the API server knows it.

use std::time::Duration;

use serde_json::Value;

/// A pod as a script sees it.
#[derive(Clone, Debug)]
pub struct PodView {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// The image of its first container.
    pub image: String,
    /// Since it was put on its node.
    pub age: Duration,
    /// All of it, as the API has it.
    pub object: Value,
}
