//! Fetches the URL in the message and answers the status and the body's length, or the error's name.

use parlor_sdk::prelude::*;

/// The guest.
#[derive(Debug, Default)]
pub struct Guest;

#[behaviour(name = "http", summary = "Fetches what it is told to")]
#[capability(
    http = "GET https://*",
    reason = "Fetches what it is told to",
    optional
)]
impl Guest {
    #[command("fetch {url}")]
    fn fetch(&mut self, url: String) -> String {
        match http::get(&url) {
            Ok(answer) => format!("{} {}", answer.status, answer.body.len()),
            Err(error) => error.name().into(),
        }
    }

    // The whole answer, headers included: a secret must not come back in it.
    #[command("show {url}")]
    fn show(&mut self, url: String) -> String {
        match http::get(&url) {
            Ok(answer) => {
                let headers: Vec<String> = answer
                    .headers
                    .iter()
                    .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value)))
                    .collect();
                format!(
                    "{}\n{}\n\n{}",
                    answer.status,
                    headers.join("\n"),
                    answer.text()
                )
            }
            Err(error) => error.name().into(),
        }
    }

    #[command("post {url} {body...}")]
    fn post(&mut self, url: String, body: String) -> String {
        match http::post(&url, "text/plain", body) {
            Ok(answer) => format!("{} {}", answer.status, answer.text()),
            Err(error) => error.name().into(),
        }
    }

    #[command("header {url} {name} {value...}")]
    fn header(&mut self, url: String, name: String, value: String) -> String {
        match http::Call::new("GET", url).header(name, value).send() {
            Ok(answer) => format!("{} {}", answer.status, answer.text()),
            Err(error) => error.name().into(),
        }
    }

    // More requests than a call may make.
    #[command("many {url} {count:int}")]
    fn many(&mut self, url: String, count: u32) -> String {
        let mut answered = 0;
        for _ in 0..count {
            match http::get(&url) {
                Ok(_) => answered += 1,
                Err(error) => return format!("{} after {answered}", error.name()),
            }
        }
        format!("{answered} answered")
    }
}
