//! All steps, one line each.

use contract::Registration;

/// All steps, in the order of the runbook.
pub const ALL: &[Registration] = &[
    Registration::of::<check_image::CheckImage>(),
    Registration::of::<bump_overlay::BumpOverlay>(),
    Registration::of::<wait_argo::WaitArgo>(),
    Registration::of::<verify_pods::VerifyPods>(),
    Registration::of::<rollback_overlay::RollbackOverlay>(),
    Registration::of::<plan_deploy::PlanDeploy>(),
];

pub(crate) fn find(name: &str) -> Option<&'static Registration> {
    ALL.iter().find(|step| step.name == name)
}
