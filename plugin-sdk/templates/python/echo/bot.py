"""{{summary}}."""

from parlor import Context, Plugin

plugin = Plugin("my-plugin", "{{summary}}")


# `@plugin.message(word="hello")` would hear only what has that word in it.
@plugin.message()
def echo(cx: Context):
    return cx.text


Behaviour = plugin.behaviour()
