//! The folder, the programs and the ports that a world is started with.

use std::path::PathBuf;

use super::ports::Ports;
use super::tools::Tools;

/// What the programs are started with.
#[derive(Clone, Debug)]
pub(super) struct WorldPlan {
    pub(super) folder: PathBuf,
    pub(super) tools: Tools,
    pub(super) ports: Ports,
}
