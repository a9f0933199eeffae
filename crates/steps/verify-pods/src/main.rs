//! `verify-pods`: see the library.

fn main() -> std::process::ExitCode {
    contract::main::<verify_pods::VerifyPods>()
}
