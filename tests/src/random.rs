//! Numbers that look random and are the same in every run.

/// A generator of numbers: splitmix64.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Begins at this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `least` on, below `most`.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.draw() % (most - least).max(1)
    }

    /// Tells once in so many times.
    pub fn one_in(&mut self, times: u64) -> bool {
        self.draw().is_multiple_of(times)
    }
}
