//! Outgoing connections: addresses, proxies, TLS.
