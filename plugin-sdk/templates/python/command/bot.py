"""{{summary}}."""

import random

from parlor import Context, Plugin

plugin = Plugin("my-plugin", "{{summary}}")


# `{whom...}` takes the rest of the line.
@plugin.command("/greet {whom...}", help="Greets somebody", whom="who is greeted")
def greet(cx: Context, whom: str):
    return f"Hello, {whom}!"


# The host refuses what is no whole number and says how the command is used; `sides` is one.
@plugin.command("/roll {sides:int}", help="Rolls a die", sides="how many sides it has")
def roll(cx: Context, sides: int):
    if sides < 2:
        return "A die has at least two sides."
    return f"{cx.first_name} rolled {random.randint(1, sides)}."


Behaviour = plugin.behaviour()
