//! The clock.
//!
//! ```
//! use parlor_sdk::prelude::*;
//!
//! let in_an_hour = Schedule::At(time::now() + 3_600_000);
//! ```

use crate::content::Timestamp;

/// Gives the present moment in ms since 1970. In `describe` it is fixed; on the bench it is set.
pub fn now() -> Timestamp {
    #[cfg(target_arch = "wasm32")]
    {
        let now = wasip2::clocks::wall_clock::now();
        now.seconds * 1_000 + u64::from(now.nanoseconds / 1_000_000)
    }
    #[cfg(not(target_arch = "wasm32"))]
    crate::backend::clock::now()
}
