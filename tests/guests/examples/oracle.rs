//! Slow secret API: asks a service that takes its time and wants a token. The host makes the request
//! after the commit, over restarts, and adds the token; this plugin never sees it.

use std::time::Duration;

use parlor_sdk::events::ResponseReceived;
use parlor_sdk::prelude::*;

const QUESTION: &str = "question:";
/// The longest that the host waits for an answer.
const PATIENCE: Duration = Duration::from_secs(600);

/// The oracle.
#[derive(Debug, Default)]
pub struct Guest;

#[behaviour(name = "oracle", summary = "Asks a service that knows")]
#[config("service", text, required, help = "Where questions are sent with POST")]
#[capability(http = "POST https://*", reason = "Asks the address in `service`")]
impl Guest {
    #[command("/ask {question...}", help = "Asks the service")]
    fn ask(&mut self, cx: &Context, question: String) -> Result<Reply, Error> {
        let number = state::plugin().number("last")?.unwrap_or(0) + 1;
        state::plugin().set_number("last", number)?;
        let key = format!("{QUESTION}{number}");
        // With an id of the host's in this header the service answers a repeated question once.
        let request = Request::post(&key, config::text("service").unwrap_or_default(), question)
            .header("content-type", "text/plain")
            .idempotency_header("idempotency-key")
            .timeout(PATIENCE);
        let wait = format!("Just a moment, {}.", cx.first_name());
        Ok(Reply::from(Message::reply(wait).key(key)).and(request))
    }

    // The answer takes the place of the words that asked for patience.
    #[response(prefix = QUESTION)]
    fn answered(&mut self, received: &ResponseReceived) -> Action {
        let text = match received.answer() {
            Ok(answer) if answer.ok() => answer.text(),
            Ok(answer) if answer.status == 429 => {
                "The service has had enough for today.".to_owned()
            }
            Ok(answer) => format!("The service refuses ({}).", answer.status),
            Err(error) => format!("The service does not answer ({}).", error.name()),
        };
        Action::edit(MessageRef::by_key(received.key.as_str()), text)
    }
}
