// The operator's settings and log.

import * as settings from "parlor:bot/config@0.1.0";
import * as lines from "parlor:bot/log@0.1.0";

/** What the operator set. */
export const config = {
  /** A setting: text, number, flag, milliseconds or texts; undefined where it has no value. */
  get(key) {
    const found = settings.get(key);
    return typeof found?.val === "bigint" ? Number(found.val) : found?.val;
  },
  /** What this plugin may use, each as it is enforced. */
  limits: () => settings.enforced(),
};

/** Lines for the operator's log. */
export const log = Object.fromEntries(
  ["trace", "debug", "info", "warn", "error"].map((level) => [
    level,
    (line) => lines.write(level, String(line)),
  ]),
);
