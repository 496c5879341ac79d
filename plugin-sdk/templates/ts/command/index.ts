// {{summary}}.

import { type Context, Plugin } from "parlor";

const plugin = new Plugin("my-plugin", "{{summary}}");

// `{whom...}` takes the rest of the line.
plugin.command(
  "/greet {whom...}",
  { help: "Greets somebody", arguments: { whom: "who is greeted" } },
  (cx: Context, { whom }: { whom: string }) => `Hello, ${whom}!`,
);

// The host refuses what is no whole number and says how the command is used; `sides` is one.
plugin.command(
  "/roll {sides:int}",
  { help: "Rolls a die", arguments: { sides: "how many sides it has" } },
  (cx: Context, { sides }: { sides: number }) => {
    if (sides < 2) return "A die has at least two sides.";
    const rolled = 1 + Math.floor(Math.random() * sides);
    return `${cx.firstName} rolled ${rolled}.`;
  },
);

export const { behaviour } = plugin;
