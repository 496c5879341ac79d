// The types of a plugin in JavaScript and TypeScript.

/// <reference path="./contract.d.ts" />

import type { Action, ActionKind, Schedule } from "parlor:bot/actions@0.1.0";
import type { Limits } from "parlor:bot/config@0.1.0";
import type {
  Block, Button, ButtonStyle, Content, Field, FieldKind as WitFieldKind, FormAnswers, FormAudience,
  FormEnd, Span, TextStyle,
} from "parlor:bot/content@0.1.0";
import type { Description, EventKind, MentionRule, MessageHas } from "parlor:bot/description@0.1.0";
import type {
  Bot, Cashtag, Conversation, Event, EventPayload, Mention, ResponseReceived, User, WebhookReceived,
} from "parlor:bot/events@0.1.0";

// The contract's own, under the names that a plugin has for them.
export type {
  Action, ActionKind, Block, Bot, Button, ButtonStyle, Cashtag, Content, Conversation, Description, Event,
  EventKind, EventPayload, Field, Limits, Mention, Schedule, Span, TextStyle, User,
};

/** What a value is that comes once, later, or not at all. */
type Now<T> = T | Promise<T>;

// --- What a message says

/** A text, a span, or several of them. */
export type Line = string | Span | (string | Span)[];

/** Words with a style: `{ bold: true }`. */
export function text(words: string, style?: TextStyle): Span;
/** Bold words. */
export function bold(words: string): Span;
/** Words in italics. */
export function italic(words: string): Span;
/** Words as code. */
export function code(words: string): Span;
/** Words that open an address. */
export function link(words: string, url: string): Span;
/** Somebody, by user id. */
export function mention(user: string, shown?: string): Span;
/** An emoji by its shortcode, without colons. */
export function emoji(shortcode: string): Span;
/** A text, a span, or several, as spans. */
export function spans(line: Line): Span[];

/** Running text. */
export function paragraph(...line: (string | Span)[]): Block;
/** A title. */
export function heading(level: 1 | 2 | 3 | 4 | 5 | 6, line: Line): Block;
/** Somebody's words. */
export function quote(...line: (string | Span)[]): Block;
/** A line across. */
export function divider(): Block;
/** An image by its address, with what is said where it is not shown. */
export function image(url: string, alternative: string): Block;
/** A table. `align` has a letter a column: `l`, `c` or `r`. */
export function table(table: { header: Line[]; rows: Line[][]; align?: string }): Block;
/** A framed summary. */
export function card(card: {
  title: string;
  subtitle?: string;
  paragraphs?: Line[];
  facts?: Record<string, string>;
  buttons?: Button[];
}): Block;
/** A row of buttons. */
export function buttons(...row: Button[]): Block;
/** A button that does something (`id`), opens an address (`url`) or says something (`says`). */
export function button(
  label: string,
  does?: { id?: string; value?: string; url?: string; says?: string; style?: ButtonStyle },
): Button;

/** What a field asks for, by the contract's name. */
export type FieldKind = Exclude<WitFieldKind["tag"], "other">;

/** What else is said of a field. */
export interface FieldOptions {
  kind?: FieldKind;
  choices?: string[] | Record<string, string>;
  required?: boolean;
  multiple?: boolean;
  readOnly?: boolean;
  default?: string | number | boolean | string[];
  placeholder?: string;
  /** A regular expression, and what is said of what does not match it. */
  pattern?: [regex: string, message: string];
  min?: string | number;
  max?: string | number;
}

/** A question of a form. */
export function field(id: string, label: string, options?: FieldOptions): Field;
/** Questions asked together; the host wakes the plugin with a valid answer only. */
export function form(
  id: string,
  form: {
    title?: string;
    fields: Field[];
    submit?: string;
    buttons?: Button[];
    answers?: FormAnswers;
    audience?: FormAudience;
    end?: FormEnd;
  },
): Block;

/** CommonMark with tables. */
export function markdown(words: string): Content;
/** Symphony's markup; other platforms show the nearest. */
export function messageMl(markup: string): Content;
/** One text, one content, or blocks, as the contract has them. */
export function content(parts: Part[]): Content;

/** What may be said: a text, Markdown or MessageML, or blocks. */
export type Part = string | Block | Content;

// --- What a plugin asks the host to do

/** A message on its way out: what is said, where, and who sees it. */
export class Message {
  constructor(parts: Part[], rest?: object);
  /** The same, to a conversation by id. */
  toConversation(id: string): Message;
  /** The same, to many conversations; a grant. */
  toConversations(...ids: string[]): Message;
  /** The same, to one person; a grant. */
  toUser(id: string): Message;
  /** The same, to a group of people; a grant. */
  toUsers(...ids: string[]): Message;
  /** The same, to the person of this e-mail address; a grant. */
  toEmail(address: string): Message;
  /** The same, not for the customer. */
  agentsOnly(): Message;
  /** The same, without a notification. */
  quietly(): Message;
  /** The same, in a thread. */
  inThread(thread: string): Message;
  /** The same; it fails where the platform cannot show it as it is. */
  orFail(): Message;
  /** The same, with a key for edits, deletes and outcomes. */
  named(key: string): Message;
  /** The same, with a file. */
  attach(name: string, mediaType: string, bytes: Uint8Array): Message;
  /** The action that sends it. */
  action(): Action;
}

/** A message; a reply where nothing else is said. */
export function message(...parts: Part[]): Message;
/** Any action of the contract. */
export function action(kind: ActionKind, key?: string): Action;
/** Goes into a conversation; the event's where none is given. */
export function join(conversation?: string): Action;
/** Goes out again, where a `join` of this plugin brought the bot in. */
export function leave(conversation?: string): Action;
/** Changes the message that was sent under a key. */
export function edit(key: string, parts: Part | Part[], otherwise?: "repost" | "skip" | "fail"): Action;
/** Takes back the message that was sent under a key. */
export function remove(key: string): Action;
/** Puts an emoji on a message, by its id. */
export function react(id: string, shortcode: string, add?: boolean): Action;

/** At this moment. */
export function at(date: Date): Schedule;
/** So many seconds from now. */
export function after(seconds: number): Schedule;
/** Every so many seconds. */
export function every(seconds: number): Schedule;
/** Five fields of cron, in a time zone. */
export function cron(expression: string, timeZone: string): Schedule;
/** Sets a timer of this conversation. */
export function setTimer(
  name: string,
  schedule: Schedule,
  payload?: string,
  options?: { skipMissed?: boolean },
): Action;
/** Ends a timer of this conversation. */
export function cancelTimer(name: string): Action;
/** Has the host make a request after the commit, over restarts; the answer is an event of this key. */
export function request(
  key: string,
  method: string,
  url: string,
  options?: {
    body?: string | Uint8Array;
    headers?: Record<string, string>;
    timeoutMs?: number;
    idempotencyHeader?: string;
  },
): Action;

// --- What happened

/** A request's answer, or why there is none. */
export type Outcome = ResponseReceived;
/** A call of a webhook of the plugin's own. */
export type WebhookCall = WebhookReceived;

/** The event that is handled, and what is said about it. */
export class Context {
  constructor(event: Event);
  /** The event itself. */
  readonly event: Event;
  /** The event's id: the same when it is handled again. */
  readonly id: string;
  /** The bot. */
  readonly bot?: Bot;
  /** Where it happened. */
  readonly conversation?: Conversation;
  /** Who did it. */
  readonly actor?: User;
  /** The actor's first name, or the name people see. */
  readonly firstName: string;
  /** What the message says; empty where the event is no message. */
  readonly text: string;
  /** Tells whether the actor holds one of the operator's roles. */
  hasRole(role: string): boolean;
  /** A message to where the event came from. */
  reply(...parts: Part[]): Message;
}

// --- A plugin

/** What a handler returns: nothing, a text or block that is said, a message, an action, or a list of them. */
export type Reply = undefined | null | void | Part | Message | Action | Reply[];

/** Handles something; arguments, fields and the like come by name. */
export type Handler<Given = any> = (cx: Context, given: Given) => Now<Reply>;

/** What a kind of event carries. */
export type Payload<Kind extends EventKind> = Extract<EventPayload, { tag: Kind }>["val"];

/** What else is said of a command. */
export interface CommandOptions {
  help?: string;
  name?: string;
  mention?: MentionRule;
  hidden?: boolean;
  /** What each argument means. */
  arguments?: Record<string, string>;
}

/** Which messages: all that is named must hold. */
export interface MessageOptions {
  contains?: string;
  word?: string;
  equals?: string;
  regex?: string;
  has?: MessageHas[];
  fromBots?: boolean;
}

/** A name, or the beginning of names. */
export type Names = string | { prefix: string };

/** Collects what a plugin does; `behaviour` is what the host calls. */
export class Plugin {
  constructor(
    name: string,
    summary: string,
    about?: {
      version?: string;
      author?: string;
      licence?: string;
      homepage?: string;
      platforms?: string[];
      stateVersion?: number;
    },
  );
  /** A command: `/buy {quantity} {$ticker}`. `run` gets the context and the arguments by name. */
  command(pattern: string, run: Handler): this;
  command(pattern: string, options: CommandOptions, run: Handler): this;
  /** Messages that have something; all where nothing is said. */
  message(run: Handler): this;
  message(filter: MessageOptions, run: Handler): this;
  /** Events of another kind, by the contract's name: `member-changed`, `action-failed`, … */
  on<Kind extends EventKind>(kind: Kind, run: Handler<Payload<Kind>>): this;
  /** Answers to a form, by its id or `{ prefix }`; values come by the names of its fields. */
  form(id: Names, run: Handler<Record<string, any>>): this;
  /** Presses of a button. */
  button(id: Names, run: Handler<{ id: string; value: string }>): this;
  /** Firings of a timer. */
  timer(name: Names, run: Handler<{ name: string; payload: string }>): this;
  /** Answers of a request that the host made. */
  response(key: Names, run: Handler<Outcome>): this;
  /** Calls of a webhook of the plugin's own. */
  webhook(name: Names, run: Handler<WebhookCall>): this;
  /** Declares a setting. */
  config(
    name: string,
    options?: {
      kind?: "text" | "number" | "flag" | "duration" | "list";
      help?: string;
      required?: boolean;
      default?: string;
      choices?: string[];
    },
  ): this;
  /** Asks for what the operator has to grant, with a reason. */
  wants(
    reason: string,
    what: { http?: string; action?: string; read?: string; optional?: boolean },
  ): this;
  /** What the host calls: `export const { behaviour } = plugin;`. */
  readonly behaviour: { describe(): Description; handle(event: Event): Promise<Action[]> };
}

/** Handle the event again, after so many milliseconds where given. Nothing of the call is kept. */
export class Retry extends Error {
  constructor(afterMs?: number);
}

/** Nothing is done and nothing is wrong; the text is logged. */
export class Refused extends Error {}

/** It cannot be handled: the event goes to the dead letters, a fault. */
export class Failed extends Error {}

// --- What the host keeps and tells

/** Values that are kept together with the actions of the call, or not at all. */
export interface Scope {
  /** The bytes of a value; undefined where there is none. */
  bytes(key: string): Uint8Array | undefined;
  /** A value as text. */
  text(key: string): string | undefined;
  /** A value that `add` counts; 0 where there is none. */
  integer(key: string): number;
  /** A value that `setJson` wrote. */
  json<T>(key: string): T | undefined;
  json<T>(key: string, otherwise: T): T;
  /** Sets a value, for ever or for so many milliseconds. */
  set(key: string, value: string | Uint8Array, ttlMs?: number): void;
  /** Sets a value of lists, objects, texts and numbers. */
  setJson(key: string, value: unknown, ttlMs?: number): void;
  /** Adds to a number without reading it, so that many calls can at one time. */
  add(key: string, delta?: number): void;
  /** Deletes a value; one that is not there is no error. */
  delete(key: string): void;
  /** The keys that begin with a prefix, in order. */
  keys(prefix?: string): IterableIterator<string>;
}

/** The values of the plugin, of the event's conversation, of the event's person. */
export const state: { plugin: Scope; conversation: Scope; user: Scope };

/** What the operator set. */
export const config: {
  /** A setting by its kind: text, number, flag, milliseconds or texts. */
  get<T extends string | number | boolean | string[] = string>(key: string): T | undefined;
  /** What this plugin may use, each as it is enforced. */
  limits(): Limits;
};

/** Lines for the operator's log. */
export const log: Record<"trace" | "debug" | "info" | "warn" | "error", (line: unknown) => void>;
