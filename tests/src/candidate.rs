//! The guest `candidate` as the build before and the one after it: they differ in 17 bytes.

use crate::guests;

/// The guest.
pub const CANDIDATE: &str = "candidate";

/// The build that served before.
///
/// # Panics
/// When the guests do not build.
pub fn old_build() -> Vec<u8> {
    guests::bytes(CANDIDATE)
}

/// The build that is to serve after it.
///
/// # Panics
/// When the guests do not build.
pub fn new_build() -> Vec<u8> {
    marked(b"CANDIDATE-IS-NEW.")
}

/// Another build that does what the one before does.
///
/// # Panics
/// When the guests do not build.
pub fn same_build() -> Vec<u8> {
    marked(b"CANDIDATE-AS-OLD.")
}

fn marked(marker: &[u8; 17]) -> Vec<u8> {
    let mut wasm = old_build();
    let old = b"CANDIDATE-IS-OLD.";
    let at = wasm.windows(old.len()).position(|window| window == old);
    let at = at.expect("the guest has its marker");
    wasm[at..at + old.len()].copy_from_slice(marker);
    wasm
}
