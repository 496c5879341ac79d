// Shows what a message can hold.

import { emoji, heading, link, paragraph, Plugin, table } from "parlor";

const plugin = new Plugin("complex-message", "Shows what a message can hold");

// `(up)` and `(dn)` are plain text: LSEG Messenger shows them as arrows, others as they are.
const suppliers = table({
  header: ["Supplier", "Region", "Orders", "Late", "Score", "Trend"],
  align: "llrrrl",
  rows: [
    ["Alder & Sons", "North", "412", "9", "87.5", "(up)"],
    ["Birch Ltd", "West", "198", "31", "61.0", "(dn)"],
    ["Cedar Works", "South", "305", "12", "79.2", "steady"],
  ],
});

plugin.command("/complex_message", { help: "Sends a message with a table", name: "complex-message" }, (cx) =>
  cx.reply(
    heading(2, "Assessment of three suppliers"),
    suppliers,
    paragraph("Read the ", link("whole assessment", "https://example.com/assessment"), " ", emoji("coffee")),
  ),
);

export const { behaviour } = plugin;
