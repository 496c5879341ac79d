//! The trait behind every plugin.

use crate::description::Description;
use crate::events::{
    ActionDone, ActionFailed, ButtonPressed, Command, ContactChanged, ConversationChanged, Event,
    EventPayload, FormClosed, FormSubmitted, Lifecycle, MemberChanged, MessageDeleted,
    MessageEdited, MessageReceived, OtherEvent, PresenceStatus, Reaction, ResponseReceived,
    TimerFired, WebhookReceived,
};
use crate::{Context, Error, Reply};

macro_rules! handlers {
    ($($variant:ident $name:ident $payload:ty, $help:literal;)*) => {
        /// What a plugin does. `#[behaviour]` writes this; by hand it is the same.
        ///
        /// A value of the type is one instance: the host drops it and makes another at any time,
        /// and runs several side by side. Nothing in it is durable; [`crate::state`] is.
        ///
        /// ```
        /// use parlor_sdk::prelude::*;
        /// use parlor_sdk::events::MessageReceived;
        ///
        /// #[derive(Default)]
        /// struct Parrot;
        ///
        /// impl Behaviour for Parrot {
        ///     fn describe() -> Description {
        ///         Description::new("parrot", "1.0.0", "Repeats everything").every_message()
        ///     }
        ///
        ///     fn on_message(&mut self, cx: &Context, got: &MessageReceived) -> Result<Reply, Error> {
        ///         Ok(cx.reply(got.message.text.as_str()))
        ///     }
        /// }
        /// # let mut bench = Bench::new(Parrot);
        /// # assert_eq!(bench.say("polly").texts(), ["polly"]);
        /// ```
        pub trait Behaviour: Default + 'static {
            /// Says what the plugin is and wants. It is asked once for each build, without
            /// settings, state, reads, HTTP and clock.
            fn describe() -> Description;

            /// Handles one event within the call's limits (by default 100 ms of processor time
            /// and 5 s in all): calls the method of its kind.
            ///
            /// # Errors
            /// Those of the method; nothing of the call is kept then.
            fn handle(&mut self, event: Event) -> Result<Reply, Error> {
                let context = Context::new(event);
                self.dispatch(&context)
            }

            #[doc(hidden)]
            fn dispatch(&mut self, cx: &Context) -> Result<Reply, Error> {
                match &cx.event().payload {
                    $(EventPayload::$variant(payload) => self.$name(cx, payload),)*
                }
            }

            $(
                #[doc = $help]
                ///
                /// # Errors
                /// The behaviour's own; nothing of the call is kept then.
                fn $name(&mut self, cx: &Context, payload: &$payload) -> Result<Reply, Error> {
                    let _unused = (cx, payload);
                    Ok(Reply::none())
                }
            )*
        }
    };
}

handlers! {
    Message on_message MessageReceived, "Handles a message that no command matched.";
    Command on_command Command, "Handles a command.";
    MessageEdited on_message_edited MessageEdited, "Handles a changed message.";
    MessageDeleted on_message_deleted MessageDeleted, "Handles a message that was taken away.";
    FormSubmitted on_form_submitted FormSubmitted, "Handles an answered form.";
    FormClosed on_form_closed FormClosed, "Handles a form that will not be answered any more.";
    ButtonPressed on_button_pressed ButtonPressed, "Handles a pressed button.";
    MemberChanged on_member_changed MemberChanged, "Handles a change of who is there.";
    ConversationChanged on_conversation_changed ConversationChanged, "Handles a change of a conversation.";
    ContactChanged on_contact_changed ContactChanged, "Handles a change of a contact.";
    Reaction on_reaction Reaction, "Handles an emoji put on or taken off.";
    Typing on_typing bool, "Handles the beginning (true) or end (false) of typing.";
    Presence on_presence PresenceStatus, "Handles a change of presence.";
    TimerFired on_timer_fired TimerFired, "Handles a timer that was due.";
    ResponseReceived on_response_received ResponseReceived, "Handles the end of a request.";
    WebhookReceived on_webhook_received WebhookReceived, "Handles a call of a webhook of the plugin's own.";
    ActionDone on_action_done ActionDone, "Handles the news that an action was performed.";
    ActionFailed on_action_failed ActionFailed, "Handles the news that an action failed.";
    Lifecycle on_lifecycle Lifecycle, "Handles a change of the plugin's own life.";
    Other on_other OtherEvent, "Handles what has no kind of its own.";
}
