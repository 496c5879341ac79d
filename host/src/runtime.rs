//! Runs plugins: compiles artifacts, keeps instances under limits, gives each lane its deliveries in order.

#[expect(missing_docs, reason = "generated; the documentation is in wit/")]
pub mod bindings;
mod convert;
pub mod guest;
