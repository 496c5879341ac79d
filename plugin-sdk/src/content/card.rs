use super::{Block, Button, ButtonKind, ButtonStyle, Fact, Line, raw};
use crate::bindings::parlor::bot::content::ActionButton;

impl Button {
    /// Makes one that tells the plugin, or submits the form it stands in.
    pub fn action(
        label: impl Into<String>,
        id: impl Into<String>,
        value: impl Into<String>,
    ) -> Self {
        let kind = ButtonKind::Action(ActionButton {
            id: id.into(),
            value: value.into(),
        });
        Self {
            label: label.into(),
            kind,
            style: ButtonStyle::Secondary,
        }
    }

    /// Makes one that opens an address.
    pub fn link(label: impl Into<String>, url: impl Into<String>) -> Self {
        let kind = ButtonKind::Link(url.into());
        Self {
            label: label.into(),
            kind,
            style: ButtonStyle::Secondary,
        }
    }

    /// Makes one that says a text as the person who pressed.
    pub fn reply(label: impl Into<String>, text: impl Into<String>) -> Self {
        let kind = ButtonKind::Reply(text.into());
        Self {
            label: label.into(),
            kind,
            style: ButtonStyle::Secondary,
        }
    }

    /// Marks it as the expected choice.
    #[must_use]
    pub fn primary(mut self) -> Self {
        self.style = ButtonStyle::Primary;
        self
    }

    /// Marks it as a choice that cannot be taken back.
    #[must_use]
    pub fn danger(mut self) -> Self {
        self.style = ButtonStyle::Danger;
        self
    }
}

/// A row of buttons.
///
/// ```
/// use parlor_sdk::prelude::*;
///
/// let row = Buttons::new().action("Approve", "approve", "order-7").link("Read", "https://example.com");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Buttons(Vec<Button>);

impl Buttons {
    /// Makes an empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds any button.
    #[must_use]
    pub fn button(mut self, button: Button) -> Self {
        self.0.push(button);
        self
    }

    /// Adds one that tells the plugin.
    #[must_use]
    pub fn action(
        self,
        label: impl Into<String>,
        id: impl Into<String>,
        value: impl Into<String>,
    ) -> Self {
        self.button(Button::action(label, id, value))
    }

    /// Adds one that opens an address.
    #[must_use]
    pub fn link(self, label: impl Into<String>, url: impl Into<String>) -> Self {
        self.button(Button::link(label, url))
    }

    /// Adds one that says a text as the person who pressed.
    #[must_use]
    pub fn reply(self, label: impl Into<String>, text: impl Into<String>) -> Self {
        self.button(Button::reply(label, text))
    }
}

impl From<Buttons> for Block {
    fn from(Buttons(buttons): Buttons) -> Self {
        Self::Buttons(buttons)
    }
}

/// A framed summary.
///
/// ```
/// use parlor_sdk::prelude::*;
///
/// let card = Card::new("Order 7").subtitle("waits for approval").fact("Price", "4.50")
///     .button(Button::action("Approve", "approve", "7").primary());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Card(raw::Card);

impl Card {
    /// Makes one with its first line.
    pub fn new(title: impl Into<String>) -> Self {
        Self(raw::Card {
            title: title.into(),
            subtitle: None,
            paragraphs: Vec::new(),
            facts: Vec::new(),
            buttons: Vec::new(),
        })
    }

    /// Sets the second line.
    #[must_use]
    pub fn subtitle(mut self, subtitle: impl Into<String>) -> Self {
        self.0.subtitle = Some(subtitle.into());
        self
    }

    /// Adds text.
    #[must_use]
    pub fn paragraph(mut self, line: impl Into<Line>) -> Self {
        self.0.paragraphs.push(line.into().into());
        self
    }

    /// Adds a name with its value.
    #[must_use]
    pub fn fact(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.facts.push(Fact {
            name: name.into(),
            value: value.into(),
        });
        self
    }

    /// Adds a button at the end.
    #[must_use]
    pub fn button(mut self, button: Button) -> Self {
        self.0.buttons.push(button);
        self
    }
}

impl From<Card> for Block {
    fn from(Card(card): Card) -> Self {
        Self::Card(card)
    }
}
