//! `http METHOD URL -> …`, and requests as `expect http` names them.

use super::Mistake;
use super::lines::Block;
use crate::app::dialogs::script::{Fixture, FixtureAnswer, HttpRequest};

const EXPECTED: &str = "`http GET https://api.example/x -> 200` (or `-> 503 retry-after: 2`, `-> timeout`, `-> refused`), the body in lines below";
const REQUEST: &str = "a method and an address: `GET https://api.example/x`";

/// Reads a fixture.
pub(super) fn fixture(block: &Block<'_>) -> Result<Fixture, Mistake> {
    let Some((request, answer)) = block.bare().split_once("->") else {
        return Err(Mistake::new(
            format!("`{}`", block.source.trim_end()),
            EXPECTED,
        ));
    };
    let request = http_request(request.trim())?;
    let (first, headers) = answer
        .trim()
        .split_once(char::is_whitespace)
        .unwrap_or((answer.trim(), ""));
    let answer = match first {
        "timeout" => FixtureAnswer::Timeout,
        "refused" => FixtureAnswer::Refused,
        status => {
            let number: Option<u16> = status.parse().ok();
            let Some(status) = number.filter(|number| (200..600).contains(number)) else {
                return Err(Mistake::new(format!("the answer `{status}`"), EXPECTED));
            };
            FixtureAnswer::Response {
                status,
                headers: headers_of(headers)?,
                body: block.body.join("\n"),
            }
        }
    };
    let has_answer = matches!(answer, FixtureAnswer::Response { .. });
    let says_more = !headers.is_empty() || !block.body.is_empty();
    if says_more && !has_answer {
        return Err(Mistake::new(
            format!("more behind `-> {first}`"),
            format!("nothing: there is no answer where it is `{first}`"),
        ));
    }
    Ok(Fixture {
        request,
        answer,
        is_shared: false,
    })
}

/// Reads a method and an address.
pub(super) fn http_request(text: &str) -> Result<HttpRequest, Mistake> {
    let wrong = || match text {
        "" => Mistake::new("no request behind `http`", REQUEST),
        text => Mistake::new(format!("`{text}`"), REQUEST),
    };
    let (method, url) = text.split_once(char::is_whitespace).ok_or_else(wrong)?;
    let is_method = !method.is_empty() && method.chars().all(|c| c.is_ascii_uppercase());
    let url = url::Url::parse(url.trim()).ok();
    let url = url.filter(|url| ["http", "https"].contains(&url.scheme()));
    match url {
        Some(url) if is_method => Ok(HttpRequest {
            method: method.to_owned(),
            url: url.into(),
        }),
        _ => Err(wrong()),
    }
}

fn headers_of(text: &str) -> Result<Vec<(String, String)>, Mistake> {
    let lines = text.split(',').map(str::trim).filter(|it| !it.is_empty());
    lines
        .map(|line| {
            let header = line
                .split_once(':')
                .map(|(name, value)| (name.trim(), value.trim()));
            let header = header.filter(|(name, value)| {
                name.parse::<http::HeaderName>().is_ok()
                    && http::HeaderValue::from_str(value).is_ok()
            });
            let header = header.map(|(name, value)| (name.to_lowercase(), value.to_owned()));
            header.ok_or_else(|| {
                Mistake::new(
                    format!("the header `{line}`"),
                    "`name: value`, with commas between headers",
                )
            })
        })
        .collect()
}
