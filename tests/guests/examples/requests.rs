//! Makes requests and tells of their answers, with what the answer's event carries.

use std::time::Duration;

use parlor_sdk::events::ResponseReceived;
use parlor_sdk::prelude::*;

/// The guest.
#[derive(Debug, Default)]
pub struct Guest;

#[behaviour(name = "requests", summary = "Asks and tells the answer")]
#[capability(http = "GET https://*", reason = "Asks what it is told to", optional)]
impl Guest {
    #[command("/get {key} {url}")]
    fn get(&mut self, key: String, url: String) -> Request {
        Request::get(key, url)
    }

    #[command("/brief {key} {ms:int} {url}")]
    fn brief(&mut self, key: String, ms: u64, url: String) -> Request {
        Request::get(key, url).timeout(Duration::from_millis(ms))
    }

    #[command("/post {key} {url} {body...}")]
    fn post(&mut self, key: String, url: String, body: String) -> Request {
        Request::post(key, url, body).header("content-type", "text/plain")
    }

    // A POST that may be repeated.
    #[command("/order {key} {url} {body...}")]
    fn order(&mut self, key: String, url: String, body: String) -> Request {
        Request::post(key, url, body).idempotency_header("idempotency-key")
    }

    #[command("/many {count:int} {url}")]
    fn many(&mut self, count: u32, url: String) -> Vec<Action> {
        (0..count)
            .map(|number| Request::get(format!("many-{number}"), url.as_str()).into())
            .collect()
    }

    // Something to say and something to ask in one list.
    #[command("/both {key} {url}")]
    fn both(&mut self, cx: &Context, key: String, url: String) -> Reply {
        cx.reply("asking").and(Request::get(key, url))
    }

    // Each answer asks again.
    #[command("/again {url}")]
    fn again(&mut self, url: String) -> Result<Request, Error> {
        state::plugin().set("again", &url)?;
        Ok(Request::get("again", url))
    }

    #[response("again")]
    fn asked_again(&mut self) -> Result<Request, Error> {
        let url = state::plugin().text("again")?.unwrap_or_default();
        Ok(Request::get("again", url))
    }

    #[command("/hello")]
    fn hello(&mut self) -> &'static str {
        "hello"
    }

    #[response(prefix = "")]
    fn answered(&mut self, cx: &Context, received: &ResponseReceived) -> Reply {
        let end = match received.answer() {
            Ok(answer) if answer.body.len() > 1_000 => {
                format!("{} with {} bytes", answer.status, answer.body.len())
            }
            Ok(answer) => format!("{} {}", answer.status, answer.text()),
            Err(error) => error.name().to_owned(),
        };
        let event = cx.event();
        let actor = event.actor.as_ref().map_or("nobody", |actor| &actor.id);
        cx.reply(format!(
            "{}: {end} (for {actor}, depth {})",
            received.key, event.depth
        ))
    }
}
