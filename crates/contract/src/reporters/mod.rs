//! The reporters: functions of a sink and a document. Nothing else prints.

pub mod github;
pub mod json;
pub mod plain;
