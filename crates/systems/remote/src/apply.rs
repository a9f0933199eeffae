//! What every step that writes a branch does with its plan: write it, or show what it would write.

use contract::Failure;

use crate::{BranchRead, Decision, RemoteWriter, WriteOutcome, WritePlan};

impl RemoteWriter<'_> {
    /// Writes what the plan wants; a dry run reads the branch once, lets the plan decide, and leaves
    /// the branch unchanged.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub async fn apply<P: WritePlan>(
        &self,
        plan: &mut P,
        is_dry_run: bool,
    ) -> Result<WriteOutcome<P::Refused>, Failure> {
        if is_dry_run {
            self.dry_run(plan).await
        } else {
            self.write(plan).await
        }
    }

    async fn dry_run<P: WritePlan>(
        &self,
        plan: &mut P,
    ) -> Result<WriteOutcome<P::Refused>, Failure> {
        let snapshot = match self.read(&plan.paths()).await? {
            BranchRead::Found(snapshot) => snapshot,
            BranchRead::Missing(problem) => return Ok(WriteOutcome::Failed(problem)),
        };
        let problem = match plan.decide(&snapshot).await? {
            Decision::Write(request) => self.against(&snapshot, &request),
            Decision::Nothing => None,
            Decision::Refuse(refused) => return Ok(WriteOutcome::Refused(refused)),
        };
        Ok(match problem {
            Some(problem) => WriteOutcome::Failed(problem),
            None => WriteOutcome::Unchanged(snapshot.tip),
        })
    }
}
