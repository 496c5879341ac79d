"""{{summary}}."""

from parlor import Context, Plugin, after, set_timer

plugin = Plugin("my-plugin", "{{summary}}")

# A year; what is longer is a mistake of typing.
LONGEST_MINUTES = 366 * 24 * 60


@plugin.command(
    "/remind {minutes:int} {text...}",
    help="Reminds you later",
    minutes="in how many minutes",
    text="of what",
)
def remind(cx: Context, minutes: int, text: str):
    if not 1 <= minutes <= LONGEST_MINUTES:
        return "A reminder takes 1 minute to 366 days."
    # The number stays the same when an event is handled again: still one reminder.
    timer = set_timer(f"remind:{cx.event.sequence}", after(minutes * 60), text)
    return f"I will remind you in {minutes} min.", timer


# Timers are kept by the host: they fire after a restart, too.
@plugin.timer(prefix="remind:")
def due(cx: Context, payload: str):
    return payload


Behaviour = plugin.behaviour()
