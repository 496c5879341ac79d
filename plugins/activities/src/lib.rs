//! Shows commands with arguments, a form, and reminders by a durable timer.

use parlor_sdk::prelude::*;

// A year; what is longer is a mistake of typing.
const LONGEST_SECONDS: u64 = 366 * 24 * 60 * 60;

/// The activities plugin.
#[derive(Debug, Default)]
pub struct Activities;

#[behaviour(name = "activities", summary = "Shows commands, forms and timers")]
impl Activities {
    #[command(
        "/buy {quantity} {$ticker}",
        help = "Pretends to buy",
        arguments(quantity = "how many", ticker = "of what, as a cashtag")
    )]
    fn buy(&mut self, cx: &Context, quantity: String, ticker: Cashtag) -> Reply {
        cx.reply(["Buy ", &quantity, " of ", &ticker.ticker].concat())
    }

    #[command("/form", help = "Asks for your name")]
    fn form(&mut self, cx: &Context) -> Reply {
        let name = Field::new("name", "Your name", parlor_sdk::content::FieldKind::Text)
            .required()
            .max("100")
            .placeholder("Enter a name here");
        cx.reply(
            Form::new("hello-form")
                .title("Hello form")
                .field(name)
                .submit("Submit"),
        )
    }

    #[form("hello-form")]
    fn hello(&mut self, cx: &Context, name: String) -> Reply {
        cx.reply(["Hello, ", &name].concat())
    }

    #[command(
        "/remind {seconds:int} {text...}",
        help = "Reminds you later",
        arguments(seconds = "in how many seconds", text = "of what")
    )]
    fn remind(&mut self, cx: &Context, seconds: u64, text: String) -> Reply {
        if !(1..=LONGEST_SECONDS).contains(&seconds) {
            return cx.reply("A reminder takes 1 second to 366 days.");
        }
        // Its number in the conversation is the same when the event is handled again: still one reminder.
        // Its id would be too, and is longer on some platforms than a timer's name may be.
        let timer = ["remind:", &cx.event().sequence.to_string()].concat();
        let reply = ["I will remind you in ", &seconds.to_string(), " s"].concat();
        cx.reply(reply).and(Action::set_timer(
            timer,
            Schedule::After(seconds * 1_000),
            text,
        ))
    }

    #[timer(prefix = "remind:")]
    fn due(&mut self, cx: &Context, text: String) -> Reply {
        cx.reply(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_quantity_and_ticker() {
        let mut bench = Bench::new(Activities);
        assert_eq!(bench.say("/buy 1000 $goog").texts(), ["Buy 1000 of goog"]);
        assert_eq!(bench.say("/buy 1000 goog").actions, []);
    }

    #[test]
    fn greets_who_answers_the_form() {
        let mut bench = Bench::new(Activities);
        assert_eq!(bench.say("/form").texts(), ["Hello form"]);
        assert_eq!(
            bench.submit("hello-form", &[("name", "Ada")]).texts(),
            ["Hello, Ada"]
        );
        assert_eq!(bench.submit("other-form", &[("name", "Ada")]).actions, []);
    }

    #[test]
    fn reminds_each_of_its_own_text() {
        let mut bench = Bench::new(Activities);
        let _ = bench.say("/remind 5 tea is ready");
        let _ = bench.say("/remind 6 stand up");
        let timers: Vec<String> = bench.timers().into_iter().map(Into::into).collect();
        assert_eq!(timers.len(), 2);
        assert_eq!(bench.fire_timer(&timers[0]).texts(), ["tea is ready"]);
        assert_eq!(bench.fire_timer(&timers[1]).texts(), ["stand up"]);
        assert_eq!(bench.timers().len(), 0);
    }

    #[test]
    fn refuses_a_reminder_out_of_bounds() {
        let mut bench = Bench::new(Activities);
        assert_eq!(bench.say("/remind 0 now").actions.len(), 1);
        assert_eq!(bench.say("/remind 99999999999 never").actions.len(), 1);
        assert_eq!(bench.timers().len(), 0);
    }
}
