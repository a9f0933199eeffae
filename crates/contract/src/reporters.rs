//! The reporters: functions of a sink and a final report. Nothing else prints.

pub(crate) mod github;
pub(crate) mod json;
pub(crate) mod plain;
