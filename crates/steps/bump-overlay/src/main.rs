//! Write the image into the overlays, as the smallest change, in one commit.

fn main() -> std::process::ExitCode {
    contract::main::<bump_overlay::BumpOverlay>()
}
