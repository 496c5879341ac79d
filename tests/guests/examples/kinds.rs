//! Hears everything. Notes each event under its kind (`seen KIND` tells it), and answers with it where
//! that cannot make the next event: not on outcomes and typing.

use parlor_sdk::prelude::*;

/// The guest.
#[derive(Debug, Default)]
pub struct Guest;

impl Behaviour for Guest {
    fn describe() -> Description {
        use parlor_sdk::description::{EventKind as Kind, MessageFilter};

        let everything = MessageFilter {
            key_words: Vec::new(),
            has: Vec::new(),
            from_bots: true,
        };
        Description::new("kinds", "1.0.0", "Tells every event")
            .hears(&[
                Kind::MessageEdited,
                Kind::MessageDeleted,
                Kind::FormSubmitted,
                Kind::FormClosed,
                Kind::ButtonPressed,
                Kind::MemberChanged,
                Kind::ConversationChanged,
                Kind::ContactChanged,
                Kind::Reaction,
                Kind::Typing,
                Kind::Presence,
                Kind::ActionDone,
                Kind::ActionFailed,
                Kind::Lifecycle,
                Kind::Other,
            ])
            .messages(everything)
            .command("seen", "seen {kind}", "Tells the last event of a kind")
            .command("envelope", "envelope", "Tells the envelope")
            .command("timer", "timer {ms:int}", "Sets a timer")
            .command("request", "request {url}", "Makes a request")
            .command(
                "typed",
                "typed {word} {n:int} {x:number} {flag:bool} {@who} {#topic} {$ticker} {rest...}",
                "Takes an argument of every type",
            )
    }

    fn handle(&mut self, event: Event) -> Result<Reply, Error> {
        let cx = Context::new(event);
        if let EventPayload::Command(command) = &cx.event().payload {
            let text = |name: &str| {
                let mut found = command.arguments.iter().filter(|given| given.name == name);
                found
                    .next()
                    .map(|given| argument(&given.value))
                    .unwrap_or_default()
            };
            match command.name.as_str() {
                "seen" => {
                    let seen = state::plugin().text(&text("kind"))?;
                    return Ok(cx.reply(seen.unwrap_or_else(|| "nothing".into())));
                }
                "envelope" => return Ok(cx.reply(envelope(&cx))),
                "timer" => {
                    let after = Schedule::After(text("ms").parse().unwrap_or(1_000));
                    return Ok(Action::set_timer("kinds", after, "tick").into());
                }
                "request" => return Ok(Request::get("kinds", text("url")).into()),
                _ => {}
            }
        }
        let (kind, text) = tell(&cx.event().payload);
        let text = format!("{kind}: {text}");
        state::plugin().set(kind, &text)?;
        let quiet = matches!(
            kind,
            "action-done" | "action-failed" | "typing" | "presence"
        );
        if quiet || cx.conversation().is_none() {
            log::info(&text);
            return Ok(Reply::none());
        }
        Ok(cx.reply(text))
    }
}

export!(Guest);

fn argument(value: &parlor_sdk::events::ArgumentValue) -> String {
    use parlor_sdk::events::ArgumentValue as Value;
    match value {
        Value::Text(text) | Value::Hashtag(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Flag(flag) => flag.to_string(),
        Value::Mention(mention) => mention.text.clone(),
        Value::Cashtag(cashtag) => cashtag.ticker.clone(),
    }
}

/// The kind's name in the contract, and its payload.
fn tell(payload: &EventPayload) -> (&'static str, String) {
    match payload {
        EventPayload::Message(it) => ("message", format!("{it:?}")),
        EventPayload::Command(it) => ("command", format!("{it:?}")),
        EventPayload::MessageEdited(it) => ("message-edited", format!("{it:?}")),
        EventPayload::MessageDeleted(it) => ("message-deleted", format!("{it:?}")),
        EventPayload::FormSubmitted(it) => ("form-submitted", format!("{it:?}")),
        EventPayload::FormClosed(it) => ("form-closed", format!("{it:?}")),
        EventPayload::ButtonPressed(it) => ("button-pressed", format!("{it:?}")),
        EventPayload::MemberChanged(it) => ("member-changed", format!("{it:?}")),
        EventPayload::ConversationChanged(it) => ("conversation-changed", format!("{it:?}")),
        EventPayload::ContactChanged(it) => ("contact-changed", format!("{it:?}")),
        EventPayload::Reaction(it) => ("reaction", format!("{it:?}")),
        EventPayload::Typing(it) => ("typing", format!("{it:?}")),
        EventPayload::Presence(it) => ("presence", format!("{it:?}")),
        EventPayload::TimerFired(it) => ("timer-fired", format!("{it:?}")),
        EventPayload::ResponseReceived(it) => ("response-received", format!("{it:?}")),
        EventPayload::WebhookReceived(it) => ("webhook-received", format!("{it:?}")),
        EventPayload::ActionDone(it) => ("action-done", format!("{it:?}")),
        EventPayload::ActionFailed(it) => ("action-failed", format!("{it:?}")),
        EventPayload::Lifecycle(it) => ("lifecycle", format!("{it:?}")),
        EventPayload::Other(it) => ("other", format!("{it:?}")),
    }
}

/// Everything around the payload.
fn envelope(cx: &Context) -> String {
    let event = cx.event();
    format!(
        "id={} sequence={} attempt={} occurred-at={} received-at={} addressing={:?} cause={:?} \
         depth={} trace-id={} extras={:?} raw={:?}\nbot={:?}\nconversation={:?}\nactor={:?}",
        event.id,
        event.sequence,
        event.attempt,
        event.occurred_at,
        event.received_at,
        event.addressing,
        event.cause,
        event.depth,
        event.trace_id,
        event.extras,
        event.raw,
        event.bot,
        event.conversation,
        event.actor,
    )
}
