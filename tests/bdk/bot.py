"""A bot of the official Python BDK, as its documentation writes one; only its configuration is ours.

    python bot.py config.yaml

Answers `/hello` (mention needed), `/buy {quantity} {$ticker}`, `/form` and what is filled into that, and looks around
at `/rooms`. It prints `ready` once its feed is read, and then one line for each thing it did.
"""

import asyncio
import sys

from symphony.bdk.core.activity.form import FormReplyActivity, FormReplyContext
from symphony.bdk.core.config.loader import BdkConfigLoader
from symphony.bdk.core.service.message.message_parser import get_cashtags
from symphony.bdk.core.service.message.model import Message
from symphony.bdk.core.symphony_bdk import SymphonyBdk

FORM = """<messageML><h2>Hello Form</h2>
<form id="hello-form"><text-field name="name" placeholder="Enter a name here..."/>
<button name="submit" type="action">Submit</button></form></messageML>"""


def did(what):
    print(what, flush=True)


class HelloForm(FormReplyActivity):
    def __init__(self, messages):
        self.messages = messages

    def matches(self, context: FormReplyContext) -> bool:
        return context.form_id == "hello-form" and context.get_form_value("action") == "submit"

    async def on_activity(self, context: FormReplyContext):
        name = context.get_form_value("name")
        await self.messages.send_message(
            context.source_event.stream.stream_id, f"<messageML>Hello <b>{name}</b>!</messageML>"
        )
        did("form")


async def run(path):
    async with SymphonyBdk(BdkConfigLoader.load_from_file(path)) as bdk:
        messages = bdk.messages()
        activities = bdk.activities()

        @activities.slash("/hello")
        async def hello(context):
            sent = await messages.send_message(context.stream_id, "<messageML>one moment</messageML>")
            await messages.update_message(
                sent.stream.stream_id, sent.message_id, "<messageML>Hello <b>there</b></messageML>"
            )
            did("hello")

        @activities.slash("/buy {quantity} {$ticker}", False)
        async def buy(context):
            ticker = context.arguments.get("ticker").value
            quantity = context.arguments.get("quantity")
            assert get_cashtags(context.source_event.message) == [ticker]
            with open(__file__, "rb") as file:
                await messages.send_message(
                    context.stream_id,
                    Message(
                        content=f'<messageML>bought {quantity} of <cash tag="{ticker}"/></messageML>',
                        attachments=[file],
                    ),
                )
            did("buy")

        @activities.slash("/form", False)
        async def form(context):
            await messages.send_message(context.stream_id, FORM)
            did("asked")

        @activities.slash("/rooms", False)
        async def rooms(context):
            session = await bdk.sessions().get_session()
            room = await bdk.streams().get_stream(context.stream_id)
            found = await bdk.users().list_users_by_ids([session.id])
            members = await bdk.streams().list_room_members(context.stream_id)
            health = await bdk.health().health_check()
            history = await messages.list_messages(context.stream_id, since=0)
            did(
                f"rooms {room.stream_type.type} {found.users[0].username} {len(members)}"
                f" {health.status.value} {len(history)}"
            )

        activities.register(HelloForm(messages))
        reading = asyncio.create_task(bdk.datafeed().start())
        await asyncio.sleep(0)
        did("ready")
        await reading


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1]))
