//! The contract as wit-bindgen makes it from `wit/`. Behaviours rarely need it; hostile test guests do.
//!
//! Made beforehand, and by the same generator as its macro: with the macro and everything that it is made of, an author's
//! first build took three times as long.
#![expect(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    reason = "generated from wit/, where every item has its documentation"
)]

include!("bindings/generated.rs");
