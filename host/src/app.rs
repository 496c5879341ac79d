//! The only place where siblings meet: joins connectors, router, runtime, outbox and web.

pub mod reload;
