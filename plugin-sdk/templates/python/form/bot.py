"""{{summary}}."""

from parlor import Context, Field, Form, Plugin

plugin = Plugin("my-plugin", "{{summary}}")


# Where a platform shows no forms, the host asks the questions one by one.
@plugin.command("/order", help="Orders lunch")
def order(cx: Context):
    dish = Field(
        "dish",
        "Dish",
        kind="select",
        choices={"soup": "Soup", "salad": "Salad"},
        required=True,
    )
    note = Field("note", "Anything else", max=100)
    return cx.reply(Form("lunch", [dish, note], title="Lunch", submit="Order"))


# The host has checked every answer before it calls this; parameters are named after fields.
@plugin.form("lunch")
def ordered(cx: Context, dish: str, note: str | None):
    if note:
        return f"{cx.first_name} gets {dish}, {note}."
    return f"{cx.first_name} gets {dish}."


Behaviour = plugin.behaviour()
