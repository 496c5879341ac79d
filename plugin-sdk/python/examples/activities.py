"""Shows commands, forms and timers."""

from parlor import Field, Form, Plugin, after, set_timer

plugin = Plugin("activities", "Shows commands, forms and timers")

# A year; what is longer is a mistake of typing.
LONGEST_SECONDS = 366 * 24 * 60 * 60


@plugin.command(
    "/buy {quantity} {$ticker}",
    help="Pretends to buy",
    quantity="how many",
    ticker="of what, as a cashtag",
)
def buy(cx, quantity, ticker):
    return f"Buy {quantity} of {ticker.ticker}"


@plugin.command("/form", help="Asks for your name")
def form(cx):
    name = Field("name", "Your name", required=True, max=100, placeholder="Enter a name here")
    return cx.reply(Form("hello-form", [name], title="Hello form", submit="Submit"))


@plugin.form("hello-form")
def hello(cx, name):
    return f"Hello, {name}"


@plugin.command(
    "/remind {seconds:int} {text...}",
    help="Reminds you later",
    seconds="in how many seconds",
    text="of what",
)
def remind(cx, seconds, text):
    if not 1 <= seconds <= LONGEST_SECONDS:
        return "A reminder takes 1 second to 366 days."
    # The event's id is the same when the event is handled again: still one reminder.
    timer = set_timer(f"remind:{cx.id}", after(seconds), text)
    return f"I will remind you in {seconds} s", timer


@plugin.timer(prefix="remind:")
def due(cx, payload):
    return payload


Behaviour = plugin.behaviour()
