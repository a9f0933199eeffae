//! `check-image`: see the library.

fn main() -> std::process::ExitCode {
    contract::main::<check_image::CheckImage>()
}
