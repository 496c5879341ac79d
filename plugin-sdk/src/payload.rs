//! Typed payloads for `#[on]`, `#[timer]` and `#[button]`.

use crate::events::{
    ButtonPressed, ContactChanged, MessageDeleted, MessageReceived, PresenceStatus, TimerFired,
    WebhookReceived,
};

/// What the second parameter of an event handler can be: a reference to the payload, or what the
/// handler mostly wants of it.
pub trait FromPayload<'a, P>: Sized {
    /// Takes it out of the payload.
    fn from_payload(payload: &'a P) -> Self;
}

/// Takes a parameter out of a payload.
pub fn payload<'a, P, T: FromPayload<'a, P>>(payload: &'a P) -> T {
    T::from_payload(payload)
}

impl<'a, P> FromPayload<'a, P> for &'a P {
    fn from_payload(payload: &'a P) -> Self {
        payload
    }
}

impl FromPayload<'_, TimerFired> for String {
    fn from_payload(payload: &TimerFired) -> Self {
        payload.payload.clone()
    }
}

impl FromPayload<'_, ButtonPressed> for String {
    fn from_payload(payload: &ButtonPressed) -> Self {
        payload.value.clone()
    }
}

impl FromPayload<'_, MessageReceived> for String {
    fn from_payload(payload: &MessageReceived) -> Self {
        payload.message.text.clone()
    }
}

impl FromPayload<'_, MessageDeleted> for String {
    fn from_payload(payload: &MessageDeleted) -> Self {
        payload.message_id.clone()
    }
}

impl FromPayload<'_, bool> for bool {
    fn from_payload(payload: &bool) -> Self {
        *payload
    }
}

impl FromPayload<'_, PresenceStatus> for PresenceStatus {
    fn from_payload(payload: &PresenceStatus) -> Self {
        *payload
    }
}

impl FromPayload<'_, ContactChanged> for ContactChanged {
    fn from_payload(payload: &ContactChanged) -> Self {
        *payload
    }
}

/// The body as text; what is no UTF-8 is replaced.
impl FromPayload<'_, WebhookReceived> for String {
    fn from_payload(payload: &WebhookReceived) -> Self {
        String::from_utf8_lossy(&payload.body).into_owned()
    }
}

impl FromPayload<'_, WebhookReceived> for Vec<u8> {
    fn from_payload(payload: &WebhookReceived) -> Self {
        payload.body.clone()
    }
}
