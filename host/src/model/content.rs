//! What a message says: blocks of spans, and the three source forms they are parsed from.

use serde::{Deserialize, Serialize};

/// How a run of text looks. Platforms without a style drop it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextStyle {
    /// Heavier.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub bold: bool,
    /// Slanted.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub italic: bool,
    /// With a line below.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub underline: bool,
    /// With a line through.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub strike: bool,
    /// Fixed width.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub code: bool,
}

/// A run of text in one style.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextSpan {
    /// The characters, shown as they are. A line feed is a line break.
    pub text: String,
    /// The style of the whole run.
    pub style: TextStyle,
}

/// Text that leads to an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkSpan {
    /// What is shown; the address itself when empty.
    pub text: String,
    /// Absolute `http`, `https` or `mailto` URL. The reader's client opens it, the host never does.
    pub url: String,
}

/// Who is mentioned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MentionTarget {
    /// A user by platform id.
    User(String),
    /// A user by e-mail address.
    Email(String),
    /// Everybody in the conversation.
    All,
}

/// A mention of a user or of everybody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MentionSpan {
    /// Who is mentioned.
    pub target: MentionTarget,
    /// The name to show where the platform has no mentions of its own.
    pub text: String,
}

/// Which part of a moment is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DateFormat {
    /// Day only.
    Date,
    /// Time of day only.
    Time,
    /// Day and time.
    DateTime,
}

/// A moment, shown in the reader's time zone where the platform can.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DateTimeSpan {
    /// The moment.
    pub at: u64,
    /// What of it is shown.
    pub format: DateFormat,
}

/// Something this version has no case for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherSpan {
    /// Its name.
    pub kind: String,
    /// The text to show instead.
    pub text: String,
}

/// A piece of a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Span {
    /// Text in one style.
    Text(TextSpan),
    /// A link.
    Link(LinkSpan),
    /// A mention.
    Mention(MentionSpan),
    /// A ticker without its `$`.
    Cashtag(String),
    /// A topic without its `#`.
    Hashtag(String),
    /// A shortcode without its colons, `smile`.
    Emoji(String),
    /// A moment.
    DateTime(DateTimeSpan),
    /// A new line inside the block.
    LineBreak,
    /// Anything else.
    Other(OtherSpan),
}

/// A title of one of six levels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heading {
    /// 1 (largest) to 6.
    pub level: u8,
    /// The title.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spans: Vec<Span>,
}

/// Text that keeps its spaces and line ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeBlock {
    /// `rust`, `json`, …; none where it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The code.
    pub text: String,
}

/// One line of a list. Lines of one list follow each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListItem {
    /// 0 for the outermost list, at most 8.
    pub indent: u8,
    /// Numbered by the host when true, a bullet when false.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub ordered: bool,
    /// The line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spans: Vec<Span>,
}

/// Where a column's text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Alignment {
    /// At the left.
    Left,
    /// In the middle.
    Center,
    /// At the right, for numbers.
    Right,
}

/// A table. Rows shorter than the header are filled with empty cells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// One cell a column. A cell is a list of spans.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub header: Vec<Vec<Span>>,
    /// Rows of cells.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<Vec<Vec<Span>>>,
    /// One a column; columns without one are `left`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<Alignment>,
}

/// Where the bytes of an image or attachment are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MediaSource {
    /// An address that the reader's client opens. Where a platform needs the
    /// bytes, the host fetches them only under the plugin's HTTP grants.
    Url(String),
    /// The number, from 0, of one of the send's attachments.
    Attachment(u32),
}

/// An image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// Where it is.
    pub source: MediaSource,
    /// What it shows, for people and platforms that cannot show it.
    pub alternative: String,
}

/// A file that the reader may open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachmentBlock {
    /// Where it is.
    pub source: MediaSource,
    /// What it is called.
    pub name: String,
}

/// How much a button stands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ButtonStyle {
    /// The expected choice.
    Primary,
    /// Any other choice.
    Secondary,
    /// A choice that cannot be taken back.
    Danger,
}

/// An action button: pressing it is a `button-pressed` event, or, in a form, submits the form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionButton {
    /// Names the button for the plugin. Unique in its message or form.
    pub id: String,
    /// Handed back when it is pressed.
    pub value: String,
}

/// What pressing a button does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ButtonKind {
    /// Tells the plugin.
    Action(ActionButton),
    /// Opens an address.
    Link(String),
    /// Says this text as the person who pressed.
    Reply(String),
}

/// A button.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Button {
    /// What is written on it.
    pub label: String,
    /// What it does.
    pub kind: ButtonKind,
    /// How it looks.
    pub style: ButtonStyle,
}

/// A name with its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// The name.
    pub name: String,
    /// The value.
    pub value: String,
}

/// A framed summary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// The first line.
    pub title: String,
    /// The second line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subtitle: Option<String>,
    /// The text, a list of spans each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paragraphs: Vec<Vec<Span>>,
    /// Name and value pairs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<Fact>,
    /// Buttons at the end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<Button>,
}

/// One of the values a field offers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// What is handed back.
    pub value: String,
    /// What is shown.
    pub label: String,
}

/// A field kind this version has no case for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherField {
    /// Its name on the platform.
    pub name: String,
    /// Its settings as JSON.
    pub json: String,
}

/// What a field asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FieldKind {
    /// One line of text.
    Text,
    /// Several lines of text.
    Multiline,
    /// A number.
    Number,
    /// Yes or no.
    Checkbox,
    /// One of `choices`, all shown.
    Radio,
    /// One of `choices`.
    Select,
    /// Any of `choices`.
    MultiSelect,
    /// A day, `2026-11-20`.
    Date,
    /// A time of day, `14:30`.
    Time,
    /// An IANA time zone name.
    Timezone,
    /// A user.
    User,
    /// A conversation.
    Conversation,
    /// Not shown; its default comes back.
    Hidden,
    /// A platform's own kind.
    Other(OtherField),
}

/// A rule on text, with the sentence that a person reads who breaks it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldPattern {
    /// A regular expression without look-around, matched against the whole value; 256 bytes at most.
    pub regex: String,
    /// What the person is told.
    pub message: String,
}

/// One question of a form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Names the value in the submission. Unique in the form.
    pub id: String,
    /// What is asked.
    pub label: String,
    /// What kind of answer.
    pub kind: FieldKind,
    /// What may be chosen, for `radio`, `select` and `multi-select`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Choice>,
    /// An empty answer is refused.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub required: bool,
    /// More than one value may be given (`user`, `conversation`, `multi-select`).
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub multiple: bool,
    /// Shown and not to be changed; its default comes back.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub read_only: bool,
    /// Values it begins with, written as in a submission.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub defaults: Vec<String>,
    /// A hint shown while the field is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placeholder: Option<String>,
    /// A rule on the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<FieldPattern>,
    /// Smallest number, date or time, or fewest characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<String>,
    /// Largest number, date or time, or most characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<String>,
}

/// How often a form may be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FormAnswers {
    /// By the first person only; then it closes.
    Once,
    /// By each person once.
    OncePerUser,
    /// As often as anybody likes.
    Any,
}

/// Who may answer a form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FormAudience {
    /// Everybody in the conversation.
    Anyone,
    /// The person the event came from.
    Actor,
    /// These users, by id.
    Users(Vec<String>),
    /// Holders of these roles of the operator's.
    Roles(Vec<String>),
}

/// When a form closes by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FormEnd {
    /// Not by itself; the host closes it after 90 days.
    Never,
    /// At this moment.
    At(u64),
    /// So many milliseconds after it was sent.
    After(u64),
}

/// Questions asked together. The host keeps every form sent, checks each
/// submission against it and wakes the plugin only with a valid one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Form {
    /// Names the form for the plugin.
    pub id: String,
    /// What stands above it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The questions, at most 50.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Field>,
    /// Action buttons that submit it; one `Submit` is added where there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<Button>,
    /// How often it may be answered.
    pub answers: FormAnswers,
    /// Who may answer it.
    pub audience: FormAudience,
    /// When it closes.
    pub end: FormEnd,
}

/// Markup of one platform, sent there as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawBlock {
    /// The platform: `symphony`, `webex`, `lseg`, `livechat`, `local`.
    pub platform: String,
    /// The markup.
    pub text: String,
    /// How many of the blocks that follow stand in for it on other platforms, at least 1.
    pub fallback: u32,
}

/// A part of a message that stands by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Block {
    /// Running text.
    Paragraph(Vec<Span>),
    /// A title.
    Heading(Heading),
    /// Somebody's words.
    Quote(Vec<Span>),
    /// Code.
    Code(CodeBlock),
    /// A line across.
    Divider,
    /// A line of a list.
    ListItem(ListItem),
    /// A table.
    Table(Table),
    /// An image.
    Image(Image),
    /// A file.
    Attachment(AttachmentBlock),
    /// A card.
    Card(Card),
    /// A form.
    Form(Form),
    /// A row of buttons.
    Buttons(Vec<Button>),
    /// One platform's own markup, with its stand-in.
    Raw(RawBlock),
}

/// What a message says, in the form that suits the author.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Content {
    /// Text as it is.
    Plain(String),
    /// CommonMark with tables.
    Markdown(String),
    /// Symphony's MessageML; an unknown tag is an error that names it.
    MessageMl(String),
    /// Blocks.
    Blocks(Vec<Block>),
}
