//! Answers `big` with a message of 10 MiB, and `exact N` with one of N bytes; `attach N…` sends files and `key N` a
//! key of so many bytes.

use parlor_sdk::prelude::*;

/// The guest.
#[derive(Debug, Default)]
pub struct Guest;

#[behaviour(name = "big-message", summary = "Sends messages of any size")]
impl Guest {
    #[message(equals = "big")]
    fn big(&mut self) -> String {
        "x".repeat(10 << 20)
    }

    #[command("exact {bytes:int}")]
    fn exact(&mut self, bytes: usize) -> String {
        "x".repeat(bytes)
    }

    // `attach 10 20`: two files.
    #[command("attach {sizes...}")]
    fn attach(&mut self, sizes: String) -> Message {
        let sizes = sizes.split_whitespace().map(|size| size.parse());
        sizes.fold(Message::reply("with files"), |message, size| {
            message.attach(
                "a.bin",
                "application/octet-stream",
                vec![b'x'; size.unwrap_or(0)],
            )
        })
    }

    #[command("key {bytes:int}")]
    fn key(&mut self, bytes: usize) -> Message {
        Message::reply("with a key").key("k".repeat(bytes))
    }
}
