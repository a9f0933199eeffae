//! Test kit: hermetic commands, real servers, faults on purpose.
//!
//! Every server listens on a free port of loopback, is ready when its constructor returns, and ends
//! when its value is dropped.

mod answer;
mod background;
mod cache;
pub mod command;
pub mod disk;
pub mod faulty;
pub mod github;
pub mod hostile;
pub mod image;
mod lock;
pub mod overlays;
mod owner;
pub mod proxy;
pub mod registry;
pub mod repo;
mod signing;
pub mod testbed;
mod tls;
pub mod wait;

pub use answer::HttpAnswer;
pub use command::{HermeticCommand, ProgramRun, Running};
pub use disk::SmallDisk;
pub use faulty::{Faulty, ScriptedReply, SeenRequest, closed_port};
pub use github::FakeGitHub;
pub use hostile::HostileFleet;
pub use image::{Image, PushedImage};
pub use owner::give_away;
pub use proxy::Proxy;
pub use registry::Registry;
pub use repo::{GitRemote, HttpRemote};
pub use testbed::Testbed;
