//! Plugins that only tests load. Each is one file in `examples/`; there is nothing in this library.
//!
//! ```text
//! cargo build --profile plugin --target wasm32-wasip2 -p parlor-guests --examples
//! ```
//!
//! makes `target/wasm32-wasip2/plugin/examples/NAME.wasm`, with `_` for `-`. Natively they compile and
//! export nothing. `wat/` holds what no Rust compiler makes.
