//! Takes in the answers to the follow-ups of judgements.

use argocd::{ApplicationSet, SyncAnswer, SyncWindows, TreeEvent};
use contract::{Commit, Failure, Verdict};
use pods::ObjectEvent;
use serde_json::Value;

use super::ApplicationWatch;
use crate::observe::{
    ancestry::RevisionAncestry,
    outage::OutageSubject,
    rendered::container_images,
    state::{ObservedSet, RenderedImages},
};

impl ApplicationWatch<'_> {
    pub(super) fn take_windows(
        &mut self,
        result: Result<SyncWindows, Failure>,
    ) -> Result<bool, Failure> {
        match result {
            Ok(windows) => self.observation.windows = Some(windows),
            Err(failure) => self.tolerate(OutageSubject::State, failure)?,
        }
        Ok(true)
    }

    pub(super) fn take_rendered(
        &mut self,
        result: Result<Vec<Value>, Failure>,
    ) -> Result<bool, Failure> {
        self.schedule.rendered_ended();
        match result {
            Ok(manifests) => {
                self.observation.rendered = Some(RenderedImages {
                    images: container_images(&manifests),
                    read_at: self.now(),
                });
            }
            Err(failure) => self.tolerate(OutageSubject::Pods, failure)?,
        }
        Ok(true)
    }

    pub(super) fn take_sync(
        &mut self,
        result: Result<SyncAnswer, Failure>,
    ) -> Result<bool, Failure> {
        match result {
            Ok(SyncAnswer::Accepted) => self.observation.sync_refused = None,
            Ok(SyncAnswer::Refused(message)) => {
                self.observation.sync_refused = Some(message);
                self.schedule.sync_refused();
            }
            // Argo CD may have started the sync or not; the state will tell, so this does not ask
            // again.
            Err(failure) => self.tolerate(OutageSubject::State, failure)?,
        }
        Ok(true)
    }

    pub(super) fn take_ancestry(
        &mut self,
        revision: &Commit,
        hydrated: Option<Commit>,
        ancestry: RevisionAncestry,
    ) -> bool {
        self.schedule.ancestry_ended(revision.as_str(), self.now());
        if let Some(hydrated) = hydrated {
            let key = (hydrated.to_string(), revision.to_string());
            self.observation.hydrated_ancestry.insert(key, ancestry);
            return true;
        }
        match ancestry.in_branch {
            Some(false) => self.observation.branch_misses += 1,
            Some(true) => self.observation.branch_misses = 0,
            None => {}
        }
        self.observation
            .ancestry
            .insert(revision.to_string(), ancestry);
        true
    }

    pub(super) fn take_events(
        &mut self,
        uid: &str,
        result: Result<Vec<TreeEvent>, Failure>,
    ) -> Result<bool, Failure> {
        self.schedule.events_ended(uid);
        let events = match result {
            Ok(events) => events.into_iter().map(|event| ObjectEvent {
                reason: event.reason,
                message: event.message,
            }),
            Err(failure) => {
                self.tolerate(OutageSubject::Pods, failure)?;
                return Ok(false);
            }
        };
        let events = events.collect();
        self.observation.now = self.now();
        self.observation.add_events(uid, events);
        Ok(true)
    }

    /// The ApplicationSet only adds words, so its failure is none of the step.
    pub(super) fn take_application_set(
        &mut self,
        result: Result<Option<ApplicationSet>, Failure>,
    ) -> Result<bool, Failure> {
        match result {
            Ok(Some(set)) => self.observation.application_set = Some(ObservedSet::Shown(set)),
            Ok(None) => self.observation.application_set = Some(ObservedSet::Hidden),
            Err(failure) if failure.verdict == Verdict::Unavailable => return Ok(false),
            Err(failure) => return Err(failure),
        }
        Ok(true)
    }
}
