"""{{summary}}."""

from parlor import Context, Plugin, config, http, log

SOURCE = "https://icanhazdadjoke.com/"

# What a plugin reaches is granted by whoever runs it: see `my-plugin.toml`.
plugin = Plugin("my-plugin", "{{summary}}")
plugin.config("source", default=SOURCE, help="The service that is asked")
plugin.wants(
    "Fetches the jokes from there, or from the address in `source`",
    http=f"GET {SOURCE}",
)


@plugin.command("/joke", help="Tells a joke")
async def joke(cx: Context):
    source = str(config.get("source") or SOURCE)
    try:
        answer = await http.fetch(source, headers={"accept": "text/plain"})
    except http.HttpError as error:
        return no_joke(error.name)
    return answer.text.strip() if answer.ok else no_joke(f"the status is {answer.status}")


def no_joke(why: str) -> str:
    log.warn(f"no joke: {why}")
    return "There is no joke to be had now."


Behaviour = plugin.behaviour()
