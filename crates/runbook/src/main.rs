//! `runbook`: see the library.

fn main() -> std::process::ExitCode {
    runbook::main()
}
