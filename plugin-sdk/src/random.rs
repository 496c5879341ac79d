//! Random values, from the host. In `describe` they are fixed; on the bench they follow a seed.
//!
//! ```
//! use parlor_sdk::prelude::*;
//!
//! let side = random::choose(&["heads", "tails"]);
//! ```

#[cfg(not(target_arch = "wasm32"))]
use crate::backend::random as host;
#[cfg(target_arch = "wasm32")]
use wasip2::random::random as host;

/// Gives 64 random bits.
pub fn bits() -> u64 {
    host::get_random_u64()
}

/// Gives a number below a bound; 0 where the bound is 0.
pub fn below(bound: u64) -> u64 {
    // The high half of the product is even enough: its bias is bound / 2^64.
    ((u128::from(bits()) * u128::from(bound)) >> 64) as u64
}

/// Chooses one of a slice; none where it is empty.
pub fn choose<T>(list: &[T]) -> Option<&T> {
    list.get(below(list.len() as u64) as usize)
}

/// Gives random bytes, at most 64 KiB in one call by default.
pub fn bytes(count: usize) -> Vec<u8> {
    host::get_random_bytes(count as u64)
}
