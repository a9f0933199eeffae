//! `wait-argo`: see the library.

fn main() -> std::process::ExitCode {
    contract::main::<wait_argo::WaitArgo>()
}
