"""Says hello, and repeats what it is told."""

from parlor import Context, Plugin

plugin = Plugin("echo", "Says hello, and repeats what it is told")


@plugin.command("/echo {text...}", help="Repeats the text", text="what to repeat")
def echo(cx: Context, text: str):
    return text


@plugin.message(equals="hello")
def hello(cx: Context):
    return f"Hello {cx.first_name}"


Behaviour = plugin.behaviour()
