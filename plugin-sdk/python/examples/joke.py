"""Tells a joke."""

import random

from parlor import Plugin, config, http, log, state

plugin = Plugin("joke", "Tells a joke")
plugin.config("source", help="The address of a service that answers with a joke")
plugin.wants(
    "Fetches jokes from the address in `source`, if you set one",
    http="GET https://*",
    optional=True,
)

LONGEST = 2_000
JOKES = [
    "I told my compiler a joke. It wanted to know the type first.",
    "Why did the semaphore go to the party alone? It had already let everybody else through.",
    "My keyboard has a bad space bar.Youwouldnotbelievewhatitislike.",
    "The meeting about shorter meetings has been extended.",
]


@plugin.command("/joke", help="Tells a joke")
@plugin.command("/bot joke", name="bot-joke", help="Tells a joke")
async def joke(cx):
    last = state.conversation.text("last")
    told = await fetched()
    if told is None or told == last:
        told = random.choice([joke for joke in JOKES if joke != last])
    state.conversation.set("last", told)
    return told


async def fetched() -> str | None:
    """One from the operator's source. Whatever fails, the plugin has its own."""
    source = config.get("source")
    if source is None:
        return None
    try:
        answer = await http.fetch(source)
    except http.HttpError as error:
        log.warn(f"the source does not answer: {error.name}")
        return None
    told = words(answer) if answer.ok else None
    if told is None:
        log.warn("the source's answer holds no joke")
    return told


def words(answer) -> str | None:
    """The joke in an answer: a text, or an object with `joke`, or with `setup` and `punchline`."""
    told = answer.text.strip()
    if told.startswith("{"):
        found = answer.json()
        told = found.get("joke") or "\n".join([found.get("setup", ""), found.get("punchline", "")])
    return told if told.strip() and len(told) <= LONGEST else None


Behaviour = plugin.behaviour()
