//! Writes one commit onto a branch of a remote, without a checkout.

pub(crate) mod message;

use branch::{CommitRequest, FileContent, Snapshot, TreeEntry};
use contract::Failure;
use environments::FREEZE_PATH;
use overlay::Overlay;
use remote::{Decision, PullRequest, WritePlan};

use crate::{
    Facts,
    judge::{self, Judgement, OverlayJudgement, OverlayOutcome},
    observe::{FileObservation, Observer, OverlayObservation},
    report,
    request::Request,
};

/// The plan of the commit, which observes and judges again at every tip.
pub(crate) struct RollbackPlan<'a, 'w> {
    request: &'a Request,
    observer: Observer<'a, 'w>,
    /// The judgement at the last tip.
    pub(crate) judgement: Judgement,
}

impl<'a, 'w> RollbackPlan<'a, 'w> {
    pub(crate) fn new(request: &'a Request, observer: Observer<'a, 'w>) -> Self {
        Self {
            request,
            observer,
            judgement: Judgement::default(),
        }
    }

    async fn judge(
        &self,
        mut observation: OverlayObservation,
    ) -> Result<OverlayJudgement, Failure> {
        let outcome = match &mut observation.file {
            Ok(file) => self.judge_file(file).await?,
            Err(refusal) => OverlayOutcome::Refused(refusal.clone()),
        };
        Ok(OverlayJudgement {
            observation,
            outcome,
        })
    }

    /// Judges a file, and puts every question that the judge has.
    async fn judge_file(&self, file: &mut FileObservation) -> Result<OverlayOutcome, Failure> {
        loop {
            match judge::judge(self.request, file) {
                Ok(outcome) => return Ok(outcome),
                Err(question) => self.observer.answer(question, file).await?,
            }
        }
    }

    /// A rollback passes every freeze, and says so: it puts back what ran before. Whether one holds
    /// now does not matter, so the file is not read.
    fn note_freezes(&self, snapshot: &Snapshot) {
        let entry = snapshot.entries.get(FREEZE_PATH);
        if entry.is_some_and(|entry| *entry != TreeEntry::Missing) {
            let notice =
                format!("`{FREEZE_PATH}` may freeze the environment; a rollback passes it");
            self.observer.world.notice(notice);
        }
    }

    fn commit_request(&self) -> CommitRequest {
        let files = self
            .judgement
            .restored()
            .map(|(path, restoration)| FileContent {
                path: path.to_owned(),
                content: restoration.edited.text.clone(),
            });
        CommitRequest {
            files: files.collect(),
            message: message::text(self.request, &self.judgement),
        }
    }
}

impl WritePlan for RollbackPlan<'_, '_> {
    type Refused = ();

    fn paths(&self) -> Vec<String> {
        let mut paths = self.request.paths();
        paths.push(FREEZE_PATH.to_owned());
        paths
    }

    fn directories(&self) -> Vec<String> {
        Overlay::directories(&self.request.overlays)
    }

    async fn decide(&mut self, snapshot: &Snapshot) -> Result<Decision<()>, Failure> {
        let observation = self.observer.observe(snapshot).await?;
        let facts = report::facts_before(self.request, observation.files());
        self.observer.world.learn(&facts);
        let mut overlays = Vec::new();
        for overlay in observation.overlays {
            overlays.push(self.judge(overlay).await?);
        }
        self.judgement = Judgement {
            tip: Some(observation.tip),
            overlays,
        };
        self.note_freezes(snapshot);
        Ok(if self.judgement.stops() {
            Decision::Refuse(())
        } else if self.judgement.restored().next().is_none() {
            Decision::Nothing
        } else {
            Decision::Write(self.commit_request())
        })
    }

    fn proposed(&self, pull: &PullRequest) {
        let facts = report::facts_before(self.request, self.judgement.files());
        self.observer.world.learn(&Facts {
            pull_request: pull.url.clone(),
            ..facts
        });
    }
}
