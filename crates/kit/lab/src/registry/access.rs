//! Which clients a registry lets in.

/// The way in which clients prove who they are.
#[derive(Clone, Debug, Default)]
pub(super) enum RegistryAccess {
    #[default]
    Anonymous,
    Password(String, String),
    Token(String, String),
}
