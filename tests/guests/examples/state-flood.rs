//! Sets values of 64 KiB until it is refused, or the number of keys it is told.

use parlor_sdk::prelude::*;

/// The guest.
#[derive(Debug, Default)]
pub struct Guest;

#[behaviour(name = "state-flood", summary = "Floods its state")]
impl Guest {
    #[message(equals = "flood")]
    fn flood(&mut self) -> String {
        let value = vec![b'x'; 65_536];
        for number in 0..1_000_000 {
            if let Err(error) = state::plugin().set(&format!("key-{number}"), &value) {
                return format!("{error:?} after {number}");
            }
        }
        "flooded".into()
    }

    #[command("keep {values:int}")]
    fn keep(&mut self, values: u32) -> Result<String, Error> {
        let value = vec![b'x'; 65_536];
        for number in 0..values {
            state::plugin().set(&format!("key-{number}"), &value)?;
        }
        Ok("kept".into())
    }

    #[message(equals = "small")]
    fn small(&mut self) -> String {
        for number in 0..10_000_000_u64 {
            if let Err(error) = state::plugin().set(&format!("k{number}"), "") {
                return format!("{error:?} after {number}");
            }
        }
        "flooded".into()
    }

    #[message(equals = "large")]
    fn large(&mut self) -> String {
        let value = state::plugin().set("large", vec![b'x'; 65_537]);
        let key = state::plugin().set(&"k".repeat(257), "");
        format!("{value:?} {key:?} {:?}", state::plugin().set("", ""))
    }
}
