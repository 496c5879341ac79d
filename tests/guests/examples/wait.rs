//! `wait N` fetches the URL in `url` (`{N}` in it stands for N) and then answers; all else is answered at once.

use parlor_sdk::prelude::*;

/// The guest.
#[derive(Debug, Default)]
pub struct Guest;

#[behaviour(name = "wait", summary = "Waits for HTTP")]
#[config("url", text, help = "What `wait` fetches")]
#[capability(http = "GET https://*", reason = "Waits for an answer", optional)]
impl Guest {
    #[command("wait {n}")]
    fn wait(&mut self, n: String) -> String {
        let url = config::text("url").unwrap_or_default().replace("{N}", &n);
        match http::get(&url) {
            Ok(answer) => format!("waited {n}: {}", answer.status),
            Err(error) => format!("waited {n}: {}", error.name()),
        }
    }

    #[message()]
    fn other(&mut self, text: String) -> String {
        format!("at once: {text}")
    }
}
