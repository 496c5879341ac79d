// {{summary}}.

import { after, type Context, Plugin, setTimer } from "parlor";

const plugin = new Plugin("my-plugin", "{{summary}}");

// A year; what is longer is a mistake of typing.
const LONGEST_MINUTES = 366 * 24 * 60;

plugin.command(
  "/remind {minutes:int} {text...}",
  { help: "Reminds you later", arguments: { minutes: "in how many minutes", text: "of what" } },
  (cx: Context, { minutes, text }: { minutes: number; text: string }) => {
    if (minutes < 1 || minutes > LONGEST_MINUTES) return "A reminder takes 1 minute to 366 days.";
    // The number stays the same when an event is handled again: still one reminder.
    const timer = setTimer(`remind:${cx.event.sequence}`, after(minutes * 60), text);
    return [`I will remind you in ${minutes} min.`, timer];
  },
);

// Timers are kept by the host: they fire after a restart, too.
plugin.timer({ prefix: "remind:" }, (cx, { payload }) => payload);

export const { behaviour } = plugin;
