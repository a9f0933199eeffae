//! `check-sample`: see the library.

fn main() -> std::process::ExitCode {
    contract::main::<check_sample::CheckSample>()
}
