//! Writes chat bot behaviours for parlor: one page of plain Rust, compiled to a WebAssembly component.
//!
//! ```
//! use parlor_sdk::prelude::*;
//!
//! #[derive(Default)]
//! struct Greeter;
//!
//! #[behaviour(name = "greeter", summary = "Says hello")]
//! impl Greeter {
//!     #[command("/greet {name}", help = "Greets somebody")]
//!     fn greet(&mut self, cx: &Context, name: String) -> Reply {
//!         cx.reply(["Hello, ", &name].concat())
//!     }
//! }
//!
//! # fn main() {
//! let mut bench = Bench::new(Greeter);
//! assert_eq!(bench.say("/greet Ada").texts(), ["Hello, Ada"]);
//! # }
//! ```
//!
//! # What a plugin may rely on
//!
//! - **Memory is not durable and not shared.** The host makes and drops instances of a plugin as
//!   the load asks, in between any two events; two conversations may be served by two instances at
//!   once. What must be remembered lives in [`state`].
//! - **Effects are all or nothing.** What [`Behaviour::handle`] returns is stored in one transaction
//!   together with the state writes of the call. An error or a panic keeps nothing of them.
//! - **An event may come again** (its [`Context::attempt`] is then above 1) and carries the same id.
//! - **Everything is bounded.** By default a call has 100 ms of processor time, 5 s in all, 64 MiB
//!   of memory and 100 actions; [`config::enforced`] tells the limits in force.
//! - **Nothing is granted by default.** A plugin may answer where the event came from, edit and
//!   delete its own messages, join and leave that conversation, set timers and keep state. HTTP and
//!   everything else is asked for with a reason and granted by the operator.
//!
//! Natively, as in `cargo test`, all host calls go to the test bench of [`bench`].

#![cfg_attr(docsrs, feature(doc_cfg))]
// The generated bindings and the macros name this crate by its own name.
extern crate self as parlor_sdk;

mod action;
mod argument;
mod behaviour;
#[cfg(not(target_arch = "wasm32"))]
pub mod bench;
pub mod bindings;
#[cfg(target_arch = "wasm32")]
mod boundary;
pub mod config;
pub mod content;
mod context;
mod describe;
pub mod directory;
mod error;
pub mod http;
pub mod log;
mod matching;
mod message;
mod named;
mod payload;
pub mod random;
mod reply;
mod request;
mod response;
pub mod state;
#[cfg(feature = "templates")]
pub mod templates;
pub mod time;
mod timer;

pub use argument::{FromArgument, FromField};
pub use behaviour::Behaviour;
pub use context::Context;
pub use error::Error;
pub use message::Message;
pub use parlor_sdk_macros::behaviour;
pub use payload::FromPayload;
pub use reply::{IntoReply, Reply};
pub use request::Request;
pub use timer::Timer;

/// What a plugin asks the host to do, as the contract has it.
pub mod actions {
    pub use crate::bindings::parlor::bot::actions::*;
}

/// What happened, as the contract has it.
pub mod events {
    pub use crate::bindings::parlor::bot::events::*;
}

/// What a plugin says of itself, as the contract has it.
pub mod description {
    pub use crate::bindings::parlor::bot::description::*;
}

/// Everything a behaviour needs.
pub mod prelude {
    pub use crate::actions::{Action, EditRule, Fallback, MessageRef, Missed, Schedule, Target};
    #[cfg(not(target_arch = "wasm32"))]
    pub use crate::bench::Bench;
    pub use crate::content::{
        Block, Blocks, Button, Buttons, Card, Content, Field, Form, Line, Span, Table,
    };
    pub use crate::description::Description;
    pub use crate::events::{Cashtag, Event, EventPayload, Mention, TimerFired, Visibility};
    pub use crate::{
        Behaviour, Context, Error, Message, Reply, Request, Timer, behaviour, config, directory,
        export, http, log, random, state, time,
    };
}

/// Where host calls go: to the host in a component, to the bench natively.
#[cfg(not(target_arch = "wasm32"))]
use bench::fake as backend;
#[cfg(target_arch = "wasm32")]
use bindings::parlor::bot as backend;

/// What the macros need. Not for authors.
#[doc(hidden)]
pub mod __private {
    pub use crate::argument::{argument, field};
    #[cfg(target_arch = "wasm32")]
    pub use crate::boundary::{Arena, Canonical, Layout, Place, keep, parameter, release};
    pub use crate::describe::{
        capability_action, capability_http, capability_other, capability_read, command, config_key,
        description, filter,
    };
    pub use crate::matching::message_matches;
    pub use crate::payload::payload;
}

/// Makes a type that implements [`Behaviour`] the plugin of this crate. `#[behaviour]` does so by itself.
///
/// Outside WebAssembly it does nothing, so that the crate's tests run natively.
///
/// ```
/// use parlor_sdk::prelude::*;
///
/// #[derive(Default)]
/// struct Quiet;
///
/// impl Behaviour for Quiet {
///     fn describe() -> Description {
///         Description::new("quiet", "1.0.0", "Says nothing")
///     }
/// }
///
/// export!(Quiet);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! export {
    ($plugin:ty) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Handled =
                ::core::result::Result<::std::vec::Vec<$crate::actions::Action>, $crate::Error>;

            ::std::thread_local! {
                static PLUGIN: ::core::cell::RefCell<$plugin> =
                    ::core::cell::RefCell::new(<$plugin as ::core::default::Default>::default());
            }

            #[unsafe(export_name = "parlor:bot/behaviour@0.1.0#describe")]
            unsafe extern "C" fn describe() -> *const u8 {
                $crate::__private::keep(<$plugin as $crate::Behaviour>::describe())
            }

            #[unsafe(export_name = "cabi_post_parlor:bot/behaviour@0.1.0#describe")]
            unsafe extern "C" fn described(_: *mut u8) {
                $crate::__private::release();
            }

            #[unsafe(export_name = "parlor:bot/behaviour@0.1.0#handle")]
            unsafe extern "C" fn handle(event: *mut u8) -> *const u8 {
                // SAFETY: the host wrote an event there, made for this call.
                let event = unsafe { $crate::__private::parameter(event) };
                let handled: Handled = PLUGIN.with(|plugin| {
                    $crate::Behaviour::handle(&mut *plugin.borrow_mut(), event)
                        .map(::core::convert::Into::into)
                });
                $crate::__private::keep(handled)
            }

            #[unsafe(export_name = "cabi_post_parlor:bot/behaviour@0.1.0#handle")]
            unsafe extern "C" fn handled(_: *mut u8) {
                $crate::__private::release();
            }

            struct Component;

    $crate::bindings::export!(Component with_types_in $crate::bindings);
        };
    };
}
