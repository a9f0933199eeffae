//! Free ports on loopback, one for each server of a world.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

/// Ports below those that the kernel gives out as free ports, which begin at 32768.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// The ports of a world.
#[derive(Clone, Debug)]
pub(super) struct Ports {
    pub(super) etcd: u16,
    pub(super) etcd_peers: u16,
    pub(super) kubernetes: u16,
    pub(super) redis: u16,
    pub(super) repo_server: u16,
    pub(super) repo_metrics: u16,
    pub(super) controller_metrics: u16,
    pub(super) argocd: u16,
    pub(super) argocd_metrics: u16,
}

impl Ports {
    pub(super) fn free() -> Self {
        Self {
            etcd: free(),
            etcd_peers: free(),
            kubernetes: free(),
            redis: free(),
            repo_server: free(),
            repo_metrics: free(),
            controller_metrics: free(),
            argocd: free(),
            argocd_metrics: free(),
        }
    }
}

/// Returns a free port. Each process starts its search at another place.
fn free() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = (std::process::id() % 1_009) as u16 * 11;
    for _ in 0..COUNT {
        let step = NEXT.fetch_add(1, Ordering::SeqCst);
        let port = FIRST + start.wrapping_add(step) % COUNT;
        // On all interfaces: the metrics of one of the servers cannot be kept to loopback.
        if TcpListener::bind(("0.0.0.0", port)).is_ok() {
            return port;
        }
    }
    panic!("no free port from {FIRST} to {}", FIRST + COUNT);
}
