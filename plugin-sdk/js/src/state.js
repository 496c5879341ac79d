// What a plugin remembers: kept together with the actions of the call, or not at all.

import * as host from "parlor:bot/state@0.1.0";

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();

class Scope {
  #scope;

  constructor(scope) {
    this.#scope = scope;
  }

  /** The bytes of a value; undefined where there is none. */
  bytes(key) {
    return host.get(this.#scope, key);
  }

  /** A value as text. */
  text(key) {
    const found = this.bytes(key);
    return found && DECODER.decode(found);
  }

  /** A value that `add` counts; 0 where there is none. */
  integer(key) {
    return Number(this.text(key) ?? 0);
  }

  /** A value that `setJson` wrote. */
  json(key, otherwise) {
    const found = this.text(key);
    return found === undefined ? otherwise : JSON.parse(found);
  }

  /** Sets a value, for ever or for so many milliseconds. */
  set(key, value, ttlMs) {
    const bytes = typeof value === "string" ? ENCODER.encode(value) : value;
    host.set(this.#scope, key, bytes, ttlMs === undefined ? undefined : BigInt(ttlMs));
  }

  /** Sets a value of lists, objects, texts and numbers. */
  setJson(key, value, ttlMs) {
    this.set(key, JSON.stringify(value), ttlMs);
  }

  /** Adds to a number without reading it, so that many calls can at one time. */
  add(key, delta = 1) {
    host.add(this.#scope, key, BigInt(delta));
  }

  /** Deletes a value; one that is not there is no error. */
  delete(key) {
    host.delete(this.#scope, key);
  }

  /** The keys that begin with a prefix, in order. */
  *keys(prefix = "") {
    let after;
    for (;;) {
      const page = host.keys(this.#scope, prefix, after);
      if (page.length === 0) return;
      yield* page;
      after = page.at(-1);
    }
  }
}

/** The values of the plugin, of the event's conversation, of the event's person. */
export const state = {
  plugin: new Scope("plugin"),
  conversation: new Scope("conversation"),
  user: new Scope("user"),
};
