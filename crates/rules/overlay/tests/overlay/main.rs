//! The editor from outside: cases, properties, limits, and a corpus of real files.

mod cases;
mod corpus;
mod limits;
mod properties;
