//! `plan-deploy`: see the library.

fn main() -> std::process::ExitCode {
    contract::main::<plan_deploy::PlanDeploy>()
}
