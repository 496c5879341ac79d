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

    // As large as the host lets it be; the SDK's own cap is lifted.
    #[command("large {url}")]
    fn large(&mut self, url: String) -> String {
        match http::Call::new("GET", url).max_body(1 << 30).send() {
            Ok(answer) => format!("{} {}", answer.status, answer.body.len()),
            Err(error) => error.name().into(),
        }
    }

    // Requests that are all open at one time.
    #[command("open {url} {count:int}")]
    fn open(&mut self, url: String, count: u32) -> String {
        open(&url, count)
    }

    // How often some bytes stand in the guest's memory. They come inverted and in hex, so that the
    // question is no answer.
    #[command("search {bytes}")]
    fn search(&mut self, bytes: String) -> String {
        let digits: Vec<u8> = bytes
            .chars()
            .filter_map(|c| c.to_digit(16)?.try_into().ok())
            .collect();
        let inverted: Vec<u8> = digits
            .chunks_exact(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect();
        format!("found {}", count(&inverted))
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

/// Makes requests, and holds every answer unread until all are there.
#[cfg(target_arch = "wasm32")]
fn open(url: &str, count: u32) -> String {
    use wasip2::http::outgoing_handler::handle;
    use wasip2::http::types::{Fields, OutgoingRequest, Scheme};

    let rest = url.strip_prefix("http://").unwrap_or(url);
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut pending = Vec::new();
    let mut refused = Vec::new();
    for _ in 0..count {
        let request = OutgoingRequest::new(Fields::new());
        let path = format!("/{path}");
        let is_set = request.set_scheme(Some(&Scheme::Http)).is_ok()
            && request.set_authority(Some(authority)).is_ok()
            && request.set_path_with_query(Some(&path)).is_ok();
        assert!(is_set, "{url} is no address");
        match handle(request, None) {
            Ok(answer) => pending.push(answer),
            Err(error) => refused.push(format!("{error:?}")),
        }
    }
    let mut answers = Vec::new();
    for answer in &pending {
        answer.subscribe().block();
        match answer.get() {
            Some(Ok(Ok(answer))) => answers.push(answer),
            Some(Ok(Err(error))) => refused.push(format!("{error:?}")),
            other => refused.push(format!("{other:?}")),
        }
    }
    format!("{} open, refused: {refused:?}", answers.len())
}

#[cfg(not(target_arch = "wasm32"))]
fn open(_url: &str, _count: u32) -> String {
    String::new()
}

/// Counts where the memory holds these bytes, each inverted.
#[cfg(target_arch = "wasm32")]
fn count(inverted: &[u8]) -> usize {
    let end = core::arch::wasm32::memory_size(0) * 64 * 1024;
    let byte = |at: usize| {
        // SAFETY: every address below the memory's size can be read; volatile, because what lies
        // there belongs to others.
        unsafe { core::ptr::with_exposed_provenance::<u8>(at).read_volatile() }
    };
    (1..end.saturating_sub(inverted.len()))
        .filter(|start| (0..inverted.len()).all(|index| byte(start + index) == !inverted[index]))
        .count()
}

#[cfg(not(target_arch = "wasm32"))]
fn count(_inverted: &[u8]) -> usize {
    0
}
