use std::time::Duration;

use super::{
    Block, Button, Choice, Field, FieldKind, FieldPattern, FormAnswers, FormAudience, FormEnd,
    OtherField, Timestamp, raw,
};

impl Field {
    /// Makes one of a kind: an id unique in the form, and what is asked.
    pub fn new(id: impl Into<String>, label: impl Into<String>, kind: FieldKind) -> Self {
        Self {
            id: id.into(),
            label: label.into(),
            kind,
            choices: Vec::new(),
            required: false,
            multiple: false,
            read_only: false,
            defaults: Vec::new(),
            placeholder: None,
            pattern: None,
            min: None,
            max: None,
        }
    }

    /// Makes one of a platform's own kind; its settings are JSON text.
    pub fn other(
        id: impl Into<String>,
        label: impl Into<String>,
        name: impl Into<String>,
        json: impl Into<String>,
    ) -> Self {
        let kind = FieldKind::Other(OtherField {
            name: name.into(),
            json: json.into(),
        });
        Self::new(id, label, kind)
    }

    /// Adds a value that may be chosen, with what is shown.
    #[must_use]
    pub fn choice(mut self, value: impl Into<String>, label: impl Into<String>) -> Self {
        self.choices.push(Choice {
            value: value.into(),
            label: label.into(),
        });
        self
    }

    /// Refuses an empty answer.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Takes more than one user, conversation or choice.
    #[must_use]
    pub fn multiple(mut self) -> Self {
        self.multiple = true;
        self
    }

    /// Shows it unchangeable; its default comes back.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// Adds a value it begins with, written as in a submission.
    #[must_use]
    pub fn default_value(mut self, value: impl Into<String>) -> Self {
        self.defaults.push(value.into());
        self
    }

    /// Sets the hint shown while it is empty.
    #[must_use]
    pub fn placeholder(mut self, hint: impl Into<String>) -> Self {
        self.placeholder = Some(hint.into());
        self
    }

    /// Sets a rule: an expression of at most 256 bytes for the whole value, and what a person is told.
    #[must_use]
    pub fn pattern(mut self, regex: impl Into<String>, message: impl Into<String>) -> Self {
        self.pattern = Some(FieldPattern {
            regex: regex.into(),
            message: message.into(),
        });
        self
    }

    /// Sets the smallest number, date or time, or the fewest characters.
    #[must_use]
    pub fn min(mut self, least: impl Into<String>) -> Self {
        self.min = Some(least.into());
        self
    }

    /// Sets the largest number, date or time, or the most characters.
    #[must_use]
    pub fn max(mut self, most: impl Into<String>) -> Self {
        self.max = Some(most.into());
        self
    }
}

/// Questions asked together. The host checks every submission, and wakes the plugin only with a
/// valid one. At most 50 fields.
///
/// ```
/// use parlor_sdk::prelude::*;
///
/// let form = Form::new("order")
///     .title("Order lunch")
///     .text("name", "Your name")
///     .select("dish", "Dish", [("soup", "Soup"), ("salad", "Salad")])
///     .submit("Order")
///     .once_per_user();
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Form(raw::Form);

impl Form {
    /// Makes one: anybody may answer, as often as they like, until the host closes it after 90 days.
    pub fn new(id: impl Into<String>) -> Self {
        Self(raw::Form {
            id: id.into(),
            title: None,
            fields: Vec::new(),
            buttons: Vec::new(),
            answers: FormAnswers::Any,
            audience: FormAudience::Anyone,
            end: FormEnd::Never,
        })
    }

    /// Sets what stands above it.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.0.title = Some(title.into());
        self
    }

    /// Adds any field.
    #[must_use]
    pub fn field(mut self, field: Field) -> Self {
        self.0.fields.push(field);
        self
    }

    /// Adds a line of text that must be given.
    #[must_use]
    pub fn text(self, id: impl Into<String>, label: impl Into<String>) -> Self {
        self.field(Field::new(id, label, FieldKind::Text).required())
    }

    /// Adds several lines of text that may be given.
    #[must_use]
    pub fn multiline(self, id: impl Into<String>, label: impl Into<String>) -> Self {
        self.field(Field::new(id, label, FieldKind::Multiline))
    }

    /// Adds a number that must be given.
    #[must_use]
    pub fn number(self, id: impl Into<String>, label: impl Into<String>) -> Self {
        self.field(Field::new(id, label, FieldKind::Number).required())
    }

    /// Adds a box to tick.
    #[must_use]
    pub fn checkbox(self, id: impl Into<String>, label: impl Into<String>) -> Self {
        self.field(Field::new(id, label, FieldKind::Checkbox))
    }

    /// Adds a choice of one that must be made, given as value and label.
    #[must_use]
    pub fn select<V: Into<String>, L: Into<String>>(
        self,
        id: impl Into<String>,
        label: impl Into<String>,
        choices: impl IntoIterator<Item = (V, L)>,
    ) -> Self {
        let mut field = Field::new(id, label, FieldKind::Select).required();
        for (value, label) in choices {
            field = field.choice(value, label);
        }
        self.field(field)
    }

    /// Adds a value that is not shown and comes back.
    #[must_use]
    pub fn hidden(self, id: impl Into<String>, value: impl Into<String>) -> Self {
        self.field(Field::new(id, "", FieldKind::Hidden).default_value(value))
    }

    /// Adds any button.
    #[must_use]
    pub fn button(mut self, button: Button) -> Self {
        self.0.buttons.push(button);
        self
    }

    /// Adds the button `submit` that submits it.
    #[must_use]
    pub fn submit(self, label: impl Into<String>) -> Self {
        self.button(Button::action(label, "submit", "").primary())
    }

    /// Takes the first person's answer only.
    #[must_use]
    pub fn once(mut self) -> Self {
        self.0.answers = FormAnswers::Once;
        self
    }

    /// Takes one answer of each person.
    #[must_use]
    pub fn once_per_user(mut self) -> Self {
        self.0.answers = FormAnswers::OncePerUser;
        self
    }

    /// Takes answers of the person the event came from only.
    #[must_use]
    pub fn for_actor(mut self) -> Self {
        self.0.audience = FormAudience::Actor;
        self
    }

    /// Takes answers of these users only, by id.
    #[must_use]
    pub fn for_users<U: Into<String>>(mut self, ids: impl IntoIterator<Item = U>) -> Self {
        self.0.audience = FormAudience::Users(ids.into_iter().map(Into::into).collect());
        self
    }

    /// Takes answers of holders of these roles only.
    #[must_use]
    pub fn for_roles<R: Into<String>>(mut self, roles: impl IntoIterator<Item = R>) -> Self {
        self.0.audience = FormAudience::Roles(roles.into_iter().map(Into::into).collect());
        self
    }

    /// Closes it at a moment, in ms since 1970.
    #[must_use]
    pub fn closes_at(mut self, at: Timestamp) -> Self {
        self.0.end = FormEnd::At(at);
        self
    }

    /// Closes it some time after it was sent.
    #[must_use]
    pub fn closes_after(mut self, time: Duration) -> Self {
        self.0.end = FormEnd::After(time.as_millis().try_into().unwrap_or(u64::MAX));
        self
    }
}

impl From<Form> for Block {
    fn from(Form(form): Form) -> Self {
        Self::Form(form)
    }
}
