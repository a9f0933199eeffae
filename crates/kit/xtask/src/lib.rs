//! The project's own tasks: set up and run the tests, fuzz the editor, generate files, add a step.
//!
//! [`anatomy`], [`arrows`] and [`circles`] read the sources alone. All else needs the steps
//! themselves, the feature `steps`: without it the tests of the structure build in seconds.

pub mod anatomy;
pub mod arrows;
pub mod circles;
pub mod repository;
pub mod source;

#[cfg(feature = "steps")]
mod command_line;
#[cfg(feature = "steps")]
mod fuzz;
#[cfg(feature = "steps")]
pub mod generate;
#[cfg(feature = "steps")]
mod install;
#[cfg(feature = "steps")]
pub mod new_step;
#[cfg(feature = "steps")]
mod setup;
#[cfg(feature = "steps")]
mod test;
#[cfg(feature = "steps")]
mod testbed;

#[cfg(feature = "steps")]
pub use command_line::main;
