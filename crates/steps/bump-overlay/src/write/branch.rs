//! Writes one commit onto a branch of a remote, without a checkout.

use branch::{CommitRequest, FileContent, Snapshot};
use contract::{Failure, World};
use environments::FreezeFiles;
use remote::{Decision, PullRequest, RemoteWriter, WritePlan};

use crate::{
    Facts,
    judge::{self, BumpDecision, Judgement, edits::Edits},
    observe::{FreezeObservation, Observation, Repositories},
    report,
    request::Request,
};

/// The plan of the commit, which observes and judges again at every tip.
pub(crate) struct BumpPlan<'a, 'w> {
    request: &'a Request,
    repositories: Repositories<'a, 'w>,
    /// The judgement at the last tip.
    pub(crate) judgement: Judgement,
}

impl<'a, 'w> BumpPlan<'a, 'w> {
    pub(crate) fn new(
        request: &'a Request,
        remote: &'a RemoteWriter<'w>,
        world: &'w World,
    ) -> Self {
        Self {
            request,
            repositories: Repositories {
                world,
                overlays: remote.branch(),
                sources: remote.source(),
            },
            judgement: Judgement::default(),
        }
    }

    /// Judges the files at a tip, and puts every question that the judge has.
    async fn judge(&self, edits: &Edits, snapshot: &Snapshot) -> Result<Judgement, Failure> {
        let freeze = FreezeObservation::of(snapshot, self.repositories.world);
        let mut observation = Observation::of(snapshot.tip.clone(), freeze);
        loop {
            match judge::judge(self.request, edits, &observation) {
                Ok(judgement) => {
                    self.notify(&judgement.findings.notices);
                    return Ok(judgement);
                }
                Err(unanswered) => {
                    self.notify(&unanswered.notices);
                    self.repositories
                        .answer(self.request, *unanswered.question, &mut observation)
                        .await?;
                }
            }
        }
    }

    fn notify(&self, notices: &[String]) {
        for notice in notices {
            self.repositories.world.notice(notice);
        }
    }

    fn commit_request(&self) -> CommitRequest {
        let edits = &self.judgement.edits;
        let files = edits.changed().map(|file| FileContent {
            path: file.path.clone(),
            content: file.edited.text.clone(),
        });
        CommitRequest {
            files: files.collect(),
            message: edits.message(self.request),
        }
    }
}

impl WritePlan for BumpPlan<'_, '_> {
    type Refused = ();

    fn paths(&self) -> Vec<String> {
        let mut paths = self.request.paths();
        paths.extend(FreezeFiles::paths());
        paths
    }

    fn directories(&self) -> Vec<String> {
        self.request.directories()
    }

    async fn decide(&mut self, snapshot: &Snapshot) -> Result<Decision<()>, Failure> {
        let edits = Edits::of(self.request, &snapshot.entries);
        let facts = report::facts_before(self.request, &edits);
        self.repositories.world.learn(&facts);
        self.judgement = self.judge(&edits, snapshot).await?;
        Ok(match self.judgement.decision {
            BumpDecision::Refuse | BumpDecision::Stop => Decision::Refuse(()),
            BumpDecision::Nothing => Decision::Nothing,
            BumpDecision::Write => Decision::Write(self.commit_request()),
        })
    }

    fn proposed(&self, pull: &PullRequest) {
        let facts = report::facts_before(self.request, &self.judgement.edits);
        self.repositories.world.learn(&Facts {
            pull_request: pull.url.clone(),
            ..facts
        });
    }
}
