//! Makes the requests of a watch.

use std::time::Duration;

use argocd::{ApplicationEvents, Refresh};
use contract::Commit;

use super::{ApplicationWatch, JobResult};
use crate::observe::{
    ancestry::AncestryQuestion,
    follow_up::FollowUp,
    pods::{self, PodDetail, PodsQuestion},
};

impl ApplicationWatch<'_> {
    pub(super) fn request(&mut self, follow_up: &FollowUp) {
        let (now, observation) = (self.now(), &self.observation);
        let schedule = &mut self.schedule;
        match follow_up {
            FollowUp::Refresh => self.refresh_if_due(),
            FollowUp::HardRefresh if schedule.start_hard_refresh() => self.refresh(Refresh::Hard),
            FollowUp::WholeState if schedule.is_whole_state_due(observation.app.version(), now) => {
                self.get_state();
            }
            FollowUp::FailingPods if schedule.start_failing_pods(now) => {
                self.read_pods(PodDetail::Failing, None);
            }
            FollowUp::LivePods { detail, since } if schedule.start_live_pods(*since, now) => {
                self.read_pods(*detail, Some(now));
            }
            FollowUp::Ancestry {
                remote,
                branch,
                revision,
                hydrated,
            } => self.ask_ancestry(remote, branch.clone(), revision, hydrated.clone()),
            other => self.ask_argocd(other),
        }
    }

    fn ask_argocd(&mut self, follow_up: &FollowUp) {
        let (now, argocd, app) = (self.now(), self.argocd, self.app);
        let schedule = &mut self.schedule;
        match follow_up {
            FollowUp::RenderedImages if schedule.start_rendered() => {
                self.job(async move { JobResult::Rendered(argocd.rendered(app).await) });
            }
            FollowUp::Windows if schedule.start_windows(now) => {
                self.job(async move { JobResult::Windows(argocd.windows(app).await) });
            }
            FollowUp::Sync if schedule.start_sync(now) => {
                self.job(async move { JobResult::SyncRequested(argocd.sync(app).await) });
            }
            FollowUp::Events(node) if schedule.start_events(&node.uid) => {
                let node = node.clone();
                self.job(async move {
                    let events = argocd.object_events(app, &node).await;
                    JobResult::Events(node.uid, events)
                });
            }
            FollowUp::ApplicationSet(name) if schedule.start_application_set(now) => {
                let name = name.clone();
                self.job(async move {
                    JobResult::ApplicationSet(argocd.application_set(app, &name).await)
                });
            }
            // It is under way, or not due yet: a later judgement asks for it again.
            _ => {}
        }
    }

    pub(super) fn get_state(&mut self) {
        if self.schedule.start_state() {
            let (argocd, app) = (self.argocd, self.app);
            self.job(async move { JobResult::State(argocd.application(app).await) });
        }
    }

    pub(super) fn open_stream(&self) {
        let (argocd, app) = (self.argocd, self.app);
        let is_hydrated = self.observation.app.spec.source_hydrator.is_some();
        self.job(async move { JobResult::StreamOpened(argocd.events(app, is_hydrated).await) });
    }

    pub(super) fn read_event(&self, mut events: Box<ApplicationEvents>) {
        let (argocd, app) = (self.argocd, self.app);
        self.job(async move {
            let result = argocd.next(app, &mut events).await;
            JobResult::Event(events, result)
        });
    }

    pub(super) fn refresh_if_due(&mut self) {
        let (answered, now) = (self.observation.answered_refreshes, self.now());
        if self.schedule.start_refresh(answered, now) {
            self.refresh(Refresh::Normal);
        }
    }

    fn refresh(&mut self, how: Refresh) {
        self.observation.requested_refreshes += 1;
        let (argocd, app) = (self.argocd, self.app);
        self.job(async move { JobResult::Refreshed(how, argocd.refresh(app, how).await) });
    }

    fn read_pods(&self, detail: PodDetail, live_at: Option<Duration>) {
        let (argocd, app) = (self.argocd, self.app);
        let question = PodsQuestion {
            detail,
            image: self.image,
            max_log_lines: self.max_log_lines,
            live_at,
        };
        self.job(async move { JobResult::Pods(pods::read(argocd, app, question).await) });
    }

    fn ask_ancestry(
        &mut self,
        remote: &str,
        branch: Option<String>,
        revision: &str,
        hydrated: Option<Commit>,
    ) {
        let (misses, now) = (self.observation.branch_misses, self.now());
        let Ok(revision) = revision.parse::<Commit>() else {
            return;
        };
        if !self.schedule.start_ancestry(revision.as_str(), misses, now) {
            return;
        }
        let (world, commit, remote) = (self.world, self.commit, remote.to_owned());
        let named_by = self.remote_named_by.clone();
        self.job(async move {
            let question = AncestryQuestion {
                remote: &remote,
                named_by: named_by.as_ref(),
                branch: branch.as_deref(),
                commit: hydrated.as_ref().unwrap_or(commit),
                revision: &revision,
            };
            let result = question.ask(world).await;
            JobResult::Ancestry {
                revision,
                hydrated,
                result,
            }
        });
    }
}
