//! Traps while it describes itself.

use parlor_sdk::prelude::*;

/// The guest.
#[derive(Debug, Default)]
pub struct Guest;

impl Behaviour for Guest {
    fn describe() -> Description {
        panic!("describe does not work")
    }
}

export!(Guest);
