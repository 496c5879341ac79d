// The types of a plugin in JavaScript and TypeScript.

/** What a value is that comes once, later, or not at all. */
type Now<T> = T | Promise<T>;

// --- what a message says

/** How words look. */
export interface TextStyle {
  bold?: boolean;
  italic?: boolean;
  underline?: boolean;
  strike?: boolean;
  code?: boolean;
}

/** A run of text, a link, a mention, an emoji: a part of a line. */
export interface Span {
  readonly tag: string;
  readonly val?: unknown;
}

/** A part of a message that stands by itself. */
export interface Block {
  readonly tag: string;
  readonly val?: unknown;
}

/** A whole message as Markdown or MessageML. */
export interface Content {
  readonly tag: "plain" | "markdown" | "message-ml" | "blocks";
  readonly val: unknown;
}

/** A text, a span, or several of them. */
export type Line = string | Span | (string | Span)[];

export interface Button {
  readonly label: string;
  readonly kind: unknown;
  readonly style: "primary" | "secondary" | "danger";
}

export interface Field {
  readonly id: string;
  readonly label: string;
}

export type FieldKind =
  | "text" | "multiline" | "number" | "checkbox" | "radio" | "select" | "multi-select" | "date"
  | "time" | "timezone" | "user" | "conversation" | "hidden";

export interface FieldOptions {
  kind?: FieldKind;
  choices?: string[] | Record<string, string>;
  required?: boolean;
  multiple?: boolean;
  readOnly?: boolean;
  default?: string | string[];
  placeholder?: string;
  /** A regular expression, and what is said of what does not match it. */
  pattern?: [regex: string, message: string];
  min?: string | number;
  max?: string | number;
}

export function text(words: string, style?: TextStyle): Span;
export function bold(words: string): Span;
export function italic(words: string): Span;
export function code(words: string): Span;
export function link(words: string, url: string): Span;
export function mention(user: string, shown?: string): Span;
export function emoji(shortcode: string): Span;

export function paragraph(...line: (string | Span)[]): Block;
export function heading(level: 1 | 2 | 3 | 4 | 5 | 6, line: Line): Block;
export function quote(...line: (string | Span)[]): Block;
export function divider(): Block;
export function image(url: string, alternative: string): Block;
export function buttons(...row: Button[]): Block;
export function table(table: { header: Line[]; rows: Line[][]; align?: string }): Block;
export function card(card: {
  title: string;
  subtitle?: string;
  paragraphs?: Line[];
  facts?: Record<string, string>;
  buttons?: Button[];
}): Block;
export function form(
  id: string,
  form: {
    title?: string;
    fields: Field[];
    submit?: string;
    buttons?: Button[];
    answers?: "once" | "once-per-user" | "any";
    audience?: { tag: "anyone" | "actor" } | { tag: "users" | "roles"; val: string[] };
    end?: { tag: "never" } | { tag: "at" | "after"; val: bigint };
  },
): Block;
export function field(id: string, label: string, options?: FieldOptions): Field;
export function button(
  label: string,
  does?: {
    id?: string;
    value?: string;
    url?: string;
    says?: string;
    style?: "primary" | "secondary" | "danger";
  },
): Button;

export function markdown(words: string): Content;
export function messageMl(markup: string): Content;

// --- what a plugin asks the host to do

/** Something for the host to do. */
export interface Action {
  readonly key?: string;
  readonly kind: { readonly tag: string; readonly val?: unknown };
}

/** A message on its way out. */
export class Message {
  toConversation(id: string): Message;
  toConversations(...ids: string[]): Message;
  toUser(id: string): Message;
  toUsers(...ids: string[]): Message;
  toEmail(address: string): Message;
  agentsOnly(): Message;
  quietly(): Message;
  inThread(thread: string): Message;
  orFail(): Message;
  named(key: string): Message;
  attach(name: string, mediaType: string, bytes: Uint8Array): Message;
  action(): Action;
}

/** When a timer fires. */
export interface Schedule {
  readonly tag: "at" | "after" | "every" | "cron";
  readonly val: unknown;
}

/** What may be said: a text, Markdown or MessageML, or blocks. */
export type Part = string | Block | Content;

export function message(...parts: Part[]): Message;
export function action(kind: Action["kind"], key?: string): Action;
export function join(conversation?: string): Action;
export function leave(conversation?: string): Action;
export function edit(key: string, parts: Part | Part[], otherwise?: "repost" | "skip" | "fail"): Action;
export function remove(key: string): Action;
export function react(message: string, emoji: string, add?: boolean): Action;
export function at(date: Date): Schedule;
export function after(seconds: number): Schedule;
export function every(seconds: number): Schedule;
export function cron(expression: string, timeZone: string): Schedule;
export function setTimer(
  name: string,
  schedule: Schedule,
  payload?: string,
  options?: { skipMissed?: boolean },
): Action;
export function cancelTimer(name: string): Action;
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

// --- what happened

export interface Bot {
  name: string;
  platform: string;
  userId: string;
  displayName: string;
}

export interface Conversation {
  id: string;
  kind: "direct" | "group" | "room" | "customer-chat" | "post" | "other";
  name?: string;
  external: boolean;
  crossPod: boolean;
  thread?: string;
}

export interface User {
  id: string;
  displayName: string;
  userName?: string;
  firstName?: string;
  lastName?: string;
  email?: string;
  timeZone?: string;
  locale?: string;
  kind: "human" | "bot" | "customer" | "agent" | "system" | "other";
  roleHere: "owner" | "member" | "agent" | "customer" | "unknown";
  roles: string[];
}

export interface Event {
  id: string;
  sequence: bigint;
  attempt: number;
  occurredAt: bigint;
  receivedAt: bigint;
  bot?: Bot;
  conversation?: Conversation;
  actor?: User;
  addressing: "direct" | "mention" | "prefix" | "ambient";
  cause?: string;
  depth: number;
  traceId: string;
  extras: { name: string; value: string }[];
  raw?: string;
  payload: { tag: string; val?: any };
}

/** A request's answer, or why there is none. */
export interface Outcome {
  key: string;
  outcome:
    | { tag: "ok"; val: { status: number; headers: { name: string; value: string }[]; body: Uint8Array } }
    | { tag: "err"; val: string };
}

/** A call of a webhook of the plugin's own. */
export interface WebhookCall {
  name: string;
  deliveryId?: string;
  method: string;
  headers: { name: string; value: string }[];
  body: Uint8Array;
}

/** The event that is handled, and what is said about it. */
export class Context {
  readonly event: Event;
  readonly id: string;
  readonly bot?: Bot;
  readonly conversation?: Conversation;
  readonly actor?: User;
  readonly firstName: string;
  readonly text: string;
  hasRole(role: string): boolean;
  reply(...parts: Part[]): Message;
}

// --- a plugin

/** What a handler returns: nothing, a text or block that is said, a message, an action, or a list of them. */
export type Reply = undefined | null | void | Part | Message | Action | Reply[];

/** Handles something; arguments, fields and the like come by name. */
export type Handler<Given = any> = (cx: Context, given: Given) => Now<Reply>;

export interface CommandOptions {
  help?: string;
  name?: string;
  mention?: "required" | "optional" | "never";
  hidden?: boolean;
  /** What each argument means. */
  arguments?: Record<string, string>;
}

export interface MessageOptions {
  contains?: string;
  word?: string;
  equals?: string;
  regex?: string;
  has?: ("mention" | "cashtag" | "hashtag" | "attachment")[];
  fromBots?: boolean;
}

/** A name, or the beginning of names. */
export type Names = string | { prefix: string };

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
  command(pattern: string, run: Handler): this;
  command(pattern: string, options: CommandOptions, run: Handler): this;
  message(run: Handler): this;
  message(filter: MessageOptions, run: Handler): this;
  on(kind: string, run: Handler): this;
  form(id: Names, run: Handler<Record<string, any>>): this;
  button(id: Names, run: Handler<{ id: string; value: string }>): this;
  timer(name: Names, run: Handler<{ name: string; payload: string }>): this;
  response(key: Names, run: Handler<Outcome>): this;
  webhook(name: Names, run: Handler<WebhookCall>): this;
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
  wants(
    reason: string,
    what: { http?: string; action?: string; read?: string; optional?: boolean },
  ): this;
  readonly behaviour: { describe(): unknown; handle(event: Event): Promise<Action[]> };
}

/** Handle the event again, after so many milliseconds where given. Nothing of the call is kept. */
export class Retry extends Error {
  constructor(afterMs?: number);
}

/** Nothing is done and nothing is wrong; the text is logged. */
export class Refused extends Error {}

/** It cannot be handled: the event goes to the dead letters, a fault. */
export class Failed extends Error {}

// --- what the host keeps and tells

/** Values that are kept together with the actions of the call, or not at all. */
export interface Scope {
  bytes(key: string): Uint8Array | undefined;
  text(key: string): string | undefined;
  integer(key: string): number;
  json<T>(key: string): T | undefined;
  json<T>(key: string, otherwise: T): T;
  set(key: string, value: string | Uint8Array, ttlMs?: number): void;
  setJson(key: string, value: unknown, ttlMs?: number): void;
  add(key: string, delta?: number): void;
  delete(key: string): void;
  keys(prefix?: string): IterableIterator<string>;
}

/** The values of the plugin, of the event's conversation, of the event's person. */
export const state: { plugin: Scope; conversation: Scope; user: Scope };

/** What the operator set. */
export const config: {
  /** A setting by its kind: text, number, flag, milliseconds or texts. */
  get<T extends string | number | boolean | string[] = string>(key: string): T | undefined;
  limits(): Record<string, number | bigint>;
};

/** Lines for the operator's log. */
export const log: Record<"trace" | "debug" | "info" | "warn" | "error", (line: unknown) => void>;
