//! Keeps 64 KiB of memory from every event: sooner or later an instance is full.

use parlor_sdk::prelude::*;

/// The guest.
#[derive(Debug, Default)]
pub struct Guest {
    hoard: Vec<Vec<u8>>,
}

#[behaviour(name = "leak", summary = "Keeps a little memory from every event")]
impl Guest {
    #[message()]
    fn message(&mut self, text: String) -> String {
        self.hoard.push(vec![1; 64 << 10]);
        std::hint::black_box(&self.hoard);
        text
    }
}
