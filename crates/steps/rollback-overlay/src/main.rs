//! The step as a program.

fn main() -> std::process::ExitCode {
    contract::main::<rollback_overlay::RollbackOverlay>()
}
