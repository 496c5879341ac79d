//! Survey with edits: a question with a button an answer; the message shows the votes as they come.

use parlor_sdk::content::Alignment;
use parlor_sdk::events::ButtonPressed;
use parlor_sdk::prelude::*;

/// Answers of one survey.
const MOST: usize = 10;
const VOTE: &str = "vote:";
const OPEN: &str = "open";

/// The survey bot.
#[derive(Debug, Default)]
pub struct Guest;

#[behaviour(name = "survey", summary = "Asks a room")]
impl Guest {
    #[command(
        "/survey {question} {answers...}",
        help = "Asks a question",
        arguments(
            question = "in quotes",
            answers = "what can be answered, with commas between"
        )
    )]
    fn ask(&mut self, cx: &Context, question: String, answers: String) -> Result<Reply, Error> {
        let answers = answers.split(',').map(str::trim);
        let answers: Vec<&str> = answers.filter(|answer| !answer.is_empty()).collect();
        if !(2..=MOST).contains(&answers.len()) {
            return Ok(cx.reply("A survey has 2 to 10 answers, with commas between."));
        }
        // Counted over all rooms, because a message's key is the plugin's.
        let number = state::plugin().number("last")?.unwrap_or(0) + 1;
        state::plugin().set_number("last", number)?;
        let survey = Survey(number.to_string());
        let memory = state::conversation();
        memory.set(&survey.key("question"), question)?;
        memory.set(&survey.key("answers"), answers.join("\n"))?;
        memory.set(OPEN, &survey.0)?;
        let shown = survey.shown()?.buttons(survey.buttons()?);
        Ok(Message::reply(shown).key(survey.key("message")).into())
    }

    // A second vote of the same person takes the place of the first.
    #[button(prefix = VOTE)]
    fn vote(&mut self, cx: &Context, pressed: &ButtonPressed) -> Result<Reply, Error> {
        let survey = Survey(pressed.value.clone());
        let (Some(voter), Some(answer)) = (cx.actor(), pressed.button_id.strip_prefix(VOTE)) else {
            return Ok(Reply::none());
        };
        state::conversation().set(&survey.key(&format!("vote/{}", voter.id)), answer)?;
        let shown = survey.shown()?.buttons(survey.buttons()?);
        Ok(Action::edit(survey.message(), shown).into())
    }

    #[command("/survey end", help = "Ends the last survey of this room")]
    fn end(&mut self, cx: &Context) -> Result<Reply, Error> {
        let Some(open) = state::conversation().text(OPEN)? else {
            return Ok(cx.reply("There is no survey here."));
        };
        state::conversation().delete(OPEN)?;
        let survey = Survey(open);
        Ok(Action::edit(survey.message(), survey.shown()?).into())
    }
}

/// A survey, by its number.
struct Survey(String);

impl Survey {
    fn key(&self, name: &str) -> String {
        format!("survey/{}/{name}", self.0)
    }

    fn message(&self) -> MessageRef {
        MessageRef::by_key(self.key("message"))
    }

    fn answers(&self) -> Result<Vec<String>, Error> {
        let answers = state::conversation().text(&self.key("answers"))?;
        Ok(answers
            .unwrap_or_default()
            .lines()
            .map(str::to_owned)
            .collect())
    }

    fn buttons(&self) -> Result<Buttons, Error> {
        let mut buttons = Buttons::new();
        for (number, answer) in self.answers()?.into_iter().enumerate() {
            buttons = buttons.button(Button::action(answer, format!("{VOTE}{number}"), &self.0));
        }
        Ok(buttons)
    }

    /// The question with the votes so far.
    fn shown(&self) -> Result<Blocks, Error> {
        let answers = self.answers()?;
        let mut votes = vec![0; answers.len()];
        for key in state::conversation().keys(&self.key("vote/"))? {
            let vote = state::conversation().number(&key)?;
            let place = vote.and_then(|vote| usize::try_from(vote).ok());
            if let Some(count) = place.and_then(|place| votes.get_mut(place)) {
                *count += 1;
            }
        }
        let mut table = Table::new()
            .header(["Answer", "Votes"])
            .align([Alignment::Left, Alignment::Right]);
        for (answer, count) in answers.into_iter().zip(votes) {
            table = table.row([answer, count.to_string()]);
        }
        let question = state::conversation().text(&self.key("question"))?;
        Ok(Blocks::new()
            .heading(3, question.unwrap_or_default())
            .table(table))
    }
}
