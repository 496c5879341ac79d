//! Turns artifacts into machine code, out of the way of everything else, and keeps it.
//!
//! A component can be built to exhaust a compiler, and a compilation cannot be cancelled: so it runs
//! in a child process with bounds. What was compiled lies in the cache folder; nothing is ever
//! deserialized from anywhere else.

mod cache;
mod check;
mod child;
mod facts;
mod lines;

pub use check::CONTRACT_VERSION;
pub use child::child_main;
pub use facts::{ComponentFacts, ImportFact, component_facts};

pub(super) use cache::{Cache, Temporary};
pub(super) use check::check_component;
pub(super) use child::{compile_bytes, compile_in_child, find_lines_in_child};
pub(super) use lines::{find_lines, has_lines};

/// Why an artifact cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// It is no WebAssembly.
    #[error("not a WebAssembly component: {0}")]
    NotWasm(String),
    /// It is a core module.
    #[error(
        "the file is a core module; build it as a component, with target wasm32-wasip2, as `parlor build` does"
    )]
    CoreModule,
    /// It ends too early.
    #[error("the file is truncated: it ends after {0} bytes, in the middle of a section")]
    Truncated(usize),
    /// It is larger than an artifact may be.
    #[error("the file has {len} bytes; at most {limit} are allowed")]
    TooLarge {
        /// Its bytes.
        len: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// It does not export the behaviour.
    #[error(
        "not a plugin but {what}: it exports {exports}, and not parlor:bot/behaviour@{version}{remedy}",
        version = CONTRACT_VERSION
    )]
    NotPlugin {
        /// What it looks like.
        what: &'static str,
        /// What it exports.
        exports: String,
        /// What would make a plugin of it, where that is known.
        remedy: &'static str,
    },
    /// It is built for another version of the contract.
    #[error(
        "built for parlor:bot@{found}; this host speaks parlor:bot@{version}: {remedy}",
        version = CONTRACT_VERSION
    )]
    WrongVersion {
        /// The version.
        found: String,
        /// What is to be done.
        remedy: &'static str,
    },
    /// It imports what this host does not have.
    #[error(
        "it imports {0}, which this host does not have; a plugin may import parlor:bot@{version} and WASI 0.2 \
         (cli, clocks, filesystem, http, io, random, sockets)",
        version = CONTRACT_VERSION
    )]
    UnknownImports(String),
    /// It does not validate, or its types are not the contract's.
    #[error("invalid component: {0}")]
    Invalid(String),
    /// The compiler went over a bound.
    #[error("the compiler was stopped: {0}")]
    Exhausted(String),
    /// The host could not compile or keep it; not the artifact's doing.
    #[error("compiler failed: {0}")]
    Host(String),
}

#[cfg(test)]
mod tests;
