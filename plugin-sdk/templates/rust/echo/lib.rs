//! {{summary}}.

use parlor_sdk::prelude::*;

#[derive(Default)]
struct Plugin;

#[behaviour(summary = "{{summary}}")]
impl Plugin {
    /// `#[message(word = "hello")]` would hear only what has that word in it.
    #[message]
    fn echo(&mut self, text: String) -> String {
        text
    }
}
