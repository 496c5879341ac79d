// Sends pizza when somebody asks for it.

import { join, leave, message, Plugin } from "parlor";

const plugin = new Plugin("pizza", "Sends pizza when somebody asks for it");

// "a message with the word pizza": `PIZZA?` has it, `pizzeria` has not.
plugin.message({ word: "pizza" }, () => [
  join(),
  message("Pizza is on the way!").agentsOnly(),
  leave(),
]);

export const { behaviour } = plugin;
