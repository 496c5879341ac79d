//! Outgoing connections: what a grant covers, which addresses may be reached, and the sender that holds to both.
//!
//! Connectors and plugins share the address rules. Credentials in grants and proxies belong here too, later.

pub mod address;
pub mod egress;
pub mod grant;
pub mod resolve;

pub use egress::{CappedBody, Caps, Egress, EgressError};
pub use grant::{GrantError, HttpGrants};
