// Says hello, and repeats what it is told.

import { Plugin } from "parlor";

const plugin = new Plugin("echo", "Says hello, and repeats what it is told");

plugin.command(
  "/echo {text...}",
  { help: "Repeats the text", arguments: { text: "what to repeat" } },
  (cx, { text }) => text,
);

plugin.message({ equals: "hello" }, (cx) => `Hello ${cx.firstName}`);

export const { behaviour } = plugin;
