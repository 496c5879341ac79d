// {{summary}}.

import { config, log, Plugin } from "parlor";

const SOURCE = "https://icanhazdadjoke.com/";

// What a plugin reaches is granted by whoever runs it: see `my-plugin.toml`.
const plugin = new Plugin("my-plugin", "{{summary}}");
plugin.config("source", { default: SOURCE, help: "The service that is asked" });
plugin.wants("Fetches the jokes from there, or from the address in `source`", { http: `GET ${SOURCE}` });

plugin.command("/joke", { help: "Tells a joke" }, async () => {
  try {
    return await fetched();
  } catch (error) {
    log.warn(`no joke: ${error}`);
    return "There is no joke to be had now.";
  }
});

const fetched = async (): Promise<string> => {
  const source = config.get("source") ?? SOURCE;
  const answer = await fetch(source, { headers: { accept: "text/plain" } });
  if (!answer.ok) throw new Error(`the status is ${answer.status}`);
  return (await answer.text()).trim();
};

export const { behaviour } = plugin;
