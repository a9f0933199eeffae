//! Reads the overlays' files and their history, and asks the forge and the registry about images.
//!
//! At each tip the step reads every file and its history, which is one request each. The judge asks
//! for everything else as a [`RollbackQuestion`], one at a time and only if it needs the answer.

pub(crate) mod files;
pub(crate) mod forge;
mod image;
pub(crate) mod question;
mod records;

use std::collections::BTreeMap;

use branch::{
    CommitAncestry, CommitName, FileHistory, History as _, ImageValues, Revision, Snapshot,
};
use contract::{Commit, Failure, World};
use overlay::{Overlay, OverlayRefusal};
use remote::RemoteBranch;

use self::{
    files::{NotFound, OverlayFile},
    forge::{DeploymentHistory, RecordedHistory},
    question::{BadImageAnswer, CandidateAnswer, RollbackQuestion},
    records::Records,
};
use crate::request::Request;

/// The maximum number of revisions of a file to read.
pub(crate) const MAX_REVISIONS: usize = 100;

/// The overlays at one tip of the branch, in the order given.
#[derive(Debug)]
pub(crate) struct Observation {
    pub(crate) tip: Commit,
    pub(crate) overlays: Vec<OverlayObservation>,
}

/// One overlay, or why its image was not found.
#[derive(Debug)]
pub(crate) struct OverlayObservation {
    /// The overlay as the flag names it.
    pub(crate) overlay: String,
    pub(crate) file: Result<FileObservation, OverlayRefusal>,
}

/// The file of an overlay, its history, and the answers to the questions of the judge.
#[derive(Debug)]
pub(crate) struct FileObservation {
    pub(crate) file: OverlayFile,
    pub(crate) history: FileHistory,
    /// The images that the file named over time.
    pub(crate) values: ImageValues,
    /// The forge's deployments of this overlay, with `--environment`.
    pub(crate) deployments: Option<DeploymentHistory>,
    /// The image at the first tip that this run read. A later tip may have another one, which is
    /// not the bad one.
    pub(crate) first_deployed: Option<String>,
    /// How the commit of `--undo` relates to others.
    pub(crate) ancestry: Vec<(Vec<CommitName>, CommitAncestry)>,
    /// The two newest revisions of the file at the commit of `--undo`.
    pub(crate) undo_revisions: Option<Vec<Revision>>,
    /// The bad image as its registry has it.
    pub(crate) bad_image: Option<BadImageAnswer>,
    /// The registry's answers, in the order of the candidates.
    pub(crate) candidates: Vec<CandidateAnswer>,
}

impl Observation {
    /// Returns the files that were found.
    pub(crate) fn files(&self) -> impl Iterator<Item = &FileObservation> {
        self.overlays
            .iter()
            .filter_map(|overlay| overlay.file.as_ref().ok())
    }
}

/// Asks the branch, the forge and the registry.
pub(crate) struct Observer<'a, 'w> {
    request: &'a Request,
    branch: &'a RemoteBranch<'w>,
    pub(crate) world: &'w World,
    /// The forge's records of deployments, by the overlays' directories.
    deployments: BTreeMap<String, RecordedHistory>,
    /// The image at the first tip, by path.
    first_deployed: BTreeMap<String, String>,
}

impl<'a, 'w> Observer<'a, 'w> {
    /// Asks for the forge's deployments, once for all tips.
    ///
    /// # Errors
    /// As [`forge::ask`].
    pub(crate) async fn new(
        request: &'a Request,
        branch: &'a RemoteBranch<'w>,
        world: &'w World,
    ) -> Result<Self, Failure> {
        let deployments = match &request.environments {
            Some(environments) => {
                forge::ask(environments, &request.creators, branch, world).await?
            }
            None => BTreeMap::new(),
        };
        Ok(Self {
            deployments,
            first_deployed: BTreeMap::new(),
            request,
            branch,
            world,
        })
    }

    /// Reads the history of the overlays' files at a tip.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub(crate) async fn observe(&mut self, snapshot: &Snapshot) -> Result<Observation, Failure> {
        let found = files::find(self.request, &snapshot.entries);
        let paths: Vec<String> = found.iter().filter_map(|(_, file)| path(file)).collect();
        let mut histories = self
            .ask(async || {
                self.branch
                    .file_histories(&snapshot.tip, &paths, MAX_REVISIONS)
                    .await
            })
            .await?;
        let mut overlays = Vec::new();
        for (overlay, file) in found {
            let history = path(&file).and_then(|path| histories.remove(&path));
            let history = history.unwrap_or_default();
            let file = match file {
                Ok(file) => Ok(file),
                Err(NotFound { refusal, file }) => file
                    .and_then(|file| files::rolled_back(self.request, &file, &history))
                    .ok_or(refusal),
            };
            let file = match file {
                Ok(file) => Ok(self.file(&snapshot.tip, overlay, file, history).await?),
                Err(refusal) => Err(refusal),
            };
            overlays.push(OverlayObservation {
                overlay: overlay.name.clone(),
                file,
            });
        }
        let tip = snapshot.tip.clone();
        Ok(Observation { tip, overlays })
    }

    async fn file(
        &mut self,
        tip: &Commit,
        overlay: &Overlay,
        file: OverlayFile,
        history: FileHistory,
    ) -> Result<FileObservation, Failure> {
        let values = ImageValues::read(&history, |text| file.image_in(text, &self.request.entry));
        if let Some(deployed) = values.list.first() {
            self.first_deployed
                .entry(file.path.clone())
                .or_insert_with(|| deployed.image.clone());
        }
        let recorded = overlay.directory().and_then(|at| self.deployments.get(at));
        let deployments = match recorded {
            Some(recorded) => {
                let records = Records {
                    tip,
                    history: &history,
                    image_in: &|text: &[u8]| file.image_in(text, &self.request.entry),
                };
                let ask = async |commit: &CommitName, others: &[CommitName]| {
                    self.ask(async || self.branch.ancestry(commit, others).await)
                        .await
                };
                Some(records.confirm(recorded, &values, ask).await?)
            }
            None => None,
        };
        Ok(FileObservation {
            deployments,
            first_deployed: self.first_deployed.get(&file.path).cloned(),
            file,
            history,
            values,
            ancestry: Vec::new(),
            undo_revisions: None,
            bad_image: None,
            candidates: Vec::new(),
        })
    }

    /// Puts a question, and adds the answer to the observation.
    ///
    /// # Errors
    /// When there is no answer.
    pub(crate) async fn answer(
        &self,
        question: RollbackQuestion,
        observation: &mut FileObservation,
    ) -> Result<(), Failure> {
        match question {
            RollbackQuestion::Ancestry { commit, others } => {
                let ancestry = self
                    .ask(async || self.branch.ancestry(&commit, &others).await)
                    .await?;
                observation.ancestry.push((others, ancestry));
            }
            RollbackQuestion::Revisions(commit) => {
                let revisions = self.revisions(&commit, &observation.file.path).await?;
                observation.undo_revisions = Some(revisions);
            }
            RollbackQuestion::Platforms(bad) => {
                let answer = image::look_up_bad(self.request, &bad, self.world).await?;
                observation.bad_image = Some(answer);
            }
            RollbackQuestion::Candidate(check) => {
                let answer = image::check(self.request, &check, self.world).await?;
                observation.candidates.push(answer);
            }
        }
        Ok(())
    }

    async fn revisions(&self, commit: &Commit, path: &str) -> Result<Vec<Revision>, Failure> {
        let paths = [path.to_owned()];
        let mut found = self
            .ask(async || self.branch.file_histories(commit, &paths, 2).await)
            .await?;
        Ok(found.remove(path).unwrap_or_default().revisions)
    }

    async fn ask<T>(&self, question: impl AsyncFn() -> Result<T, Failure>) -> Result<T, Failure> {
        remote::ask(self.world, self.branch.name(), question).await
    }
}

/// Returns the path of an overlay's file.
fn path(found: &Result<OverlayFile, NotFound>) -> Option<String> {
    match found {
        Ok(file) => Some(file.path.clone()),
        Err(not_found) => not_found.file.as_ref().map(|file| file.0.clone()),
    }
}
