// {{summary}}.

import { type Context, field, form, Plugin } from "parlor";

const plugin = new Plugin("my-plugin", "{{summary}}");

// Where a platform shows no forms, the host asks the questions one by one.
plugin.command("/order", { help: "Orders lunch" }, (cx: Context) =>
  cx.reply(
    form("lunch", {
      title: "Lunch",
      fields: [
        field("dish", "Dish", { kind: "select", choices: { soup: "Soup", salad: "Salad" }, required: true }),
        field("note", "Anything else", { max: 100 }),
      ],
      submit: "Order",
    }),
  ),
);

// The host has checked every answer before it calls this; answers come by the names of their fields.
plugin.form("lunch", (cx: Context, { dish, note }) =>
  note ? `${cx.firstName} gets ${dish}, ${note}.` : `${cx.firstName} gets ${dish}.`,
);

export const { behaviour } = plugin;
