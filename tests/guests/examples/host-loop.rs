//! Never comes back from a message, and spends its time inside host calls: `log`, `state`, `config`.

use parlor_sdk::prelude::*;

/// The guest.
#[derive(Debug, Default)]
pub struct Guest;

#[behaviour(name = "host-loop", summary = "Calls the host for ever")]
impl Guest {
    #[message(equals = "log")]
    fn log(&mut self) {
        loop {
            log::info("again");
        }
    }

    #[message(equals = "state")]
    fn state(&mut self) {
        loop {
            let _value = std::hint::black_box(state::plugin().get("again"));
        }
    }

    #[message(equals = "config")]
    fn config(&mut self) {
        loop {
            let _value = std::hint::black_box(config::get("again"));
        }
    }
}
