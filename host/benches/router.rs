//! What a message costs in the router.
fn main() {}
