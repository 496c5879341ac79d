// A plugin: what it says of itself, and which function handles what.

import { config } from "./host.js";
import { Message, message } from "./message.js";

/** Handle the event again, after so many milliseconds where given. Nothing of the call is kept. */
export class Retry extends Error {
  constructor(afterMs) {
    super("again");
    this.payload = { tag: "retry", val: afterMs === undefined ? undefined : BigInt(afterMs) };
  }
}

/** Nothing is done and nothing is wrong; the text is logged. */
export class Refused extends Error {
  constructor(text) {
    super(text);
    this.payload = { tag: "refused", val: text };
  }
}

/** It cannot be handled: the event goes to the dead letters, a fault. */
export class Failed extends Error {
  constructor(text) {
    super(text);
    this.payload = { tag: "failed", val: text };
  }
}

/** The event that is handled, and what is said about it. */
export class Context {
  constructor(event) {
    this.event = event;
  }

  /** The event's id: the same when it is handled again. */
  get id() {
    return this.event.id;
  }

  /** The bot. */
  get bot() {
    return this.event.bot;
  }

  /** Where it happened. */
  get conversation() {
    return this.event.conversation;
  }

  /** Who did it. */
  get actor() {
    return this.event.actor;
  }

  /** The actor's first name, or the name people see. */
  get firstName() {
    return this.actor?.firstName ?? this.actor?.displayName ?? "";
  }

  /** What the message says; empty where the event is no message. */
  get text() {
    return this.event.payload.val?.message?.text ?? "";
  }

  /** Tells whether the actor holds one of the operator's roles. */
  hasRole(role) {
    return this.actor?.roles.includes(role) ?? false;
  }

  /** A message to where the event came from. */
  reply(...parts) {
    return message(...parts);
  }
}

// The engine has no classes of Unicode: a letter is what has another case.
const isOfWord = (sign = "") => /[0-9_]/.test(sign) || sign.toLowerCase() !== sign.toUpperCase();

const hasWord = (wanted, text) => {
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + 1)) {
    if (!isOfWord(text[at - 1]) && !isOfWord(text[at + wanted.length])) return true;
  }
  return false;
};

const MATCHES = {
  equals: (wanted, text) => text.toLowerCase() === wanted.toLowerCase(),
  contains: (wanted, text) => text.toLowerCase().includes(wanted.toLowerCase()),
  word: (wanted, text) => hasWord(wanted.toLowerCase(), text.toLowerCase()),
  regex: (wanted, text) => new RegExp(wanted, "iu").test(text),
};

const CARRIES = {
  mention: (it) => it.mentions,
  cashtag: (it) => it.cashtags,
  hashtag: (it) => it.hashtags,
  attachment: (it) => it.attachments,
};

/** A stack with the author's own files and lines, as far as `parlor build` has told them; without the layer's. */
const where = (stack) => {
  const lines = globalThis[Symbol.for("parlor.lines")];
  if (!lines || !stack) return stack;
  const own = [];
  for (const frame of stack.split("\n")) {
    const [place, line] = /source\.js:(\d+)(?::\d+)?/.exec(frame) ?? [];
    const [file, at] = lines.at[line] ?? [];
    const name = lines.files[file];
    if (name && !name.startsWith(".parlor/")) own.push(frame.replace(place, `${name}:${at}`));
  }
  return own.length > 0 ? own.join("\n") : stack;
};

class Named {
  #exact = new Map();
  #prefixes = [];

  add(name, run) {
    if (typeof name === "string") this.#exact.set(name, run);
    else this.#prefixes.push([name.prefix, run]);
    this.#prefixes.sort(([one], [two]) => two.length - one.length);
  }

  find(name) {
    const prefixed = () => this.#prefixes.find(([prefix]) => name.startsWith(prefix))?.[1];
    return this.#exact.get(name) ?? prefixed();
  }
}

const values = (list) =>
  Object.fromEntries(
    list.map(({ name, id, value }) => [
      name ?? id,
      typeof value.val === "bigint" ? Number(value.val) : value.val,
    ]),
  );

/** Collects what a plugin does; `behaviour` is what the host calls. */
export class Plugin {
  #about;
  #platforms;
  #specs = [];
  #commands = new Map();
  #messages = [];
  #events = new Map();
  #named = {
    "form-submitted": new Named(),
    "button-pressed": new Named(),
    "timer-fired": new Named(),
    "response-received": new Named(),
    "webhook-received": new Named(),
  };
  #config = [];
  #capabilities = [];

  constructor(name, summary, about = {}) {
    const { platforms = [], version = "0.1.0", stateVersion = 1, author = "", licence = "", homepage } = about;
    this.#about = { name, version, stateVersion, summary, author, licence, homepage };
    this.#platforms = platforms;
  }

  /** A command: `/buy {quantity} {$ticker}`. `run` gets the context and the arguments by name. */
  command(pattern, options, run = options) {
    const { help = "", name, mention = "optional", hidden = false, arguments: told = {} } = options === run ? {} : options;
    const words = pattern.split(/\s+/).filter((word) => !word.startsWith("{"));
    const own = name ?? words.map((word) => word.replace(/^\//, "")).join("-");
    if (this.#commands.has(own)) {
      throw new TypeError(`two commands are named "${own}"; give one of them a name`);
    }
    this.#commands.set(own, run);
    const helps = Object.entries(told).map(([argument, what]) => ({ name: argument, help: what }));
    this.#specs.push({ name: own, pattern, mention, help, arguments: helps, hidden });
    return this;
  }

  /** Messages that have something (`{ word: "pizza" }`, `{ has: ["attachment"] }`); all where nothing is said. */
  message(filter, run = filter) {
    const { has = [], fromBots = false, ...words } = filter === run ? {} : filter;
    const keyWords = Object.entries(words).map(([match, text]) => ({ match, text }));
    const unknown = keyWords.find(({ match }) => !MATCHES[match]);
    if (unknown) throw new TypeError(`a message filter has no "${unknown.match}"`);
    this.#messages.push({ run, filter: { keyWords, has, fromBots } });
    return this;
  }

  /** Events of another kind, by the contract's name: `member-changed`, `action-failed`, … */
  on(kind, run) {
    this.#events.set(kind, run);
    return this;
  }

  /** Answers to a form, by its id or `{ prefix }`; values come by the names of its fields. */
  form(id, run) {
    this.#named["form-submitted"].add(id, run);
    return this;
  }

  /** Presses of a button: `{ id, value }`. */
  button(id, run) {
    this.#named["button-pressed"].add(id, run);
    return this;
  }

  /** Firings of a timer: `{ name, payload }`. */
  timer(name, run) {
    this.#named["timer-fired"].add(name, run);
    return this;
  }

  /** Answers of a request that the host made: `{ key, outcome }`. */
  response(key, run) {
    this.#named["response-received"].add(key, run);
    return this;
  }

  /** Calls of a webhook of the plugin's own. */
  webhook(name, run) {
    this.#named["webhook-received"].add(name, run);
    return this;
  }

  /** Declares a setting: `text`, `number`, `flag`, `duration`, `list`, or one of `choices`. */
  config(name, { kind = "text", help = "", required = false, default: value, choices } = {}) {
    const made = choices ? { tag: "choice", val: choices } : { tag: kind };
    this.#config.push({ name, kind: made, required, default: value, help });
    return this;
  }

  /** Asks for what the operator has to grant: `{ http }`, `{ action }` or `{ read }`, with a reason. */
  wants(reason, { optional = false, ...what }) {
    for (const [tag, val] of Object.entries(what)) {
      this.#capabilities.push({ what: { tag, val }, reason, optional });
    }
    return this;
  }

  /** What the host calls: `export const behaviour = plugin.behaviour;`. */
  get behaviour() {
    return {
      describe: () => this.#describe(),
      handle: (event) => this.#handle(event),
    };
  }

  #describe() {
    const kinds = [...this.#events.keys()];
    if (this.#messages.length > 0) kinds.push("message");
    const messages = this.#messages.map(({ filter }) => filter);
    return {
      ...this.#about,
      subscriptions: { kinds, platforms: this.#platforms, messages },
      commands: this.#specs,
      config: this.#config,
      capabilities: this.#capabilities,
      extras: [],
    };
  }

  async #handle(event) {
    const found = this.#find(event.payload);
    if (!found) return [];
    const [run, given] = found;
    try {
      return actions(await run(new Context(event), given));
    } catch (error) {
      if (error?.payload?.tag) throw error;
      // What has no case in the contract would end the instance; so it is told, with where it was.
      throw new Failed([error, where(error?.stack)].filter(Boolean).join("\n"));
    }
  }

  #find({ tag, val }) {
    const named = (name, given) => {
      const run = this.#named[tag].find(name);
      return run && [run, given];
    };
    switch (tag) {
      case "command": {
        const run = this.#commands.get(val.name);
        return run && [run, values(val.arguments)];
      }
      case "message": {
        const fitting = this.#messages.find(({ filter }) => fits(filter, val.message));
        return fitting && [fitting.run, values(val.arguments)];
      }
      case "form-submitted":
        return named(val.formId, values(val.values));
      case "button-pressed":
        return named(val.buttonId, { id: val.buttonId, value: val.value });
      case "timer-fired":
        return named(val.name, { name: val.name, payload: val.payload });
      case "response-received":
        return named(val.key, val);
      case "webhook-received":
        return named(val.name, val);
      default: {
        const run = this.#events.get(tag);
        return run && [run, val];
      }
    }
  }
}

/** A key word with settings in the places of `{=key}`, as the host reads it: text, unless they are a whole expression. */
const filled = ({ match, text }) => {
  const isText = match === "regex" && !/^\{=[^}]*\}$/.test(text);
  return text.replace(/\{=([\w.-]+)\}/g, (place, key) => {
    const value = config.get(key);
    if (value === undefined) return place;
    const given = [value].flat().join(" ");
    return isText ? given.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&") : given;
  });
};

const fits = ({ keyWords, has }, received) => {
  const text = received.text.trim();
  const carries = has.every((what) => CARRIES[what](received).length > 0);
  const isThere = (word) => MATCHES[word.match](filled(word), text);
  return carries && (keyWords.length === 0 || keyWords.some(isThere));
};

const actions = (reply) => {
  if (reply === undefined || reply === null) return [];
  if (Array.isArray(reply)) return reply.flatMap(actions);
  if (reply instanceof Message) return [reply.action()];
  // An action has a kind; a text or a block is said.
  return [reply.kind?.tag ? reply : message(reply).action()];
};
