# Every recipe of the cookbook as one plugin: a component of Python takes seconds to make.
# What imports them stands above.

from wit_world.exports import Behaviour as Exported
from wit_world.imports import description as wit


class Behaviour(Exported):
    def describe(self):
        said = [recipe.describe() for recipe in recipes]

        def all_of(field):
            return [it for one in said for it in getattr(one, field)]

        def heard(field):
            return [it for one in said for it in getattr(one.subscriptions, field)]

        names = [command.name for command in all_of("commands")]
        doubled = {name for name in names if names.count(name) > 1}
        if doubled:
            raise TypeError(f"two recipes have the command {doubled}")
        return wit.Description(
            name="book",
            version="0.1.0",
            state_version=1,
            summary="Every recipe of the cookbook",
            author="",
            licence="",
            homepage=None,
            subscriptions=wit.Subscriptions(list(dict.fromkeys(heard("kinds"))), [], heard("messages")),
            commands=all_of("commands"),
            config=all_of("config"),
            capabilities=all_of("capabilities"),
            extras=[],
        )

    def handle(self, event):
        for recipe in recipes:
            actions = recipe.handle(event)
            if actions:
                return actions
        return []
