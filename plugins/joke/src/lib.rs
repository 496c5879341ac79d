//! Tells jokes: its own, or those of a service.

mod source;

use parlor_sdk::prelude::*;

const JOKES: [&str; 14] = [
    "I told my compiler a joke. It wanted to know the type first.",
    "Why did the semaphore go to the party alone? It had already let everybody else through.",
    "My keyboard has a bad space bar.Youwouldnotbelievewhatitislike.",
    "The spreadsheet and the database broke up. They could not agree on their relations.",
    "Why do gardeners make good programmers? They know where the root is, and they prune the tree.",
    "The meeting about shorter meetings has been extended.",
    "What did the cache say to the disk? \"I have heard that one before.\"",
    "A clock walked into the office and everybody asked it for a minute.",
    "Why was the log file so calm? It let everything out, line by line.",
    "I have a joke about time zones, but you may have heard it tomorrow.",
    "The tea kettle applied for a job on the trading floor. It works well under pressure.",
    "Why did the pull request go to the gym? It wanted to be merged in better shape.",
    "Two bytes meet. One looks pale. \"Parity error?\" asks the other. \"Yes, I feel a bit off.\"",
    "My stapler resigned. It could not hold things together any longer.",
];

/// The joke plugin.
#[derive(Debug, Default)]
pub struct Joke;

#[behaviour(name = "joke", summary = "Tells a joke")]
#[config(
    "source",
    text,
    help = "The address of a service that answers with a joke"
)]
#[capability(
    http = "GET https://*",
    reason = "Fetches jokes from the address in `source`, if you set one",
    optional
)]
impl Joke {
    #[command("/joke", help = "Tells a joke")]
    #[command("/bot joke", name = "bot-joke", help = "Tells a joke")]
    fn joke(&mut self, cx: &Context) -> Result<Reply, Error> {
        let memory = state::conversation();
        let last = memory.text("last")?;
        let joke = match fetched().filter(|joke| Some(joke) != last.as_ref()) {
            Some(joke) => joke,
            None => own(last.as_deref()).to_owned(),
        };
        memory.set("last", &joke)?;
        Ok(cx.reply(joke))
    }
}

/// Chooses one that is not the last one.
fn own(last: Option<&str>) -> &'static str {
    let at = last.and_then(|last| JOKES.iter().position(|joke| *joke == last));
    match at {
        None => JOKES[random::below(JOKES.len() as u64) as usize],
        Some(at) => {
            let step = 1 + random::below(JOKES.len() as u64 - 1) as usize;
            JOKES[(at + step) % JOKES.len()]
        }
    }
}

/// Fetches one, where the operator has set a source. Whatever fails, the plugin has its own.
fn fetched() -> Option<String> {
    let url = config::text("source")?;
    match http::get(&url) {
        Ok(answer) if answer.ok() => {
            let joke = source::joke_in(&answer.body);
            if joke.is_none() {
                log::warn("the source's answer holds no joke");
            }
            joke
        }
        Ok(_) => {
            log::warn("the source's answer is not a success");
            None
        }
        Err(error) => {
            log::warn(["the source does not answer: ", error.name()].concat());
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "https://jokes.example/random";

    #[test]
    fn never_tells_the_same_joke_twice_running() {
        let mut bench = Bench::new(Joke);
        let mut last = String::new();
        for round in 0..500 {
            let told = bench
                .say(if round % 2 == 0 { "/joke" } else { "/bot joke" })
                .texts();
            assert_eq!(told.len(), 1);
            assert_ne!(told[0], last);
            last.clone_from(&told[0]);
        }
    }

    #[test]
    fn tells_every_joke_in_the_end() {
        let mut bench = Bench::new(Joke);
        let told: std::collections::BTreeSet<_> =
            (0..500).flat_map(|_| bench.say("/joke").texts()).collect();
        assert_eq!(told.len(), JOKES.len());
    }

    #[test]
    fn fetches_a_joke_where_a_source_is_set() {
        let mut bench = Bench::new(Joke).config("source", SOURCE).http_response(
            SOURCE,
            200,
            r#"{"setup": "Why?", "punchline": "Because."}"#,
        );
        assert_eq!(bench.say("/joke").texts(), ["Why?\nBecause."]);
        let second = bench.say("/joke").texts();
        assert!(
            JOKES.contains(&second[0].as_str()),
            "the same joke again: an own one instead"
        );
    }

    #[test]
    fn falls_back_to_its_own() {
        for bench in [
            Bench::new(Joke).config("source", SOURCE),
            Bench::new(Joke)
                .config("source", SOURCE)
                .http_response(SOURCE, 500, "no"),
            Bench::new(Joke)
                .config("source", SOURCE)
                .http_response(SOURCE, 200, "{}"),
        ] {
            let mut bench = bench;
            let told = bench.say("/joke").texts();
            assert!(JOKES.contains(&told[0].as_str()));
            assert_eq!(bench.log().len(), 1);
        }
    }

    #[test]
    fn other_talk_is_not_heard() {
        let mut bench = Bench::new(Joke);
        assert_eq!(bench.say("do you know a joke?").actions.len(), 0);
    }
}
