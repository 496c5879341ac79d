//! An answer's body: bounded in size and time, without the secrets that it quotes.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep};

use super::error::{EgressError, classify};
use crate::net::mask::{Mask, MaskStream, cover_headers};
use crate::telemetry::wire::Exchange;

/// An answer's body: ends with an error where it is too large or too slow.
pub struct CappedBody {
    body: Wire,
    left: u64,
    limit: u64,
    deadline: Instant,
    between: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
    masks: Vec<Mask>,
    /// None where there is nothing to hide.
    mask: Option<MaskStream>,
    /// What comes after bytes that were held back.
    trailers: Option<Frame<Bytes>>,
    has_ended: bool,
    /// Written to the log when the body is done with, where requests are logged.
    exchange: Option<Exchange>,
    _permit: OwnedSemaphorePermit,
}

/// Where a body comes from.
pub(super) enum Wire {
    /// From the other side.
    Coming(Incoming),
    /// From whoever answers in its place.
    Given(Full<Bytes>),
}

impl Body for Wire {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match self.get_mut() {
            Self::Coming(body) => Pin::new(body).poll_frame(cx),
            Self::Given(body) => Pin::new(body)
                .poll_frame(cx)
                .map_err(|never| match never {}),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Coming(body) => body.is_end_stream(),
            Self::Given(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Coming(body) => body.size_hint(),
            Self::Given(body) => body.size_hint(),
        }
    }
}

/// What bounds a body.
pub(super) struct BodyBounds {
    pub(super) limit: u64,
    pub(super) deadline: Instant,
    pub(super) between: Duration,
}

impl CappedBody {
    pub(super) fn new(
        body: Wire,
        bounds: &BodyBounds,
        masks: Vec<Mask>,
        permit: OwnedSemaphorePermit,
    ) -> Self {
        Self {
            body,
            left: bounds.limit,
            limit: bounds.limit,
            deadline: bounds.deadline,
            between: bounds.between,
            sleep: None,
            mask: MaskStream::new(masks.clone()),
            masks,
            trailers: None,
            has_ended: false,
            exchange: None,
            _permit: permit,
        }
    }

    /// Notes what is read of it.
    pub(super) fn noted_in(mut self, exchange: Option<Exchange>) -> Self {
        self.exchange = exchange;
        self
    }

    fn poll_wire(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, EgressError>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                self.sleep = None;
                let bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
                let Some(left) = self.left.checked_sub(bytes) else {
                    return Poll::Ready(Some(Err(EgressError::BodyTooLarge(self.limit))));
                };
                self.left = left;
                if let Some(exchange) = &mut self.exchange {
                    exchange.add_bytes(bytes);
                }
                // A body of many small pieces is late by the clock, not by one piece.
                if Instant::now() >= self.deadline {
                    return Poll::Ready(Some(Err(EgressError::TimedOut)));
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(classify(&error)))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => {
                let until = self.deadline.min(Instant::now() + self.between);
                let sleep = self
                    .sleep
                    .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
                match sleep.as_mut().poll(cx) {
                    Poll::Ready(()) => Poll::Ready(Some(Err(EgressError::TimedOut))),
                    Poll::Pending => Poll::Pending,
                }
            }
        }
    }

    /// Takes the secrets out of a frame; none where all of it waits for the next one.
    fn cover(&mut self, frame: Frame<Bytes>) -> Option<Frame<Bytes>> {
        let Some(mask) = &mut self.mask else {
            return Some(frame);
        };
        match frame.into_data() {
            Ok(data) => {
                let certain = mask.push(&data);
                (!certain.is_empty()).then(|| Frame::data(certain))
            }
            Err(mut trailers) => {
                if let Some(trailers) = trailers.trailers_mut() {
                    cover_headers(&self.masks, trailers);
                }
                let rest = mask.finish();
                if rest.is_empty() {
                    return Some(trailers);
                }
                self.trailers = Some(trailers);
                Some(Frame::data(rest))
            }
        }
    }

    fn held(&self) -> usize {
        self.mask.as_ref().map_or(0, MaskStream::held)
    }
}

impl Body for CappedBody {
    type Data = Bytes;
    type Error = EgressError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, EgressError>>> {
        let this = &mut *self;
        if let Some(trailers) = this.trailers.take() {
            return Poll::Ready(Some(Ok(trailers)));
        }
        while !this.has_ended {
            match std::task::ready!(this.poll_wire(cx)) {
                Some(Ok(frame)) => {
                    if let Some(frame) = this.cover(frame) {
                        return Poll::Ready(Some(Ok(frame)));
                    }
                }
                Some(Err(error)) => {
                    this.has_ended = true;
                    // What was held back is of a body that never came to its end.
                    this.mask = None;
                    let error = error.masked(&this.masks);
                    if let Some(exchange) = &mut this.exchange {
                        exchange.failed(error.to_string());
                    }
                    return Poll::Ready(Some(Err(error)));
                }
                None => this.has_ended = true,
            }
        }
        let rest = this.mask.as_mut().map(MaskStream::finish);
        let rest = rest.filter(|rest| !rest.is_empty());
        Poll::Ready(rest.map(|rest| Ok(Frame::data(rest))))
    }

    fn is_end_stream(&self) -> bool {
        let is_over = self.has_ended || self.body.is_end_stream();
        is_over && self.held() == 0 && self.trailers.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let held = self.held() as u64;
        let coming = self.body.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(coming.lower() + held);
        if let Some(upper) = coming.upper() {
            hint.set_upper(upper + held);
        }
        hint
    }
}
