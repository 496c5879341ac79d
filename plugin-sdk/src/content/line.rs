use super::{
    Block, DateFormat, DateTimeSpan, LinkSpan, MentionSpan, MentionTarget, OtherSpan, Span,
    TextSpan, TextStyle, Timestamp,
};

/// A line of spans: text in styles, links, mentions, tickers, emoji.
///
/// ```
/// use parlor_sdk::prelude::*;
///
/// let line = Line::new().text("See ").link("the page", "https://example.com").text(" ").emoji("smile");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line(Vec<Span>);

impl Line {
    /// Makes an empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds any span.
    #[must_use]
    pub fn span(mut self, span: Span) -> Self {
        self.0.push(span);
        self
    }

    /// Adds text.
    #[must_use]
    pub fn text(self, text: impl Into<String>) -> Self {
        self.styled(text, TextStyle::empty())
    }

    /// Adds text in any mix of styles.
    #[must_use]
    pub fn styled(self, text: impl Into<String>, style: TextStyle) -> Self {
        self.span(Span::Text(TextSpan {
            text: text.into(),
            style,
        }))
    }

    /// Adds bold text.
    #[must_use]
    pub fn bold(self, text: impl Into<String>) -> Self {
        self.styled(text, TextStyle::BOLD)
    }

    /// Adds slanted text.
    #[must_use]
    pub fn italic(self, text: impl Into<String>) -> Self {
        self.styled(text, TextStyle::ITALIC)
    }

    /// Adds text with a line below.
    #[must_use]
    pub fn underline(self, text: impl Into<String>) -> Self {
        self.styled(text, TextStyle::UNDERLINE)
    }

    /// Adds text with a line through.
    #[must_use]
    pub fn strike(self, text: impl Into<String>) -> Self {
        self.styled(text, TextStyle::STRIKE)
    }

    /// Adds text of fixed width.
    #[must_use]
    pub fn code(self, text: impl Into<String>) -> Self {
        self.styled(text, TextStyle::CODE)
    }

    /// Adds text that leads to an absolute `http`, `https` or `mailto` URL.
    #[must_use]
    pub fn link(self, text: impl Into<String>, url: impl Into<String>) -> Self {
        self.span(Span::Link(LinkSpan {
            text: text.into(),
            url: url.into(),
        }))
    }

    /// Adds a mention of a user, by id, with the name shown where there are no mentions.
    #[must_use]
    pub fn mention_user(self, id: impl Into<String>, name: impl Into<String>) -> Self {
        self.mention(MentionTarget::User(id.into()), name)
    }

    /// Adds a mention of a user, by e-mail address.
    #[must_use]
    pub fn mention_email(self, address: impl Into<String>, name: impl Into<String>) -> Self {
        self.mention(MentionTarget::Email(address.into()), name)
    }

    /// Adds a mention of everybody in the conversation.
    #[must_use]
    pub fn mention_all(self, name: impl Into<String>) -> Self {
        self.mention(MentionTarget::All, name)
    }

    /// Adds a ticker, without its `$`.
    #[must_use]
    pub fn cashtag(self, ticker: impl Into<String>) -> Self {
        self.span(Span::Cashtag(ticker.into()))
    }

    /// Adds a topic, without its `#`.
    #[must_use]
    pub fn hashtag(self, topic: impl Into<String>) -> Self {
        self.span(Span::Hashtag(topic.into()))
    }

    /// Adds an emoji by its shortcode, without colons.
    #[must_use]
    pub fn emoji(self, shortcode: impl Into<String>) -> Self {
        self.span(Span::Emoji(shortcode.into()))
    }

    /// Adds a moment in ms since 1970, shown in the reader's time zone where the platform can.
    #[must_use]
    pub fn moment(self, at: Timestamp, format: DateFormat) -> Self {
        self.span(Span::DateTime(DateTimeSpan { at, format }))
    }

    /// Adds a new line inside the block.
    #[must_use]
    pub fn line_break(self) -> Self {
        self.span(Span::LineBreak)
    }

    /// Adds what this version has no name for, with the text to show instead.
    #[must_use]
    pub fn other(self, kind: impl Into<String>, text: impl Into<String>) -> Self {
        self.span(Span::Other(OtherSpan {
            kind: kind.into(),
            text: text.into(),
        }))
    }

    fn mention(self, target: MentionTarget, name: impl Into<String>) -> Self {
        self.span(Span::Mention(MentionSpan {
            target,
            text: name.into(),
        }))
    }
}

impl From<Line> for Vec<Span> {
    fn from(Line(spans): Line) -> Self {
        spans
    }
}

impl From<Vec<Span>> for Line {
    fn from(spans: Vec<Span>) -> Self {
        Self(spans)
    }
}

impl From<Span> for Line {
    fn from(span: Span) -> Self {
        Self(vec![span])
    }
}

impl From<&str> for Line {
    fn from(text: &str) -> Self {
        Self::new().text(text)
    }
}

impl From<String> for Line {
    fn from(text: String) -> Self {
        Self::new().text(text)
    }
}

impl From<Line> for Block {
    fn from(Line(spans): Line) -> Self {
        Self::Paragraph(spans)
    }
}
