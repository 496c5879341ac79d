// Shows commands, forms and timers.

import { after, field, form, Plugin, setTimer } from "parlor";

const plugin = new Plugin("activities", "Shows commands, forms and timers");

// A year; what is longer is a mistake of typing.
const LONGEST_SECONDS = 366 * 24 * 60 * 60;

plugin.command(
  "/buy {quantity} {$ticker}",
  { help: "Pretends to buy", arguments: { quantity: "how many", ticker: "of what, as a cashtag" } },
  (cx, { quantity, ticker }) => `Buy ${quantity} of ${ticker.ticker}`,
);

plugin.command("/form", { help: "Asks for your name" }, (cx) =>
  cx.reply(
    form("hello-form", {
      title: "Hello form",
      fields: [field("name", "Your name", { required: true, max: 100, placeholder: "Enter a name here" })],
      submit: "Submit",
    }),
  ),
);

plugin.form("hello-form", (cx, { name }) => `Hello, ${name}`);

plugin.command(
  "/remind {seconds:int} {text...}",
  { help: "Reminds you later", arguments: { seconds: "in how many seconds", text: "of what" } },
  (cx, { seconds, text }) => {
    if (seconds < 1 || seconds > LONGEST_SECONDS) return "A reminder takes 1 second to 366 days.";
    // The event's id is the same when the event is handled again: still one reminder.
    return [`I will remind you in ${seconds} s`, setTimer(`remind:${cx.id}`, after(seconds), text)];
  },
);

plugin.timer({ prefix: "remind:" }, (cx, { payload }) => payload);

export const { behaviour } = plugin;
