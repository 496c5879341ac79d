// A message on its way out, and what else a plugin asks the host to do.

import { content } from "./content.js";

const ENCODER = new TextEncoder();

/** Any action of the contract. */
export const action = (kind, key) => ({ key, bot: undefined, asUser: undefined, kind });

/** What is said, where, and who sees it. `message("Hello")` is a reply. */
export class Message {
  constructor(parts, rest = {}) {
    this.parts = parts;
    this.rest = {
      target: { tag: "reply" },
      attachments: [],
      thread: undefined,
      visibility: "all",
      quiet: false,
      fallback: "degrade",
      key: undefined,
      ...rest,
    };
  }

  #with(changes) {
    return new Message(this.parts, { ...this.rest, ...changes });
  }

  /** The same, to a conversation by id. */
  toConversation(id) {
    return this.#with({ target: { tag: "conversation", val: id } });
  }

  /** The same, to many conversations; a grant. */
  toConversations(...ids) {
    return this.#with({ target: { tag: "conversations", val: ids } });
  }

  /** The same, to one person; a grant. */
  toUser(id) {
    return this.#with({ target: { tag: "user", val: id } });
  }

  /** The same, to a group of people; a grant. */
  toUsers(...ids) {
    return this.#with({ target: { tag: "users", val: ids } });
  }

  /** The same, to the person of this e-mail address; a grant. */
  toEmail(address) {
    return this.#with({ target: { tag: "email", val: address } });
  }

  /** The same, not for the customer. */
  agentsOnly() {
    return this.#with({ visibility: "agents" });
  }

  /** The same, without a notification. */
  quietly() {
    return this.#with({ quiet: true });
  }

  /** The same, in a thread. */
  inThread(thread) {
    return this.#with({ thread });
  }

  /** The same; it fails where the platform cannot show it as it is. */
  orFail() {
    return this.#with({ fallback: "fail" });
  }

  /** The same, with a key for edits, deletes and outcomes. */
  named(key) {
    return this.#with({ key });
  }

  /** The same, with a file. */
  attach(name, mediaType, bytes) {
    const file = { tag: "file", val: { name, mediaType, bytes } };
    return this.#with({ attachments: [...this.rest.attachments, file] });
  }

  /** The action that sends it. */
  action() {
    const { key, ...send } = this.rest;
    return action({ tag: "send", val: { ...send, content: content(this.parts) } }, key);
  }
}

/** A message; a reply where nothing else is said. */
export const message = (...parts) => new Message(parts);

/** Goes into a conversation; the event's where none is given. */
export const join = (conversation) => action({ tag: "join", val: conversation });

/** Goes out again, where a `join` of this plugin brought the bot in. */
export const leave = (conversation) => action({ tag: "leave", val: conversation });

/** Changes the message that was sent under a key. `otherwise`: `repost`, `skip` or `fail`. */
export const edit = (key, parts, otherwise = "repost") =>
  action({
    tag: "edit",
    val: { message: { tag: "key", val: key }, content: content([parts].flat()), otherwise },
  });

/** Takes back the message that was sent under a key. */
export const remove = (key) => action({ tag: "delete", val: { tag: "key", val: key } });

/** Puts an emoji on a message, by its id. */
export const react = (id, shortcode, add = true) =>
  action({ tag: "react", val: { message: { tag: "id", val: id }, emoji: shortcode, add } });

const milliseconds = (seconds) => BigInt(Math.round(seconds * 1000));

/** At this moment: a `Date`. */
export const at = (date) => ({ tag: "at", val: BigInt(date.getTime()) });

/** So many seconds from now. */
export const after = (seconds) => ({ tag: "after", val: milliseconds(seconds) });

/** Every so many seconds. */
export const every = (seconds) => ({ tag: "every", val: milliseconds(seconds) });

/** Five fields of cron, in a time zone. */
export const cron = (expression, timeZone) => ({ tag: "cron", val: { expression, timeZone } });

/** Sets a timer of this conversation. */
export const setTimer = (name, schedule, payload = "", { skipMissed = false } = {}) =>
  action({
    tag: "set-timer",
    val: { name, schedule, missed: skipMissed ? "skip" : "once", payload },
  });

/** Ends a timer of this conversation. */
export const cancelTimer = (name) => action({ tag: "cancel-timer", val: name });

/** Has the host make a request after the commit, over restarts; the answer is an event of this key. */
export const request = (key, method, url, options = {}) => {
  const { body = "", headers = {}, timeoutMs = 30_000, idempotencyHeader } = options;
  const pairs = Object.entries(headers).map(([name, value]) => ({ name, value }));
  const bytes = typeof body === "string" ? ENCODER.encode(body) : body;
  const made = { method, url, headers: pairs, body: bytes, timeoutMs, idempotencyHeader };
  return action({ tag: "request", val: made }, key);
};
