// The contract between parlor and a plugin, as JavaScript has it. Made of wit/ by tests/tests/bindings.rs; do not edit.
//
// A record is an object, a variant has `tag` and `val`, flags are an object of booleans, an optional value
// that is not there is `undefined`, 64-bit numbers are `bigint`, and what fails throws its error's `payload`.

/**
 * What a message says. WIT has no recursion, so content is a flat list of
 * blocks, and each block holds a flat list of spans.
 *
 * Text is data: the host escapes it for every platform, so nothing in a
 * `text` can become markup, a mention or a link.
 */
declare module "parlor:bot/content@0.1.0" {
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  export type Timestamp = bigint;

  /** How a run of text looks. Platforms without a style drop it. */
  export interface TextStyle {
    /** Heavier. */
    bold?: boolean;
    /** Slanted. */
    italic?: boolean;
    /** With a line below. */
    underline?: boolean;
    /** With a line through. */
    strike?: boolean;
    /** Fixed width. */
    code?: boolean;
  }

  /** A run of text in one style. */
  export interface TextSpan {
    /** The characters, shown as they are. A line feed is a line break. */
    text: string;
    /** The style of the whole run. */
    style: TextStyle;
  }

  /** Text that leads to an address. */
  export interface LinkSpan {
    /** What is shown; the address itself when empty. */
    text: string;
    /** Absolute `http`, `https` or `mailto` URL. The reader's client opens it, the host never does. */
    url: string;
  }

  /** Who is mentioned. */
  export type MentionTarget =
    /** A user by platform id. */
    | { tag: "user"; val: string }
    /** A user by e-mail address. */
    | { tag: "email"; val: string }
    /** Everybody in the conversation. */
    | { tag: "all" };

  /** A mention of a user or of everybody. */
  export interface MentionSpan {
    /** Who is mentioned. */
    target: MentionTarget;
    /** The name to show where the platform has no mentions of its own. */
    text: string;
  }

  /** Which part of a moment is shown. */
  export type DateFormat =
    /** Day only. */
    | "date"
    /** Time of day only. */
    | "time"
    /** Day and time. */
    | "date-time";

  /** A moment, shown in the reader's time zone where the platform can. */
  export interface DateTimeSpan {
    /** The moment. */
    at: Timestamp;
    /** What of it is shown. */
    format: DateFormat;
  }

  /** Something this version has no case for. */
  export interface OtherSpan {
    /** Its name. */
    kind: string;
    /** The text to show instead. */
    text: string;
  }

  /** A piece of a line. */
  export type Span =
    /** Text in one style. */
    | { tag: "text"; val: TextSpan }
    /** A link. */
    | { tag: "link"; val: LinkSpan }
    /** A mention. */
    | { tag: "mention"; val: MentionSpan }
    /** A ticker without its `$`. */
    | { tag: "cashtag"; val: string }
    /** A topic without its `#`. */
    | { tag: "hashtag"; val: string }
    /** A shortcode without its colons, `smile`. */
    | { tag: "emoji"; val: string }
    /** A moment. */
    | { tag: "date-time"; val: DateTimeSpan }
    /** A new line inside the block. */
    | { tag: "line-break" }
    /** Anything else. */
    | { tag: "other"; val: OtherSpan };

  /** A title of one of six levels. */
  export interface Heading {
    /** 1 (largest) to 6. */
    level: number;
    /** The title. */
    spans: Span[];
  }

  /** Text that keeps its spaces and line ends. */
  export interface CodeBlock {
    /** `rust`, `json`, …; none where it is not known. */
    language?: string;
    /** The code. */
    text: string;
  }

  /** One line of a list. Lines of one list follow each other. */
  export interface ListItem {
    /** 0 for the outermost list, at most 8. */
    indent: number;
    /** Numbered by the host when true, a bullet when false. */
    ordered: boolean;
    /** The line. */
    spans: Span[];
  }

  /** Where a column's text stands. */
  export type Alignment =
    /** At the left. */
    | "left"
    /** In the middle. */
    | "center"
    /** At the right, for numbers. */
    | "right";

  /** A table. Rows shorter than the header are filled with empty cells. */
  export interface Table {
    /** One cell a column. A cell is a list of spans. */
    header: Span[][];
    /** Rows of cells. */
    rows: Span[][][];
    /** One a column; columns without one are `left`. */
    columns: Alignment[];
  }

  /** Where the bytes of an image or attachment are. */
  export type MediaSource =
    /**
     * An address that the reader's client opens. Where a platform needs the
     * bytes, the host fetches them only under the plugin's HTTP grants.
     */
    | { tag: "url"; val: string }
    /** The number, from 0, of one of the send's attachments. */
    | { tag: "attachment"; val: number };

  /** An image. */
  export interface Image {
    /** Where it is. */
    source: MediaSource;
    /** What it shows, for people and platforms that cannot show it. */
    alternative: string;
  }

  /** A file that the reader may open. */
  export interface AttachmentBlock {
    /** Where it is. */
    source: MediaSource;
    /** What it is called. */
    name: string;
  }

  /** How much a button stands out. */
  export type ButtonStyle =
    /** The expected choice. */
    | "primary"
    /** Any other choice. */
    | "secondary"
    /** A choice that cannot be taken back. */
    | "danger";

  /** An action button: pressing it is a `button-pressed` event, or, in a form, submits the form. */
  export interface ActionButton {
    /** Names the button for the plugin. Unique in its message or form. */
    id: string;
    /** Handed back when it is pressed. */
    value: string;
  }

  /** What pressing a button does. */
  export type ButtonKind =
    /** Tells the plugin. */
    | { tag: "action"; val: ActionButton }
    /** Opens an address. */
    | { tag: "link"; val: string }
    /** Says this text as the person who pressed. */
    | { tag: "reply"; val: string };

  /** A button. */
  export interface Button {
    /** What is written on it. */
    label: string;
    /** What it does. */
    kind: ButtonKind;
    /** How it looks. */
    style: ButtonStyle;
  }

  /** A name with its value. */
  export interface Fact {
    /** The name. */
    name: string;
    /** The value. */
    value: string;
  }

  /** A framed summary. */
  export interface Card {
    /** The first line. */
    title: string;
    /** The second line. */
    subtitle?: string;
    /** The text, a list of spans each. */
    paragraphs: Span[][];
    /** Name and value pairs. */
    facts: Fact[];
    /** Buttons at the end. */
    buttons: Button[];
  }

  /** One of the values a field offers. */
  export interface Choice {
    /** What is handed back. */
    value: string;
    /** What is shown. */
    label: string;
  }

  /** A field kind this version has no case for. */
  export interface OtherField {
    /** Its name on the platform. */
    name: string;
    /** Its settings as JSON. */
    json: string;
  }

  /** What a field asks for. */
  export type FieldKind =
    /** One line of text. */
    | { tag: "text" }
    /** Several lines of text. */
    | { tag: "multiline" }
    /** A number. */
    | { tag: "number" }
    /** Yes or no. */
    | { tag: "checkbox" }
    /** One of `choices`, all shown. */
    | { tag: "radio" }
    /** One of `choices`. */
    | { tag: "select" }
    /** Any of `choices`. */
    | { tag: "multi-select" }
    /** A day, `2026-11-20`. */
    | { tag: "date" }
    /** A time of day, `14:30`. */
    | { tag: "time" }
    /** An IANA time zone name. */
    | { tag: "timezone" }
    /** A user. */
    | { tag: "user" }
    /** A conversation. */
    | { tag: "conversation" }
    /** Not shown; its default comes back. */
    | { tag: "hidden" }
    /** A platform's own kind. */
    | { tag: "other"; val: OtherField };

  /** A rule on text, with the sentence that a person reads who breaks it. */
  export interface FieldPattern {
    /** A regular expression without look-around, matched against the whole value; 256 bytes at most. */
    regex: string;
    /** What the person is told. */
    message: string;
  }

  /** One question of a form. */
  export interface Field {
    /** Names the value in the submission. Unique in the form. */
    id: string;
    /** What is asked. */
    label: string;
    /** What kind of answer. */
    kind: FieldKind;
    /** What may be chosen, for `radio`, `select` and `multi-select`. */
    choices: Choice[];
    /** An empty answer is refused. */
    required: boolean;
    /** More than one value may be given (`user`, `conversation`, `multi-select`). */
    multiple: boolean;
    /** Shown and not to be changed; its default comes back. */
    readOnly: boolean;
    /** Values it begins with, written as in a submission. */
    defaults: string[];
    /** A hint shown while the field is empty. */
    placeholder?: string;
    /** A rule on the text. */
    pattern?: FieldPattern;
    /** Smallest number, date or time, or fewest characters. */
    min?: string;
    /** Largest number, date or time, or most characters. */
    max?: string;
  }

  /** How often a form may be answered. */
  export type FormAnswers =
    /** By the first person only; then it closes. */
    | "once"
    /** By each person once. */
    | "once-per-user"
    /** As often as anybody likes. */
    | "any";

  /** Who may answer a form. */
  export type FormAudience =
    /** Everybody in the conversation. */
    | { tag: "anyone" }
    /** The person the event came from. */
    | { tag: "actor" }
    /** These users, by id. */
    | { tag: "users"; val: string[] }
    /** Holders of these roles of the operator's. */
    | { tag: "roles"; val: string[] };

  /** When a form closes by itself. */
  export type FormEnd =
    /** Not by itself; the host closes it after 90 days. */
    | { tag: "never" }
    /** At this moment. */
    | { tag: "at"; val: Timestamp }
    /** So many milliseconds after it was sent. */
    | { tag: "after"; val: bigint };

  /**
   * Questions asked together. The host keeps every form sent, checks each
   * submission against it and wakes the plugin only with a valid one.
   */
  export interface Form {
    /** Names the form for the plugin. */
    id: string;
    /** What stands above it. */
    title?: string;
    /** The questions, at most 50. */
    fields: Field[];
    /** Action buttons that submit it; one `Submit` is added where there is none. */
    buttons: Button[];
    /** How often it may be answered. */
    answers: FormAnswers;
    /** Who may answer it. */
    audience: FormAudience;
    /** When it closes. */
    end: FormEnd;
  }

  /** Markup of one platform, sent there as it is. */
  export interface RawBlock {
    /** The platform: `symphony`, `webex`, `lseg`, `livechat`, `local`. */
    platform: string;
    /** The markup. */
    text: string;
    /** How many of the blocks that follow stand in for it on other platforms, at least 1. */
    fallback: number;
  }

  /** A part of a message that stands by itself. */
  export type Block =
    /** Running text. */
    | { tag: "paragraph"; val: Span[] }
    /** A title. */
    | { tag: "heading"; val: Heading }
    /** Somebody's words. */
    | { tag: "quote"; val: Span[] }
    /** Code. */
    | { tag: "code"; val: CodeBlock }
    /** A line across. */
    | { tag: "divider" }
    /** A line of a list. */
    | { tag: "list-item"; val: ListItem }
    /** A table. */
    | { tag: "table"; val: Table }
    /** An image. */
    | { tag: "image"; val: Image }
    /** A file. */
    | { tag: "attachment"; val: AttachmentBlock }
    /** A card. */
    | { tag: "card"; val: Card }
    /** A form. */
    | { tag: "form"; val: Form }
    /** A row of buttons. */
    | { tag: "buttons"; val: Button[] }
    /** One platform's own markup, with its stand-in. */
    | { tag: "raw"; val: RawBlock };

  /** What a message says, in the form that suits the author. */
  export type Content =
    /** Text as it is. */
    | { tag: "plain"; val: string }
    /** CommonMark with tables. */
    | { tag: "markdown"; val: string }
    /** Symphony's MessageML; an unknown tag is an error that names it. */
    | { tag: "message-ml"; val: string }
    /** Blocks. */
    | { tag: "blocks"; val: Block[] };
}

/** What happened. Every event has the same envelope and one payload. */
declare module "parlor:bot/events@0.1.0" {
  import type { Timestamp, Block } from "parlor:bot/content@0.1.0";

  /** Which bot an event concerns. */
  export interface Bot {
    /** Its name in the settings. */
    name: string;
    /** `symphony`, `webex`, `lseg`, `livechat` or `local`; later versions may add to these. */
    platform: string;
    /** Its own user id. */
    userId: string;
    /** The name people see. */
    displayName: string;
  }

  /** What sort of conversation it is. */
  export type ConversationKind =
    /** One person and the bot. */
    | "direct"
    /** A few people, without a name. */
    | "group"
    /** A named room. */
    | "room"
    /** A customer and agents. */
    | "customer-chat"
    /** A wall or feed. */
    | "post"
    /** Anything else. */
    | "other";

  /** Where something happened. */
  export interface Conversation {
    /** Opaque, and the same for ever. */
    id: string;
    /** Its kind. */
    kind: ConversationKind;
    /** Its name, where it has one. */
    name?: string;
    /** People of other companies take part. */
    external: boolean;
    /** People of another installation of the platform take part. */
    crossPod: boolean;
    /** The thread inside it. */
    thread?: string;
  }

  /** What sort of user it is. */
  export type UserKind =
    /** A person of the operator's platform. */
    | "human"
    /** A program. */
    | "bot"
    /** A customer of a customer chat. */
    | "customer"
    /** Somebody who answers customers. */
    | "agent"
    /** The platform itself. */
    | "system"
    /** Anything else. */
    | "other";

  /** What the platform says of a user's part in the conversation. */
  export type ConversationRole =
    /** Owns or moderates it. */
    | "owner"
    /** Takes part. */
    | "member"
    /** Answers customers in it. */
    | "agent"
    /** The customer. */
    | "customer"
    /** The platform does not say. */
    | "unknown";

  /** A user of a platform. */
  export interface User {
    /** Opaque, and the same for ever. */
    id: string;
    /** The name people see. */
    displayName: string;
    /** The name used to log in, where the platform tells. */
    userName?: string;
    /** First name, where the platform tells. */
    firstName?: string;
    /** Last name, where the platform tells. */
    lastName?: string;
    /** E-mail address, where the platform tells. */
    email?: string;
    /** IANA time zone, where the platform tells. */
    timeZone?: string;
    /** BCP 47 language tag, where the platform tells. */
    locale?: string;
    /** Its kind. */
    kind: UserKind;
    /** Its part in the conversation. */
    roleHere: ConversationRole;
    /** The operator's roles that it holds. */
    roles: string[];
  }

  /** How the bot was spoken to. */
  export type Addressing =
    /** In a direct conversation. */
    | "direct"
    /** By a mention. */
    | "mention"
    /** By a command's first word. */
    | "prefix"
    /** Not at all; the bot overheard it. */
    | "ambient";

  /** A name with its value, both capped by the host. */
  export interface Extra {
    /** A documented name. */
    name: string;
    /** Its value. */
    value: string;
  }

  /** Who sees a message. */
  export type Visibility =
    /** Everybody in the conversation. */
    | "all"
    /** Agents only, not the customer. */
    | "agents";

  /** Somebody mentioned in a message. */
  export interface Mention {
    /** Who. */
    userId: string;
    /** The name shown, without `@`. */
    text: string;
  }

  /** A ticker in a message. */
  export interface Cashtag {
    /** The ticker without `$`. */
    ticker: string;
    /** What the platform knows of it: (`isin`, …), (`bbgid`, …). */
    ids: [string, string][];
  }

  /** A custom object in a message. */
  export interface Entity {
    /** Its type, `com.acme.order`. */
    type: string;
    /** Its version, where it has one. */
    version?: string;
    /** The object as JSON. */
    json: string;
  }

  /** A file that came with a message. Its bytes are read with `directory.attachment`. */
  export interface ReceivedAttachment {
    /** Names it for `directory.attachment` and for sending it on. */
    id: string;
    /** File name. */
    name: string;
    /** Media type, `application/octet-stream` where it is not known. */
    mediaType: string;
    /** Bytes, where the platform tells. */
    size?: bigint;
  }

  /** A message that another one cites. */
  export interface QuotedMessage {
    /** Its id. */
    id: string;
    /** Who wrote it. */
    author: string;
    /** What it says. */
    text: string;
    /** When it was written. */
    at: Timestamp;
  }

  /** A message as it was received. */
  export interface Message {
    /** The platform's id. */
    id: string;
    /** Plain text, with the bot's own mention removed. */
    text: string;
    /** The same as blocks; empty where `text` says it all. */
    content: Block[];
    /** Who is mentioned. */
    mentions: Mention[];
    /** Tickers. */
    cashtags: Cashtag[];
    /** Topics, without `#`. */
    hashtags: string[];
    /** Custom objects. */
    entities: Entity[];
    /** Files. */
    attachments: ReceivedAttachment[];
    /** The message it answers. */
    replyTo?: string;
    /** The message it cites. */
    quoted?: QuotedMessage;
    /** Who sees it. */
    visibility: Visibility;
  }

  /** A value that a pattern captured. */
  export type ArgumentValue =
    /** `{name}`, one word; `{rest...}`, the rest of the line; a regular expression's capture. */
    | { tag: "text"; val: string }
    /** `{n:int}`. */
    | { tag: "integer"; val: bigint }
    /** `{x:number}`. */
    | { tag: "number"; val: number }
    /** `{flag:bool}`. */
    | { tag: "flag"; val: boolean }
    /** `{@name}`. */
    | { tag: "mention"; val: Mention }
    /** `{#name}`, without `#`. */
    | { tag: "hashtag"; val: string }
    /** `{$name}`. */
    | { tag: "cashtag"; val: Cashtag };

  /** A named captured value. Optional arguments that were not given are left out. */
  export interface Argument {
    /** The name in the pattern. */
    name: string;
    /** The value. */
    value: ArgumentValue;
  }

  /** A message that no command of the plugin matched. */
  export interface MessageReceived {
    /** The message. */
    message: Message;
    /** What a `regex` key word captured; empty for other matches. */
    arguments: Argument[];
  }

  /** A command that matched. */
  export interface Command {
    /** The command's name in `describe`. */
    name: string;
    /** What its pattern captured. */
    arguments: Argument[];
    /** The message it stood in. */
    message: Message;
  }

  /** A message that was changed. */
  export interface MessageEdited {
    /** The message with its new content; its id is the target's. */
    message: Message;
  }

  /** A message that was taken away. */
  export interface MessageDeleted {
    /** Its id. */
    messageId: string;
  }

  /** A value in a submission, by the field's kind. */
  export type FieldValue =
    /** `text`, `multiline`, `hidden`, `radio`, `select`, `timezone`. */
    | { tag: "text"; val: string }
    /** `number`. */
    | { tag: "number"; val: number }
    /** `checkbox`. */
    | { tag: "flag"; val: boolean }
    /** `multi-select`. */
    | { tag: "choices"; val: string[] }
    /** `date`, `2026-11-20`. */
    | { tag: "date"; val: string }
    /** `time`, `14:30`. */
    | { tag: "time"; val: string }
    /** `user`. */
    | { tag: "users"; val: User[] }
    /** `conversation`, by id. */
    | { tag: "conversations"; val: string[] }
    /** A platform's own kind, as JSON. */
    | { tag: "other"; val: string };

  /** One answered field. Fields that were left empty are left out. */
  export interface SubmittedField {
    /** The field's id. */
    id: string;
    /** Its value. */
    value: FieldValue;
  }

  /** A form that was answered, already checked against its rules. */
  export interface FormSubmitted {
    /** The form's id. */
    formId: string;
    /** The message that carried it. */
    messageId: string;
    /** The answers. */
    values: SubmittedField[];
    /** The id of the button that submitted it. */
    button: string;
  }

  /** Why a form closed. */
  export type FormCloseReason =
    /** The person gave up. */
    | "cancelled"
    /** Its time was over. */
    | "expired"
    /** Another form took its place. */
    | "replaced";

  /** A form that will not be answered any more. */
  export interface FormClosed {
    /** The form's id. */
    formId: string;
    /** The message that carried it. */
    messageId: string;
    /** Who closed it; none where time did. */
    who?: User;
    /** Why. */
    reason: FormCloseReason;
  }

  /** A button that was pressed. */
  export interface ButtonPressed {
    /** The button's id. */
    buttonId: string;
    /** Its value. */
    value: string;
    /** The message that carried it. */
    messageId: string;
  }

  /** What became of a member. */
  export type MemberChange =
    /** Came in. */
    | "joined"
    /** Went out. */
    | "left"
    /** Became an owner. */
    | "promoted"
    /** Is an owner no more. */
    | "demoted"
    /** Asks to come in. */
    | "join-requested"
    /** Was asked to come in. */
    | "invited";

  /** A change of who is there. */
  export interface MemberChanged {
    /** Whom it concerns; the envelope's actor is who did it. */
    who: User;
    /** What happened. */
    change: MemberChange;
    /** It is the bot itself. */
    isSelf: boolean;
  }

  /** A customer chat that somebody else answers now. */
  export interface Transfer {
    /** The group or agent it went to. */
    to: string;
    /** Why, as the platform says it. */
    why?: string;
    /** Its place in the queue there, from 1. */
    queuePosition?: number;
  }

  /** What became of a conversation. */
  export type ConversationChanged =
    /** It is new. */
    | { tag: "created" }
    /** Its name or settings changed. */
    | { tag: "updated" }
    /** It was closed. */
    | { tag: "closed" }
    /** It was opened again. */
    | { tag: "reopened" }
    /** It was handed on. */
    | { tag: "transferred"; val: Transfer };

  /** What became of a contact request. */
  export type ContactChanged =
    /** The actor asks to be a contact. */
    | "requested"
    /** The actor is a contact now. */
    | "accepted";

  /** An emoji put on or taken off a message. */
  export interface Reaction {
    /** The message. */
    messageId: string;
    /** The emoji's shortcode. */
    emoji: string;
    /** Put on when true, taken off when false. */
    added: boolean;
  }

  /** Somebody's being there. */
  export type PresenceStatus =
    /** There. */
    | "available"
    /** There, and busy. */
    | "busy"
    /** Away. */
    | "away"
    /** There, and not to be disturbed. */
    | "do-not-disturb"
    /** Not there. */
    | "offline";

  /** A timer that was due. */
  export interface TimerFired {
    /** Its name. */
    name: string;
    /** What `set-timer` gave it. */
    payload: string;
    /** When it was due; it may fire later. */
    dueAt: Timestamp;
  }

  /** A header of a request or response. */
  export interface Header {
    /** Lower-case name. */
    name: string;
    /** Value. */
    value: string;
  }

  /** Why a request has no answer. */
  export type ResponseError =
    /** The grant does not cover it. */
    | "denied"
    /** Nothing listens there, or the name is not known. */
    | "unreachable"
    /** It took too long. */
    | "timed-out"
    /** The answer is larger than the cap. */
    | "too-large"
    /** A restart fell between, and repeating it is not safe. */
    | "in-doubt"
    /** Anything else. */
    | "failed";

  /** An answer to a request. */
  export interface Response {
    /** HTTP status. */
    status: number;
    /** Headers, without credentials. */
    headers: Header[];
    /** Body, capped. */
    body: Uint8Array;
  }

  /** How a `request` action ended. */
  export interface ResponseReceived {
    /** The action's key. */
    key: string;
    /** The answer, or why there is none. */
    outcome: { tag: "ok"; val: Response } | { tag: "err"; val: ResponseError };
  }

  /** A webhook of the plugin's own that was called. */
  export interface WebhookReceived {
    /** The webhook's name in the settings. */
    name: string;
    /** The sender's id of this delivery, where it gave one. */
    deliveryId?: string;
    /** HTTP method. */
    method: string;
    /** Headers, without credentials. */
    headers: Header[];
    /** Body, capped. */
    body: Uint8Array;
  }

  /** Which action an outcome is about. */
  export interface ActionRef {
    /** The action's key, where it had one. */
    key?: string;
    /** Its place in the list it was returned in, from 0. */
    index: number;
  }

  /** An action that was performed. */
  export interface ActionDone {
    /** Which action. */
    action: ActionRef;
    /** The message made, where one was. */
    messageId?: string;
    /** The conversation made or used. */
    conversation?: string;
    /** What was degraded or noted: `table → text`, `was already in`. */
    notes: string[];
  }

  /** Why an action failed. */
  export type ActionError =
    /** The platform has nothing like it. */
    | "unsupported"
    /** Not granted, or the platform forbids it. */
    | "denied"
    /** The target does not exist. */
    | "not-found"
    /** More than the platform takes. */
    | "too-large"
    /** The platform's limit was hit too often. */
    | "throttled"
    /** The platform could not be reached for too long. */
    | "unavailable"
    /** The operator's rule forbids it. */
    | "refused-by-policy"
    /** It may or may not have happened. */
    | "in-doubt"
    /** Anything else. */
    | "failed";

  /** An action that was not performed. */
  export interface ActionFailed {
    /** Which action. */
    action: ActionRef;
    /** Why. */
    error: ActionError;
    /** The host goes on trying. */
    retrying: boolean;
    /** A sentence for the author. */
    detail: string;
  }

  /** What became of the plugin. */
  export type Lifecycle =
    /** The bot is there; once per bot and plugin. */
    | { tag: "started" }
    /** The plugin's settings changed. */
    | { tag: "config-changed" }
    /** A new build serves; the version before it. */
    | { tag: "reloaded"; val: string }
    /** The host is stopping. */
    | { tag: "draining" };

  /** What a platform sent that has no kind here. */
  export interface OtherEvent {
    /** The platform's name for it. */
    kind: string;
    /** What it said, as JSON. */
    json: string;
  }

  /** What happened. */
  export type EventPayload =
    /** A message. */
    | { tag: "message"; val: MessageReceived }
    /** A command. */
    | { tag: "command"; val: Command }
    /** A message was changed. */
    | { tag: "message-edited"; val: MessageEdited }
    /** A message was taken away. */
    | { tag: "message-deleted"; val: MessageDeleted }
    /** A form was answered. */
    | { tag: "form-submitted"; val: FormSubmitted }
    /** A form was closed. */
    | { tag: "form-closed"; val: FormClosed }
    /** A button was pressed. */
    | { tag: "button-pressed"; val: ButtonPressed }
    /** Who is there changed. */
    | { tag: "member-changed"; val: MemberChanged }
    /** The conversation changed. */
    | { tag: "conversation-changed"; val: ConversationChanged }
    /** A contact changed. */
    | { tag: "contact-changed"; val: ContactChanged }
    /** An emoji was put on or taken off. */
    | { tag: "reaction"; val: Reaction }
    /** The actor began (true) or stopped (false) to type. */
    | { tag: "typing"; val: boolean }
    /** The actor's presence changed. */
    | { tag: "presence"; val: PresenceStatus }
    /** A timer was due. */
    | { tag: "timer-fired"; val: TimerFired }
    /** A request ended. */
    | { tag: "response-received"; val: ResponseReceived }
    /** A webhook was called. */
    | { tag: "webhook-received"; val: WebhookReceived }
    /** An action was performed; only when subscribed. */
    | { tag: "action-done"; val: ActionDone }
    /** An action failed; only when subscribed. */
    | { tag: "action-failed"; val: ActionFailed }
    /** The plugin's own life. */
    | { tag: "lifecycle"; val: Lifecycle }
    /** Anything else. */
    | { tag: "other"; val: OtherEvent };

  /** An event. */
  export interface Event {
    /** The same over redelivery and restart: a key for de-duplication. */
    id: string;
    /** Rises within a conversation. */
    sequence: bigint;
    /** 1 for the first delivery. */
    attempt: number;
    /** The platform's time. */
    occurredAt: Timestamp;
    /** The host's time. */
    receivedAt: Timestamp;
    /** Which bot; none for events of the plugin alone. */
    bot?: Bot;
    /** Where; none where there is no such place. */
    conversation?: Conversation;
    /** Who did it. */
    actor?: User;
    /** How the bot was spoken to. */
    addressing: Addressing;
    /** The id of the event that this one grew out of. */
    cause?: string;
    /** 0 for what a person or platform did, one more than its cause for what the host made of it. */
    depth: number;
    /** In logs and in outgoing calls. */
    traceId: string;
    /** Documented small extras, capped. */
    extras: Extra[];
    /** What the platform sent, as JSON; only with a grant. */
    raw?: string;
    /** What happened. */
    payload: EventPayload;
  }
}

/**
 * What a plugin asks the host to do. The list returned from one event is one
 * transaction: it is stored together with the plugin's state writes, or not
 * at all, and performed in order within a conversation.
 */
declare module "parlor:bot/actions@0.1.0" {
  import type { Content, Timestamp } from "parlor:bot/content@0.1.0";
  import type { Visibility, PresenceStatus, Header } from "parlor:bot/events@0.1.0";

  /** Where a message goes. */
  export type Target =
    /** The event's conversation. */
    | { tag: "reply" }
    /** A conversation, by id. */
    | { tag: "conversation"; val: string }
    /** A broadcast to at most 1,000 conversations, by id; a grant. */
    | { tag: "conversations"; val: string[] }
    /** A direct conversation with one user, by id; a grant. */
    | { tag: "user"; val: string }
    /** A direct or group conversation with these users, by id; a grant. */
    | { tag: "users"; val: string[] }
    /** A direct conversation with the user of this e-mail address; a grant. */
    | { tag: "email"; val: string };

  /** A file made by the plugin. */
  export interface File {
    /** File name. */
    name: string;
    /** Media type. */
    mediaType: string;
    /** The bytes, at most 10 MiB. */
    bytes: Uint8Array;
  }

  /** A file to send. */
  export type OutgoingAttachment =
    /** Made here. */
    | { tag: "file"; val: File }
    /** One that was received, by id. */
    | { tag: "received"; val: string };

  /** What to do where a platform cannot show something. */
  export type Fallback =
    /** Send the nearest it can show, with a note. */
    | "degrade"
    /** Fail with `unsupported`. */
    | "fail";

  /** A message to send. */
  export interface Send {
    /** Where it goes. */
    target: Target;
    /** What it says. */
    content: Content;
    /** Files. */
    attachments: OutgoingAttachment[];
    /** The thread; the event's where absent. */
    thread?: string;
    /** Who sees it. */
    visibility: Visibility;
    /** Without a notification, where the platform can. */
    quiet: boolean;
    /** What to do where something cannot be shown. */
    fallback: Fallback;
  }

  /** A message. */
  export type MessageRef =
    /** By the platform's id. */
    | { tag: "id"; val: string }
    /** By the key of the action that sent it. */
    | { tag: "key"; val: string };

  /** What to do where a platform will not edit. */
  export type EditRule =
    /** Send it anew, at most once a minute and message. */
    | "repost"
    /** Leave it as it is. */
    | "skip"
    /** Fail. */
    | "fail";

  /** New content for a message of the plugin's own. */
  export interface Edit {
    /** Which message. */
    message: MessageRef;
    /** What it says now. */
    content: Content;
    /** Where the platform will not. */
    otherwise: EditRule;
  }

  /** An emoji to put on or take off. */
  export interface React {
    /** Which message. */
    message: MessageRef;
    /** Shortcode without colons. */
    emoji: string;
    /** Put on when true. */
    add: boolean;
  }

  /** A conversation and a user. */
  export interface Membership {
    /** The conversation, by id; the event's where absent. */
    conversation?: string;
    /** The user, by id. */
    user: string;
  }

  /** A new room. */
  export interface NewRoom {
    /** Its name. */
    name: string;
    /** What it is for. */
    description: string;
    /** Who is in it, by user id. */
    members: string[];
    /** Can be found by everybody. */
    public: boolean;
    /** Open to other companies. */
    external: boolean;
    /** Members may invite others. */
    open: boolean;
  }

  /** A new conversation. */
  export type NewConversation =
    /** A direct one with this user, by id. */
    | { tag: "direct"; val: string }
    /** A room. */
    | { tag: "room"; val: NewRoom };

  /** Changes of a conversation; what is absent stays. */
  export interface UpdateConversation {
    /** The conversation, by id; the event's where absent. */
    conversation?: string;
    /** Its new name. */
    name?: string;
    /** What it is for. */
    description?: string;
    /** Can be found by everybody. */
    public?: boolean;
    /** Members may invite others. */
    open?: boolean;
  }

  /** Who answers a customer chat next. */
  export type TransferTarget =
    /** A group, by id. */
    | { tag: "group"; val: string }
    /** An agent, by id. */
    | { tag: "agent"; val: string };

  /** A customer chat to hand on. */
  export interface TransferChat {
    /** The conversation, by id; the event's where absent. */
    conversation?: string;
    /** To whom. */
    to: TransferTarget;
  }

  /** A word on a customer chat. */
  export interface TagChat {
    /** The conversation, by id; the event's where absent. */
    conversation?: string;
    /** The tag. */
    tag: string;
    /** Put on when true. */
    add: boolean;
  }

  /**
   * An HTTP request that the host makes after the commit, under the HTTP
   * grants, over restarts. The answer is a `response-received`. Its key is
   * the action's key, which it must have.
   */
  export interface Request {
    /** `GET`, `POST`, … */
    method: string;
    /** Absolute `http` or `https` URL. */
    url: string;
    /** Headers. */
    headers: Header[];
    /** Body, at most 1 MiB. */
    body: Uint8Array;
    /** Milliseconds, at most 600,000. */
    timeoutMs: number;
    /** A header in which the host sends an id of its own, so that repeating is safe. */
    idempotencyHeader?: string;
  }

  /** A calendar rule. */
  export interface Cron {
    /** Minute, hour, day of month, month, day of week: `0 9 * * 1-5`. */
    expression: string;
    /** IANA time zone name. */
    timeZone: string;
  }

  /** When a timer fires. */
  export type Schedule =
    /** At this moment. */
    | { tag: "at"; val: Timestamp }
    /** So many milliseconds from now. */
    | { tag: "after"; val: bigint }
    /** Every so many milliseconds, at least 1,000. */
    | { tag: "every"; val: bigint }
    /** Five fields of cron, in a time zone. */
    | { tag: "cron"; val: Cron };

  /** What happens to a firing that fell into a stop of the host. */
  export type Missed =
    /** However many were missed, it fires once. */
    | "once"
    /** It does not fire. */
    | "skip";

  /** A timer to set. One of the same name in the same conversation is replaced. */
  export interface SetTimer {
    /** Unique per plugin and conversation. */
    name: string;
    /** When. */
    schedule: Schedule;
    /** What of a missed firing. */
    missed: Missed;
    /** Comes back with `timer-fired`, at most 64 KiB. */
    payload: string;
  }

  /** An action of one platform. */
  export interface OtherAction {
    /** The platform. */
    platform: string;
    /** Its name there. */
    name: string;
    /** Its settings as JSON. */
    json: string;
  }

  /** What to do. */
  export type ActionKind =
    /** Send a message. */
    | { tag: "send"; val: Send }
    /** Change an own message. */
    | { tag: "edit"; val: Edit }
    /** Take a message away: an own one, or another's where the bot may. */
    | { tag: "delete"; val: MessageRef }
    /** Put an emoji on a message or take it off. */
    | { tag: "react"; val: React }
    /** Show (true) or hide (false) that the bot is typing in the event's conversation. */
    | { tag: "typing"; val: boolean }
    /** Go into a conversation, by id; the event's where absent. */
    | { tag: "join"; val: string | undefined }
    /** Go out of it, if a `join` of this plugin brought the bot in. */
    | { tag: "leave"; val: string | undefined }
    /** Bring a user in; a grant. */
    | { tag: "invite"; val: Membership }
    /** Take a user out; a grant. */
    | { tag: "remove"; val: Membership }
    /** Make a user an owner; a grant. */
    | { tag: "promote"; val: Membership }
    /** Make an owner a member; a grant. */
    | { tag: "demote"; val: Membership }
    /** Make a conversation; a grant. */
    | { tag: "create-conversation"; val: NewConversation }
    /** Change a conversation; a grant. */
    | { tag: "update-conversation"; val: UpdateConversation }
    /** Accept a contact request, by user id; a grant. */
    | { tag: "accept-contact"; val: string }
    /** Reject a contact request, by user id; a grant. */
    | { tag: "reject-contact"; val: string }
    /** Ask a user to be a contact, by user id; a grant. */
    | { tag: "request-contact"; val: string }
    /** End a contact, by user id; a grant. */
    | { tag: "remove-contact"; val: string }
    /** Say whether the bot is there; a grant. */
    | { tag: "set-presence"; val: PresenceStatus }
    /** Hand a customer chat on; a grant. */
    | { tag: "transfer"; val: TransferChat }
    /** End a customer chat, by id, the event's where absent; a grant. */
    | { tag: "close"; val: string | undefined }
    /** Put a tag on a customer chat or take it off; a grant. */
    | { tag: "tag"; val: TagChat }
    /** Make an HTTP request and hear of its answer later. */
    | { tag: "request"; val: Request }
    /** Set a timer. */
    | { tag: "set-timer"; val: SetTimer }
    /** End a timer of the event's conversation, by name. */
    | { tag: "cancel-timer"; val: string }
    /** Anything else; a grant. */
    | { tag: "other"; val: OtherAction };

  /** An action. */
  export interface Action {
    /** Names it for later: for edits, deletes and outcomes. At most 64 bytes. */
    key?: string;
    /** Which bot, where the event names none or the plugin has several. */
    bot?: string;
    /** On behalf of this user, by id or user name; a grant. */
    asUser?: string;
    /** What to do. */
    kind: ActionKind;
  }
}

/** Lines for the operator's log. */
declare module "parlor:bot/log@0.1.0" {
  /** How much a line matters. */
  export type Level =
    /** Every step. */
    | "trace"
    /** For the author. */
    | "debug"
    /** For the operator. */
    | "info"
    /** Something is odd. */
    | "warn"
    /** Something failed. */
    | "error";

  /** Writes a line. Lines of one call beyond 64 KiB are dropped, and counted. */
  export function write(level: Level, text: string): void;
}

/**
 * What a plugin remembers. A call sees the newest values and its own writes;
 * writes are kept when the call's list of actions is, and only then. Where
 * another call changed what this one read, nothing is kept and the event is
 * handled again.
 */
declare module "parlor:bot/state@0.1.0" {
  /** Whom a value belongs to. */
  export type Scope =
    /** The plugin. */
    | "plugin"
    /** The event's conversation. */
    | "conversation"
    /** The event's actor. */
    | "user";

  /** Why a call failed. */
  export type StateError =
    /** The event has no conversation or no actor. */
    | { tag: "no-scope" }
    /** The key has more than 256 bytes or none, or the value more than 65,536. */
    | { tag: "too-large" }
    /** The plugin's share of the journal is used up. */
    | { tag: "full" }
    /** `add` on a value that is not a number. */
    | { tag: "not-a-number" }
    /** The host could not read it. */
    | { tag: "failed" };

  /**
   * Gets a value, or none.
   * @throws its `payload` is StateError
   */
  export function get(scope: Scope, key: string): Uint8Array | undefined;
  /**
   * Lists the keys that begin with a prefix, in order, at most 1,000, from the one after `after`.
   * @throws its `payload` is StateError
   */
  export function keys(scope: Scope, prefix: string, after: string | undefined): string[];
  /**
   * Sets a value, for ever or for so many milliseconds.
   * @throws its `payload` is StateError
   */
  export function set(scope: Scope, key: string, value: Uint8Array, ttlMs: bigint | undefined): void;
  /**
   * Deletes a value; one that is not there is no error.
   * @throws its `payload` is StateError
   */
  function _delete(scope: Scope, key: string): void;
  export { _delete as delete };
  /**
   * Adds to a number, 0 where there is none. It is kept as decimal text, is
   * not read by this call, and so never makes the event be handled again.
   * @throws its `payload` is StateError
   */
  export function add(scope: Scope, key: string, delta: bigint): void;
}

/** What the operator set, checked against `describe`. */
declare module "parlor:bot/config@0.1.0" {
  /** A setting's value. */
  export type Value =
    /** Text, or the chosen one of a choice. */
    | { tag: "text"; val: string }
    /** A number. */
    | { tag: "number"; val: number }
    /** Yes or no. */
    | { tag: "flag"; val: boolean }
    /** Milliseconds. */
    | { tag: "duration"; val: bigint }
    /** Texts. */
    | { tag: "texts"; val: string[] };

  /** What one plugin may use, each as it is enforced. */
  export interface Limits {
    /** Linear memory of one instance in bytes, all memories together. */
    memoryBytes: bigint;
    /** Elements of all tables of one instance. */
    tableElements: number;
    /** Processor time of one call in milliseconds. */
    cpuMs: number;
    /** Time of one call in milliseconds, host calls and waiting included. */
    deadlineMs: number;
    /** Instances alive at one time. */
    instances: number;
    /** Actions of one event. */
    actions: number;
    /** Bytes of text in one message. */
    messageBytes: number;
    /** Bytes of one attachment. */
    attachmentBytes: number;
    /** Bytes of all attachments of one event. */
    attachmentsBytes: number;
    /** Conversations of one broadcast. */
    broadcast: number;
    /** Bytes of one action's key. */
    actionKeyBytes: number;
    /** Bytes of log lines, stdout and stderr of one call together. */
    logBytes: number;
    /** Bytes of one state key. */
    stateKeyBytes: number;
    /** Bytes of one state value. */
    stateValueBytes: number;
    /** Bytes of the plugin's state, keys and values. */
    stateBytes: bigint;
    /** Bytes of random data in one request to the host. */
    randomBytes: number;
    /** Handles and resources of one instance. */
    handles: number;
    /** HTTP requests of one call. */
    httpRequests: number;
    /** HTTP requests open at one time. */
    httpOpen: number;
    /** Bytes of one HTTP response's body. */
    httpBodyBytes: bigint;
    /** Bytes of one HTTP message's headers. */
    httpHeaderBytes: number;
    /** Timers of one plugin. */
    timers: number;
    /** Bytes that the host copies out of one call. */
    resultBytes: bigint;
  }

  /** Gets a setting, its default where it was not set, none where it has none. */
  export function get(key: string): Value | undefined;
  /** Tells what this plugin may use. */
  export function enforced(): Limits;
}

/**
 * What the platform knows. Answers come in pages, count against the call's
 * deadline and the bot's rate, and are cached for 60 seconds. The event's own
 * conversation, members and attachments need no grant. `as-user` asks on
 * behalf of a user, by id or user name, and needs the action grant of that
 * name besides the read's own.
 */
declare module "parlor:bot/directory@0.1.0" {
  import type { Conversation, User, PresenceStatus, Message as MessageBody } from "parlor:bot/events@0.1.0";
  import type { Timestamp } from "parlor:bot/content@0.1.0";

  /** Why a read failed. */
  export type ReadError =
    /** The platform has nothing like it. */
    | { tag: "unsupported" }
    /** There is no such thing. */
    | { tag: "not-found" }
    /** Not granted, or the platform forbids it. */
    | { tag: "denied" }
    /** Ask again after so many milliseconds. */
    | { tag: "throttled"; val: bigint }
    /** Anything else. */
    | { tag: "failed"; val: string };

  /** A page of conversations. */
  export interface ConversationPage {
    /** The conversations. */
    items: Conversation[];
    /** For the next page; none at the end. */
    next?: string;
  }

  /** A page of users. */
  export interface UserPage {
    /** The users. */
    items: User[];
    /** For the next page; none at the end. */
    next?: string;
  }

  /** A message of the past. */
  export interface PastMessage {
    /** Who wrote it. */
    author: User;
    /** When. */
    at: Timestamp;
    /** The message. */
    message: MessageBody;
  }

  /** What became of a contact. */
  export type ContactStatus =
    /** Not a contact. */
    | "none"
    /** Asked by the bot, or by whom it asks for. */
    | "requested"
    /** Asks the bot, or whom it asks for. */
    | "pending"
    /** A contact. */
    | "accepted"
    /** Refused. */
    | "rejected";

  /** Part of a file. */
  export interface Chunk {
    /** The bytes from the offset on, at most 1 MiB. */
    bytes: Uint8Array;
    /** Bytes of the whole file. */
    total: bigint;
  }

  /** Somebody a customer chat can be handed to. */
  export interface TransferOption {
    /** A group when true, an agent when false. */
    group: boolean;
    /** Its id. */
    id: string;
    /** Its name. */
    name: string;
    /** Somebody is there to answer. */
    available: boolean;
  }

  /** What a platform can do in a conversation. */
  export interface ConversationCapabilities {
    /** Messages can be changed. */
    edit: boolean;
    /** Forms are shown as forms; else the host asks field by field. */
    forms: boolean;
    /** There are threads. */
    threads: boolean;
    /** Messages for agents only exist. */
    visibility: boolean;
    /** Largest message in bytes. */
    messageBytes: bigint;
    /** Largest file in bytes. */
    fileBytes: bigint;
    /** Messages a minute. */
    rate: number;
  }

  /**
   * Finds a conversation of a bot by name.
   * @throws its `payload` is ReadError
   */
  export function findConversation(bot: string, name: string): Conversation;
  /**
   * Lists the conversations of a bot, or of a user.
   * @throws its `payload` is ReadError
   */
  export function conversations(bot: string, cursor: string | undefined, asUser: string | undefined): ConversationPage;
  /**
   * Lists who is in a conversation.
   * @throws its `payload` is ReadError
   */
  export function members(conversation: string, cursor: string | undefined): UserPage;
  /**
   * Finds a user of a bot's platform by e-mail address or user name.
   * @throws its `payload` is ReadError
   */
  export function findUser(bot: string, name: string): User;
  /**
   * Tells whether a user is a contact of the event's bot, or of another user.
   * @throws its `payload` is ReadError
   */
  export function contact(user: string, asUser: string | undefined): ContactStatus;
  /**
   * Tells whether a user is there, as the event's bot sees it, or another user.
   * @throws its `payload` is ReadError
   */
  export function presence(user: string, asUser: string | undefined): PresenceStatus;
  /**
   * Reads a message of the event's bot by id.
   * @throws its `payload` is ReadError
   */
  export function message(id: string): PastMessage;
  /**
   * Reads messages of a conversation, newest first, at most 50, older than a moment.
   * @throws its `payload` is ReadError
   */
  export function history(conversation: string, before: Timestamp | undefined, count: number): PastMessage[];
  /**
   * Reads part of a received file.
   * @throws its `payload` is ReadError
   */
  export function attachment(id: string, offset: bigint): Chunk;
  /**
   * Lists whom a customer chat can be handed to.
   * @throws its `payload` is ReadError
   */
  export function transferTargets(conversation: string): TransferOption[];
  /**
   * Tells what the platform can do in a conversation.
   * @throws its `payload` is ReadError
   */
  export function capabilities(conversation: string): ConversationCapabilities;
}

/**
 * What a plugin says of itself. It is asked once for each build, in an
 * instance without settings, state, reads, HTTP and clock.
 */
declare module "parlor:bot/description@0.1.0" {
  /** A kind of event. */
  export type EventKind =
    /** Messages that match a key word, or all. */
    | "message"
    /** Changed messages. */
    | "message-edited"
    /** Messages taken away. */
    | "message-deleted"
    /** Answered forms; always delivered to the plugin that sent the form. */
    | "form-submitted"
    /** Closed forms. */
    | "form-closed"
    /** Pressed buttons; always delivered to the plugin that sent the button. */
    | "button-pressed"
    /** Changes of who is there. */
    | "member-changed"
    /** Changes of conversations. */
    | "conversation-changed"
    /** Changes of contacts. */
    | "contact-changed"
    /** Emoji put on or taken off. */
    | "reaction"
    /** Typing. */
    | "typing"
    /** Presence. */
    | "presence"
    /** Performed actions. */
    | "action-done"
    /** Failed actions. */
    | "action-failed"
    /** The plugin's own life. */
    | "lifecycle"
    /** What has no kind here. */
    | "other";

  /** How a key word is compared, without regard to case. */
  export type KeyWordMatch =
    /** Anywhere in the text. */
    | "contains"
    /** As a whole word. */
    | "word"
    /** The whole text. */
    | "equals"
    /** A regular expression without look-around, at most 256 bytes; captures arrive as arguments. */
    | "regex";

  /** A word that a message must have. `{=name}` stands for a config key's value. */
  export interface KeyWord {
    /** How it is compared. */
    match: KeyWordMatch;
    /** The word or expression. */
    text: string;
  }

  /** Something a message must carry. */
  export type MessageHas =
    /** A mention. */
    | "mention"
    /** A cashtag. */
    | "cashtag"
    /** A hashtag. */
    | "hashtag"
    /** A file. */
    | "attachment";

  /** Which messages the plugin wants. */
  export interface MessageFilter {
    /** Any of these; empty: any text. */
    keyWords: KeyWord[];
    /** All of these. */
    has: MessageHas[];
    /** Messages of other bots too. */
    fromBots: boolean;
  }

  /** What the plugin hears. */
  export interface Subscriptions {
    /** Kinds of events. Without `message` and commands no message is delivered. */
    kinds: EventKind[];
    /** Platforms; empty: all. */
    platforms: string[];
    /** Which messages; any one of these filters is enough; empty: all. */
    messages: MessageFilter[];
  }

  /** Whether the bot must be mentioned. */
  export type MentionRule =
    /** Yes. */
    | "required"
    /** It may be. */
    | "optional"
    /** No. */
    | "never";

  /** What an argument means. */
  export interface ArgumentHelp {
    /** The name in the pattern. */
    name: string;
    /** What it means, in a few words. */
    help: string;
  }

  /** A command. */
  export interface CommandSpec {
    /** Names it in events and settings. */
    name: string;
    /** `/buy {quantity} {$ticker}`. `{=name}` stands for a config key's value. */
    pattern: string;
    /** Whether the bot must be mentioned. */
    mention: MentionRule;
    /** What it does, in a line. */
    help: string;
    /** Its arguments. */
    arguments: ArgumentHelp[];
    /** Not in `/help`. */
    hidden: boolean;
  }

  /** What kind of setting it is. */
  export type ConfigKind =
    /** Text. */
    | { tag: "text" }
    /** A number. */
    | { tag: "number" }
    /** Yes or no. */
    | { tag: "flag" }
    /** A duration, `5m`. */
    | { tag: "duration" }
    /** One of these. */
    | { tag: "choice"; val: string[] }
    /** Texts. */
    | { tag: "list" };

  /** A setting. */
  export interface ConfigKey {
    /** Its name. */
    name: string;
    /** Its kind. */
    kind: ConfigKind;
    /** Loading fails without it. */
    required: boolean;
    /** Its value where it is not set, written as in the settings. */
    default?: string;
    /** What it does. */
    help: string;
  }

  /** Something the plugin would like to be granted. */
  export type Capability =
    /** HTTP, `GET https://api.example.com/v1/*`. */
    | { tag: "http"; val: string }
    /** An action that needs a grant, by its name in `action-kind`. */
    | { tag: "action"; val: string }
    /** A read that needs a grant, by its name in `directory`. */
    | { tag: "read"; val: string }
    /** Anything else. */
    | { tag: "other"; val: string };

  /** A wish with its reason. */
  export interface CapabilityRequest {
    /** What. */
    what: Capability;
    /** Why, in words that a person can judge. */
    reason: string;
    /** The plugin works without it. */
    optional: boolean;
  }

  /** A plugin's description of itself. */
  export interface Description {
    /** Its name. */
    name: string;
    /** Its version, `1.2.3`. */
    version: string;
    /** Raised when an older build cannot read this one's state. */
    stateVersion: number;
    /** What it does, in a line. */
    summary: string;
    /** Who made it. */
    author: string;
    /** SPDX licence expression. */
    licence: string;
    /** Where to read more. */
    homepage?: string;
    /** What it hears. */
    subscriptions: Subscriptions;
    /** Its commands. */
    commands: CommandSpec[];
    /** Its settings. */
    config: ConfigKey[];
    /** What it asks for. */
    capabilities: CapabilityRequest[];
    /** For later versions. */
    extras: [string, string][];
  }
}

/** What a plugin does. */
declare module "parlor:bot/behaviour@0.1.0" {
  import type { Event } from "parlor:bot/events@0.1.0";
  import type { Action } from "parlor:bot/actions@0.1.0";
  import type { Description } from "parlor:bot/description@0.1.0";

  /** Why an event was not handled. Nothing of the call is kept. */
  export type HandleError =
    /** Try again, after so many milliseconds where given. */
    | { tag: "retry"; val: bigint | undefined }
    /** It is done, and nothing is to be kept; no fault. The text is logged. */
    | { tag: "refused"; val: string }
    /** It cannot be handled: to the dead letters now. A fault. */
    | { tag: "failed"; val: string };

  /** Says what the plugin is and wants. */
  export function describe(): Description;
  /**
   * Handles one event.
   * @throws its `payload` is HandleError
   */
  export function handle(event: Event): Action[];
}
