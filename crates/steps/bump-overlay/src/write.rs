//! Writes what the judgement asks for: the files of this checkout, or one commit on a branch.

pub(crate) mod branch;
pub(crate) mod checkout;
pub(crate) mod message;
