//! Traps on `trap`, after it has written state and a log line; nothing of that may be kept.

use parlor_sdk::prelude::*;

/// The guest.
#[derive(Debug, Default)]
pub struct Guest;

#[behaviour(name = "trap-handle", summary = "Traps on a message")]
impl Guest {
    #[message(equals = "trap")]
    fn trap(&mut self) -> Result<Reply, Error> {
        state::plugin().set("trapped", "yes")?;
        log::info("about to trap");
        panic!("handle does not work")
    }

    #[message(equals = "error")]
    fn error(&mut self) -> Result<Reply, Error> {
        state::plugin().set("trapped", "yes")?;
        Err(Error::failed("handle gives up"))
    }

    #[message(equals = "refuse")]
    fn refuse(&mut self) -> Result<Reply, Error> {
        state::plugin().set("trapped", "yes")?;
        Err(Error::refused("not for me"))
    }

    #[message(equals = "retry")]
    fn retry(&mut self, cx: &Context) -> Result<Reply, Error> {
        if cx.attempt() < 2 {
            state::plugin().set("trapped", "yes")?;
            return Err(Error::retry());
        }
        Ok(cx.reply("at the second try"))
    }

    // Never succeeds, and says each time that it was called.
    #[command("retry after {ms:int}", name = "retry-after")]
    fn retry_after(&mut self, cx: &Context, ms: u64) -> Result<Reply, Error> {
        log::info(format!("try {}", cx.attempt()));
        Err(Error::retry_after(std::time::Duration::from_millis(ms)))
    }

    #[command("form")]
    fn show(&mut self, cx: &Context) -> Reply {
        cx.reply(
            Form::new("fails")
                .title("To no avail")
                .text("name", "Your name")
                .submit("Send"),
        )
    }

    #[form("fails")]
    fn submitted(&mut self, name: String) -> Result<Reply, Error> {
        Err(Error::failed(["nothing for ", &name].concat()))
    }

    #[message(equals = "trapped?")]
    fn trapped(&mut self) -> Result<String, Error> {
        Ok(state::plugin()
            .text("trapped")?
            .unwrap_or_else(|| "no".into()))
    }
}
