//! The record of every frame and request, where `wire = true` asks for it: who spoke to whom, how it
//! ended, how many bytes and how long. Never a body, a header or a query: they hold secrets.

use std::time::Instant;

use tracing::Level;

/// The target of these lines.
pub const TARGET: &str = "wire";

/// Which way something went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To the host.
    In,
    /// From the host.
    Out,
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
        }
    }
}

/// Tells whether frames and requests are logged. Costs next to nothing where they are not.
pub fn is_on() -> bool {
    tracing::enabled!(target: TARGET, Level::DEBUG)
}

/// Logs a frame of a connection: `peer` is the platform's or page's name, `kind` what the frame is.
pub fn frame(way: Way, peer: &str, kind: &str, bytes: usize) {
    tracing::debug!(target: TARGET, way = way.name(), peer, kind, bytes, "frame");
}

/// One request and its answer; the line is written when this is dropped, so that a request that was
/// given up is told of too.
#[derive(Debug)]
pub struct Exchange {
    way: Way,
    method: String,
    host: String,
    path: String,
    status: Option<u16>,
    failed: Option<String>,
    bytes: u64,
    began: Instant,
}

impl Exchange {
    /// Begins one, where they are logged. What follows `?` in the path is left out.
    pub fn begin(way: Way, method: &str, host: &str, path: &str) -> Option<Self> {
        is_on().then(|| Self {
            way,
            method: method.to_owned(),
            host: host.to_owned(),
            path: path.split(['?', '#']).next().unwrap_or_default().to_owned(),
            status: None,
            failed: None,
            bytes: 0,
            began: Instant::now(),
        })
    }

    /// Notes the answer's status.
    pub fn answered(&mut self, status: u16) {
        self.status = Some(status);
    }

    /// Notes why there is no answer; the text holds no secret.
    pub fn failed(&mut self, why: impl Into<String>) {
        self.failed = Some(why.into());
    }

    /// Adds bytes of the body that was read.
    pub fn add_bytes(&mut self, bytes: u64) {
        self.bytes += bytes;
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::debug!(
            target: TARGET,
            way = self.way.name(),
            method = self.method,
            host = self.host,
            path = self.path,
            status = self.status,
            failed = self.failed,
            bytes = self.bytes,
            ms,
            "request"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::captured::Captured;

    /// What is logged under a filter while something is done.
    fn logged(filter: &str, act: impl FnOnce()) -> String {
        let captured = Captured::begin(filter);
        act();
        captured.text()
    }

    #[test]
    fn a_request_is_told_without_its_query() {
        let text = logged("info,wire=debug", || {
            let path = "/v1/rooms?access_token=s3cret#s3cret";
            let mut exchange = Exchange::begin(Way::Out, "POST", "api.example", path).unwrap();
            exchange.add_bytes(12);
            exchange.answered(204);
        });
        assert!(!text.contains("s3cret"), "{text}");
        for part in [
            "way=\"out\"",
            "path=\"/v1/rooms\"",
            "status=204",
            "bytes=12",
            "ms=",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn nothing_is_told_unless_it_is_asked_for() {
        let text = logged("trace,wire=off", || {
            assert!(!is_on());
            assert!(Exchange::begin(Way::In, "GET", "h", "/").is_none());
            frame(Way::In, "page", "say", 3);
        });
        assert_eq!(text, "");
    }
}
