//! Claims to answer with a list of a gibibyte: the count is a lie, and the list lies within memory no more.

use parlor_sdk::prelude::*;

/// The guest.
#[derive(Debug, Default)]
pub struct Guest;

impl Behaviour for Guest {
    fn describe() -> Description {
        Description::new("big-list", "1.0.0", "Claims a list of a gibibyte").every_message()
    }
}

// By hand, because the SDK cannot lie.
#[cfg(target_arch = "wasm32")]
mod raw {
    use std::cell::RefCell;

    use parlor_sdk::Behaviour;

    thread_local! {
        static AREA: RefCell<[u64; 8]> = const { RefCell::new([0; 8]) };
    }

    #[unsafe(export_name = "parlor:bot/behaviour@0.1.0#describe")]
    unsafe extern "C" fn describe() -> *const u8 {
        parlor_sdk::__private::keep(super::Guest::describe())
    }

    #[unsafe(export_name = "parlor:bot/behaviour@0.1.0#handle")]
    unsafe extern "C" fn handle(_event: *mut u8) -> *const u8 {
        AREA.with_borrow_mut(|area| {
            // `ok`, then the list's address and count.
            area.fill(0);
            let words = area.as_mut_ptr().cast::<u32>();
            // SAFETY: `result<list<action>, handle-error>` has its payload, aligned to 8, at byte 8.
            unsafe {
                words.add(2).write(8);
                words.add(3).write((1 << 30) / 8);
            }
            area.as_ptr().cast()
        })
    }

    parlor_sdk::bindings::export!(Guest with_types_in parlor_sdk::bindings);
}
