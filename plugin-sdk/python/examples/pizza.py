"""Sends pizza when somebody asks for it."""

from parlor import Message, Plugin, join, leave

plugin = Plugin("pizza", "Sends pizza when somebody asks for it")


# "a message with the word pizza": `PIZZA?` has it, `pizzeria` has not.
@plugin.message(word="pizza")
def pizza(cx):
    return join(), Message("Pizza is on the way!").agents_only(), leave()


Behaviour = plugin.behaviour()
