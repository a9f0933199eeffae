//! An Argo CD server: applications, their events, their resources, and the ways in which it
//! refuses.
//!
//! An application is missing ([`Presence::Absent`]) only when Argo CD itself says so in its own
//! JSON. It does that when the request names the application's project; without one it answers 403
//! both for a missing and for a forbidden application.

mod address;
mod answer;
mod application;
mod application_set;
mod client;
mod event_lines;
mod events;
mod id;
mod options;
mod resources;
mod server;

pub use self::{
    address::{InvalidServerAddress, ServerAddress},
    answer::{Presence, SyncAnswer},
    application::{
        Application, ApplicationCondition, ApplicationMetadata, ApplicationOwner,
        ApplicationSource, ApplicationSpec, ApplicationStatus, AutomatedSync, HealthStatus,
        HelmOverrides, HelmParameter, HydrateTarget, HydratedCommit, HydratorStatus,
        KustomizeOverrides, OperationState, RequestedOperation, ResourceResult, ResourceStatus,
        SourceHydrator, SyncOperation, SyncPolicy, SyncResult, SyncSource, SyncStatus,
        SyncedResource,
    },
    application_set::{ApplicationSet, GeneratedApplication},
    events::{ApplicationEvent, ApplicationEvents},
    id::ApplicationId,
    options::{ArgoOptions, authorities},
    resources::{
        ApplicationTree, NodeInfo, ParentRef, ResourceNode, SyncWindow, SyncWindows, TreeEvent,
    },
    server::{ArgoCd, Refresh},
};
