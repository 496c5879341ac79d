//! {{summary}}.

use parlor_sdk::prelude::*;

#[derive(Default)]
struct Plugin;

// What a plugin reaches is granted by whoever runs it: see `my-plugin.toml`.
#[behaviour(summary = "{{summary}}")]
#[config(
    "source",
    text,
    default = "https://icanhazdadjoke.com/",
    help = "The service that is asked"
)]
#[capability(
    http = "GET https://icanhazdadjoke.com/",
    reason = "Fetches the jokes from there, or from the address in `source`"
)]
impl Plugin {
    #[command("/joke", help = "Tells a joke")]
    fn joke(&mut self, cx: &Context) -> Reply {
        match fetched() {
            Ok(joke) => cx.reply(joke),
            Err(why) => {
                log::warn(format!("no joke: {why}"));
                cx.reply("There is no joke to be had now.")
            }
        }
    }
}

fn fetched() -> Result<String, String> {
    let source = config::text("source").ok_or("there is no source")?;
    let request = http::Call::new("GET", source).header("accept", "text/plain");
    let answer = request.send().map_err(|error| error.name().to_owned())?;
    if !answer.ok() {
        return Err(format!("the status is {}", answer.status));
    }
    Ok(answer.text().trim().to_owned())
}
