//! The folder, the programs and the ports that a world is started with.

use std::path::PathBuf;

use super::ports::Ports;
use super::tools::Tools;

/// The folder, the programs and the ports of a world.
#[derive(Clone, Debug)]
pub(super) struct WorldPlan {
    pub(super) folder: PathBuf,
    pub(super) tools: Tools,
    pub(super) ports: Ports,
}
