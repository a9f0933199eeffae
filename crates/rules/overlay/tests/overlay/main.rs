//! The editor from outside: cases, properties, limits, and a corpus of real files.

mod case;
mod cases;
mod corpus;
mod limits;
mod oracle;
mod properties;
