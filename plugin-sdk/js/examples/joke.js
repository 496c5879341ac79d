// Tells a joke.

import { config, log, Plugin, state } from "parlor";

const plugin = new Plugin("joke", "Tells a joke");
plugin.config("source", { help: "The address of a service that answers with a joke" });
plugin.wants("Fetches jokes from the address in `source`, if you set one", {
  http: "GET https://*",
  optional: true,
});

const LONGEST = 2_000;
const JOKES = [
  "I told my compiler a joke. It wanted to know the type first.",
  "Why did the semaphore go to the party alone? It had already let everybody else through.",
  "My keyboard has a bad space bar.Youwouldnotbelievewhatitislike.",
  "The meeting about shorter meetings has been extended.",
];

const joke = async () => {
  const last = state.conversation.text("last");
  let told = await fetched();
  if (told === undefined || told === last) {
    const others = JOKES.filter((it) => it !== last);
    told = others[Math.floor(Math.random() * others.length)];
  }
  state.conversation.set("last", told);
  return told;
};

plugin.command("/joke", { help: "Tells a joke" }, joke);
plugin.command("/bot joke", { name: "bot-joke", help: "Tells a joke" }, joke);

// One from the operator's source. Whatever fails, the plugin has its own.
const fetched = async () => {
  const source = config.get("source");
  if (source === undefined) return undefined;
  try {
    const answer = await fetch(source);
    const told = answer.ok ? words(await answer.text()) : undefined;
    if (told === undefined) log.warn("the source's answer holds no joke");
    return told;
  } catch (error) {
    log.warn(`the source does not answer: ${error}`);
    return undefined;
  }
};

// The joke in an answer: a text, or an object with `joke`, or with `setup` and `punchline`.
const words = (answer) => {
  let told = answer.trim();
  if (told.startsWith("{")) {
    const found = JSON.parse(told);
    told = found.joke ?? `${found.setup ?? ""}\n${found.punchline ?? ""}`;
  }
  return told.trim() !== "" && told.length <= LONGEST ? told : undefined;
};

export const { behaviour } = plugin;
