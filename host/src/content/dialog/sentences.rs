//! What the host says while it asks a form, and the words by which a person steers it.

/// Every sentence of a form that the host asks itself, and of buttons that are numbers. Words in
/// braces are filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DialogSentences {
    /// What is said to one of several people; `{name}` is the person, `{text}` what is said.
    pub named: String,
    /// What stands behind the first question; `{back}` and `{cancel}` are those words.
    pub how: String,
    /// What a person who may answer is offered; `{form}` is the form's title.
    pub invite: String,
    /// What stands behind numbered choices under a message.
    pub numbers: String,
    /// A field that is shown and not asked; `{field}` and `{value}`.
    pub fixed: String,
    /// The question for the button, where a form has several.
    pub choose: String,
    /// The button of a form that has none.
    pub submit: String,
    /// Behind a question whose answer may be left out; `{skip}` is that word.
    pub hint_skip: String,
    /// Behind a question that has a value already; `{skip}` is the word that takes it, `{value}` the value.
    pub hint_default: String,
    /// Behind a question for a number.
    pub hint_number: String,
    /// Behind a question for yes or no; `{yes}` and `{no}` are those words.
    pub hint_flag: String,
    /// Behind a question with choices.
    pub hint_choice: String,
    /// Behind a question that takes several choices.
    pub hint_choices: String,
    /// Behind a question for a day.
    pub hint_date: String,
    /// Behind a question for a time.
    pub hint_time: String,
    /// Behind a question for a time zone.
    pub hint_time_zone: String,
    /// Behind a question for a person.
    pub hint_user: String,
    /// Behind a question for people.
    pub hint_users: String,
    /// Behind a question for a conversation.
    pub hint_conversation: String,
    /// Behind a question for conversations.
    pub hint_conversations: String,
    /// The person ended it.
    pub cancelled: String,
    /// The same question was answered wrongly too often; `{form}` is the form's title.
    pub given_up: String,
    /// Nothing was heard for too long; `{form}` is the form's title, `{minutes}` how long.
    pub silent: String,
    /// The form is closed.
    pub closed: String,
    /// The form is for somebody else.
    pub not_yours: String,
    /// The person has answered it.
    pub answered: String,
    /// Somebody else has given the only answer; `{form}` is the form's title.
    pub taken: String,
    /// Too many people are being asked.
    pub busy: String,
    /// The button is no longer in use.
    pub button_closed: String,
    /// The word that ends it.
    pub word_cancel: String,
    /// The word that asks the question before once more.
    pub word_back: String,
    /// The word that leaves an answer out.
    pub word_skip: String,
    /// The word for yes.
    pub word_yes: String,
    /// The word for no.
    pub word_no: String,
}

impl Default for DialogSentences {
    fn default() -> Self {
        let own = str::to_owned;
        Self {
            named: own("{name}: {text}"),
            how: own("Say “{back}” for the question before, “{cancel}” to end."),
            invite: own("Answer {form}"),
            numbers: own("Reply with a number."),
            fixed: own("{field}: {value}"),
            choose: own("What shall be done?"),
            submit: own("Submit"),
            hint_skip: own("“{skip}” leaves it out"),
            hint_default: own("“{skip}” takes {value}"),
            hint_number: own("a number"),
            hint_flag: own("{yes} or {no}"),
            hint_choice: own("one of these, by number or text"),
            hint_choices: own("one or more of these, by number or text, with commas between"),
            hint_date: own("YYYY-MM-DD"),
            hint_time: own("HH:MM"),
            hint_time_zone: own("a time zone, such as Europe/London"),
            hint_user: own("a name or an e-mail address"),
            hint_users: own("names or e-mail addresses, with commas between"),
            hint_conversation: own("the name of a conversation"),
            hint_conversations: own("names of conversations, with commas between"),
            cancelled: own("Cancelled."),
            given_up: own("{form} is closed, because that was not right too often."),
            silent: own("{form} is closed, because nothing was heard for {minutes} minutes."),
            closed: own("That form is closed."),
            not_yours: own("That form is for somebody else."),
            answered: own("You have answered that form already."),
            taken: own("{form} is closed, because somebody else has answered."),
            busy: own("Too many people are answering that form just now. Try again later."),
            button_closed: own("That button is no longer in use."),
            word_cancel: own("cancel"),
            word_back: own("back"),
            word_skip: own("skip"),
            word_yes: own("yes"),
            word_no: own("no"),
        }
    }
}
