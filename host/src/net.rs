//! Outgoing connections: what a grant covers and which credential goes with it, which way and to
//! which addresses, and the sender that holds to all of it.
//!
//! Connectors and plugins share the address rules. No file is opened here: `config` reads them.

pub mod address;
mod client;
mod connect;
mod credential;
pub mod egress;
pub mod grant;
mod mask;
mod oauth;
mod probe;
pub mod resolve;
mod rest;
pub mod retry_after;
mod route;
mod tls;
mod websocket;

pub use credential::{
    Account, ClientAuth, Credential, CredentialError, HttpGrant, MAX_SECRET_BYTES, OAuth2,
};
pub use egress::{Answers, CappedBody, Caps, Egress, EgressError};
pub use grant::{GrantError, HttpGrants};
pub use mask::{SHORTEST_SECRET, without_secrets};
pub use probe::{Probe, probe};
pub use rest::{Answer, RestClient, RestError};
pub use route::{Bypass, NetConfig, NoBypass, Proxy, ProxyError};
pub use tls::{Identity, PemError, read_authorities};
pub use websocket::{Frame, Heartbeat, Opening, WebSocket, WebSocketClient, WebSocketError};
