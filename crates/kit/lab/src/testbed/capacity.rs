//! The size of a node.

/// The resources that a node offers to its pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Cores.
    pub cpu: u32,
    /// Memory in MiB.
    pub memory_mib: u32,
    /// How many pods it takes.
    pub pods: u32,
}

impl Default for Capacity {
    /// Returns more than any test asks for.
    fn default() -> Self {
        Self {
            cpu: 1_000,
            memory_mib: 1_000_000,
            pods: 5_000,
        }
    }
}
