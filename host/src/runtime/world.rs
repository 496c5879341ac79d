//! A world in the place of the real one, for tests: the time and the chance that instances see.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use rand_core::TryRng;
use wasmtime_wasi::{HostWallClock, WasiCtxBuilder};

use crate::model::Timestamp;
use crate::model::delivery::Delivery;

/// What instances take for the world.
pub trait World: Send + Sync + std::fmt::Debug {
    /// The time, in milliseconds since 1970.
    fn now(&self) -> Timestamp;

    /// Where the chance of the next instance begins.
    fn seed(&self) -> u64;

    /// Hears of a delivery that an instance gets. Must not block.
    fn called(&self, delivery: &Delivery);
}

/// Lets an instance see this world.
pub(super) fn show(world: &Arc<dyn World>, wasi: &mut WasiCtxBuilder) {
    let mut chance = Chance(world.seed());
    let (secure, insecure) = (Chance(chance.next()), Chance(chance.next()));
    let seed = u128::from(chance.next()) << 64 | u128::from(chance.next());
    wasi.wall_clock(WorldClock(world.clone()))
        .secure_random(secure)
        .insecure_random(insecure)
        .insecure_random_seed(seed);
}

struct WorldClock(Arc<dyn World>);

impl HostWallClock for WorldClock {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        Duration::from_millis(self.0.now())
    }
}

/// The same chance for the same seed, on every machine and in every version: SplitMix64.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

impl TryRng for Chance {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((self.next() >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.next())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for piece in bytes.chunks_mut(8) {
            let eight = self.next().to_le_bytes();
            piece.copy_from_slice(&eight[..piece.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_chance() {
        let bytes = |seed| {
            let mut bytes = [0; 20];
            let Ok(()) = Chance(seed).try_fill_bytes(&mut bytes);
            bytes
        };
        assert_eq!(bytes(7), bytes(7));
        assert_ne!(bytes(7), bytes(8));
        // The first number of the published sequence.
        assert_eq!(Chance(0).next(), 0xe220_a839_7b1d_cdaf);
    }
}
