//! Sends pizza: joins, tells the agents, leaves.

use parlor_sdk::prelude::*;

/// The pizza plugin.
#[derive(Debug, Default)]
pub struct Pizza;

#[behaviour(name = "pizza", summary = "Sends pizza when somebody asks for it")]
impl Pizza {
    // "a message with the word pizza": `PIZZA?` has it, `pizzeria` has not.
    #[message(word = "pizza")]
    fn pizza(&mut self) -> Reply {
        Reply::from(Action::join())
            .and(Message::reply("Pizza is on the way!").agents_only())
            .and(Action::leave())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parlor_sdk::events::UserKind;

    #[track_caller]
    fn check(text: &str, ordered: bool) {
        let answer = Bench::new(Pizza).say(text);
        if !ordered {
            assert_eq!(answer.actions, [], "{text}");
            return;
        }
        let message = Message::reply("Pizza is on the way!").agents_only();
        assert_eq!(
            answer.actions,
            [Action::join(), message.into(), Action::leave()],
            "{text}"
        );
    }

    #[test]
    fn orders_on_the_word_whatever_its_case() {
        check("pizza", true);
        check("where is my PIZZA?", true);
        check("pizza, Pizza and more pizza!", true);
        check("the pizzeria is closed", false);
        check("pasta", false);
    }

    #[test]
    fn bots_get_none() {
        let mut bench = Bench::new(Pizza);
        if let Some(actor) = bench.actor() {
            actor.kind = UserKind::Bot;
        }
        assert_eq!(bench.say("pizza").actions, []);
    }
}
