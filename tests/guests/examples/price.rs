//! Price by cashtag: tells what the tickers in a message cost. Prices are asked of a service and kept
//! for a minute.

use std::time::Duration;

use parlor_sdk::content::Alignment;
use parlor_sdk::prelude::*;

/// Tickers of one message that are looked up.
const MOST: usize = 5;
const FRESH: Duration = Duration::from_secs(60);

/// The price bot.
#[derive(Debug, Default)]
pub struct Guest;

#[behaviour(name = "price", summary = "Tells prices of cashtags")]
#[config(
    "source",
    text,
    required,
    help = "Where prices are: GET SOURCE/TICKER answers with a price and a change, `172.40 -0.8`"
)]
#[capability(http = "GET https://*", reason = "Asks the address in `source`")]
impl Guest {
    #[message(has(cashtag))]
    fn priced(&mut self, cx: &Context) -> Result<Reply, Error> {
        let mut tickers: Vec<String> = Vec::new();
        for cashtag in cx.message().iter().flat_map(|message| &message.cashtags) {
            let ticker = cashtag.ticker.to_uppercase();
            if !tickers.contains(&ticker) && tickers.len() < MOST {
                tickers.push(ticker);
            }
        }
        let mut table = Table::new().header(["Ticker", "Price", "Change"]).align([
            Alignment::Left,
            Alignment::Right,
            Alignment::Right,
        ]);
        for ticker in tickers {
            let (price, change) = match quote(&ticker)? {
                Some(quote) => quote,
                None => ("unknown".to_owned(), String::new()),
            };
            table = table.row([Line::new().cashtag(ticker), price.into(), change.into()]);
        }
        Ok(cx.reply(table))
    }
}

/// Finds a price and its change, none where the source knows nothing of the ticker.
fn quote(ticker: &str) -> Result<Option<(String, String)>, Error> {
    let (memory, key) = (state::plugin(), format!("price/{ticker}"));
    let text = match memory.text(&key)? {
        Some(text) => text,
        None => {
            let Some(text) = fetch(ticker)? else {
                return Ok(None);
            };
            memory.set_for(&key, &text, FRESH)?;
            text
        }
    };
    let (price, change) = text.split_once(' ').unwrap_or((&text, ""));
    Ok(Some((price.to_owned(), change.to_owned())))
}

fn fetch(ticker: &str) -> Result<Option<String>, Error> {
    // A ticker is what a person typed; only what is safe in a path goes into one.
    if !ticker
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || c == '.')
    {
        return Ok(None);
    }
    let source = config::text("source").unwrap_or_default();
    match http::get(&format!("{source}/{ticker}")) {
        Ok(answer) if answer.ok() => Ok(Some(answer.text().trim().to_owned())),
        Ok(answer) if answer.status == 404 => Ok(None),
        // The host tries the message again; people wait a moment instead of reading of an error.
        Ok(_) => Err(Error::retry()),
        Err(error) => Err(Error::failed(error.name())),
    }
}
