//! Requests that the host makes for a plugin after the commit.

use std::time::Duration;

use crate::actions::{Action, ActionKind};
use crate::events::Header;

/// An HTTP request that the host makes after the commit, under the HTTP grants. The answer is a
/// `response-received` event with its key, in the conversation, thread and on behalf of the person
/// of the event that asked; it comes once.
///
/// It outlives restarts of the host. One that a restart cut off is made again where that is safe: a
/// GET, HEAD, OPTIONS, PUT or DELETE, or any with an [idempotency
/// header](Request::idempotency_header). Else the plugin hears `in-doubt`. For other reasons than a
/// restart the host repeats nothing.
///
/// A plugin has at most 16 requests under way at one time and at most 10,000 that have not ended; a
/// body has at most 1 MiB, and so has an answer's (`too-large`); the bodies of one event's requests
/// have at most 4 MiB. Redirects are not followed, they are the answer. Headers with credentials are
/// left out of answers.
///
/// ```
/// use parlor_sdk::prelude::*;
/// use parlor_sdk::events::ResponseReceived;
///
/// #[derive(Default)]
/// struct Orders;
///
/// #[behaviour(name = "orders", summary = "Orders things")]
/// #[capability(http = "POST https://api.example.com/orders", reason = "Places orders")]
/// impl Orders {
///     #[command("/order {what}")]
///     fn order(&mut self, what: String) -> Request {
///         Request::post("order", "https://api.example.com/orders", what)
///             .header("content-type", "text/plain")
///             .idempotency_header("idempotency-key")
///     }
///
///     #[response("order")]
///     fn ordered(&mut self, cx: &Context, received: &ResponseReceived) -> Reply {
///         match received.answer() {
///             Ok(answer) if answer.ok() => cx.reply("Ordered"),
///             Ok(answer) => cx.reply(format!("Refused with {}", answer.status)),
///             Err(error) => cx.reply(format!("Nobody knows: {}", error.name())),
///         }
///     }
/// }
///
/// # fn main() {
/// use parlor_sdk::events::ResponseError;
///
/// let mut bench = Bench::new(Orders);
/// bench.say("/order tea");
/// assert_eq!(bench.request("order").map(|order| order.body.clone()), Some(b"tea".to_vec()));
/// assert_eq!(bench.respond("order", 201, "").texts(), ["Ordered"]);
/// bench.say("/order milk");
/// let doubt = bench.respond_error("order", ResponseError::InDoubt);
/// assert_eq!(doubt.texts(), ["Nobody knows: in-doubt"]);
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Request(String, crate::actions::Request);

impl Request {
    /// Makes one with a key of at most 64 bytes, a method and an absolute `http` or `https` URL; 30 s.
    pub fn new(key: impl Into<String>, method: impl Into<String>, url: impl Into<String>) -> Self {
        Self(
            key.into(),
            crate::actions::Request {
                method: method.into(),
                url: url.into(),
                headers: Vec::new(),
                body: Vec::new(),
                timeout_ms: 30_000,
                idempotency_header: None,
            },
        )
    }

    /// Makes a GET.
    pub fn get(key: impl Into<String>, url: impl Into<String>) -> Self {
        Self::new(key, "GET", url)
    }

    /// Makes a POST with a body of at most 1 MiB.
    pub fn post(key: impl Into<String>, url: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        let mut request = Self::new(key, "POST", url);
        request.1.body = body.into();
        request
    }

    /// Makes a PUT with a body of at most 1 MiB.
    ///
    /// ```
    /// use parlor_sdk::prelude::*;
    ///
    /// let save = Request::put("save", "https://api.example.com/notes/7", "tea");
    /// ```
    pub fn put(key: impl Into<String>, url: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        let mut request = Self::new(key, "PUT", url);
        request.1.body = body.into();
        request
    }

    /// Makes a DELETE.
    ///
    /// ```
    /// use parlor_sdk::prelude::*;
    ///
    /// let forget = Request::delete("forget", "https://api.example.com/notes/7");
    /// ```
    pub fn delete(key: impl Into<String>, url: impl Into<String>) -> Self {
        Self::new(key, "DELETE", url)
    }

    /// Adds a header. `host`, `content-length` and those of the connection are the host's own.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.1.headers.push(Header {
            name: name.into(),
            value: value.into(),
        });
        self
    }

    /// Sets how long it may take in all, from 1 ms to 10 minutes; over a restart the time begins anew.
    ///
    /// ```
    /// use std::time::Duration;
    /// use parlor_sdk::prelude::*;
    ///
    /// let report = Request::get("report", "https://api.example.com/report")
    ///     .timeout(Duration::from_secs(120));
    /// ```
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.1.timeout_ms = timeout.as_millis().try_into().unwrap_or(u32::MAX);
        self
    }

    /// Names the header in which the host sends an id of its own, the same in every try and never
    /// used for another request, so that repeating is safe where the other side heeds it.
    #[must_use]
    pub fn idempotency_header(mut self, name: impl Into<String>) -> Self {
        self.1.idempotency_header = Some(name.into());
        self
    }
}

impl From<Request> for Action {
    fn from(Request(key, request): Request) -> Self {
        Action::new(ActionKind::Request(request)).key(key)
    }
}

impl From<Request> for crate::Reply {
    fn from(request: Request) -> Self {
        Action::from(request).into()
    }
}
