//! Observes one application: its state and its pods through Argo CD, its history through git.

mod ancestry;
mod follow_up;
mod log;
mod outage;
mod pod;
mod pods;
mod progress;
mod rendered;
mod schedule;
mod state;
mod watch;

#[cfg(test)]
pub(crate) use self::{
    ancestry::RevisionAncestry,
    pods::{failed_controllers, summarize},
    state::RenderedImages,
};
pub(crate) use self::{
    ancestry::open_repository,
    follow_up::FollowUp,
    log::{LogAnswer, LogPlace},
    pods::{ApplicationPods, ObservedPod, PodDetail, RootResource},
    progress::ApplicationProgress,
    state::{AppPresence, Observation, ObservedSet},
    watch::ApplicationWatch,
};
