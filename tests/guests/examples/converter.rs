//! Symbol converter: knows a security by its RIC, ISIN and Bloomberg ticker. The list comes as a CSV
//! file with `/symbols`; `AAPL.O in isin`, said in passing, and `/convert` are answered from it.

use parlor_sdk::prelude::*;

const KINDS: [&str; 3] = ["ric", "isin", "bloomberg"];
const CODE: &str = "code/";
/// Bytes of a list.
const LARGEST: u64 = 1024 * 1024;

/// The converter.
#[derive(Debug, Default)]
pub struct Guest;

#[behaviour(name = "converter", summary = "Converts symbols of securities")]
impl Guest {
    // Who may is the operator's: `allow = { symbols = ["data"] }`.
    #[command(
        "/symbols",
        help = "Takes the list from the CSV file that comes with the message"
    )]
    fn symbols(&mut self, cx: &Context) -> Result<Reply, Error> {
        let Some(file) = cx.message().and_then(|message| message.attachments.first()) else {
            return Ok(cx.reply("Send `/symbols` with a CSV file: ric,isin,bloomberg"));
        };
        let bytes = directory::whole_attachment(&file.id, LARGEST)?;
        let text = String::from_utf8_lossy(&bytes);
        let (mut known, mut wrong) = (0, Vec::new());
        for (number, line) in text.lines().enumerate().skip(1) {
            let codes: Vec<&str> = line.split(',').map(str::trim).collect();
            match <[&str; 3]>::try_from(codes) {
                Ok(codes) if is_isin(codes[1]) => {
                    for code in codes {
                        state::plugin().set(&key(code), codes.join(","))?;
                    }
                    known += 1;
                }
                _ => wrong.push((number + 1).to_string()),
            }
        }
        let mut answer = format!("{known} securities");
        if !wrong.is_empty() {
            answer.push_str(&format!("; not understood: line {}", wrong.join(", ")));
        }
        Ok(cx.reply(answer))
    }

    #[command("/convert {symbol...}", help = "Tells all symbols of a security")]
    fn convert(&mut self, cx: &Context, symbol: String) -> Result<Reply, Error> {
        let Some(codes) = find(&symbol)? else {
            return Ok(cx.reply(format!("{symbol} is not in the list.")));
        };
        let mut card = Card::new(symbol.trim().to_uppercase());
        for (kind, code) in KINDS.into_iter().zip(codes) {
            card = card.fact(kind, code);
        }
        Ok(cx.reply(card))
    }

    #[message(regex = r"(?i)^\s*(?P<symbol>\S+( \S+){0,2}) in (?P<kind>ric|isin|bloomberg)\s*\??$")]
    fn asked(&mut self, cx: &Context, symbol: String, kind: String) -> Result<Reply, Error> {
        let place = KINDS
            .iter()
            .position(|known| known.eq_ignore_ascii_case(&kind));
        // Nothing was asked of the bot: what it does not know it leaves to others.
        let code = find(&symbol)?.zip(place);
        Ok(code
            .map(|(codes, place)| cx.reply(codes[place].as_str()))
            .into())
    }
}

fn find(symbol: &str) -> Result<Option<[String; 3]>, Error> {
    let codes = state::plugin().text(&key(symbol))?;
    let codes: Option<Vec<String>> =
        codes.map(|codes| codes.split(',').map(str::to_owned).collect());
    Ok(codes.and_then(|codes| codes.try_into().ok()))
}

fn key(symbol: &str) -> String {
    format!("{CODE}{}", symbol.trim().to_uppercase())
}

/// Checks the last digit of an ISIN (ISO 6166): letters count as 10 to 35, then Luhn's sum.
fn is_isin(code: &str) -> bool {
    let bytes = code.as_bytes();
    if bytes.len() != 12 || !bytes[..2].iter().all(u8::is_ascii_uppercase) {
        return false;
    }
    let mut digits: Vec<u32> = Vec::new();
    for c in code.chars() {
        match c.to_digit(36) {
            Some(value) if value >= 10 => digits.extend([value / 10, value % 10]),
            Some(value) => digits.push(value),
            None => return false,
        }
    }
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match place % 2 {
            0 => *digit,
            _ => digit * 2 / 10 + digit * 2 % 10,
        })
        .sum();
    sum.is_multiple_of(10)
}
