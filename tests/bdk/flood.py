"""A bot of the official Python BDK in a flood; only its configuration is ours.

    python flood.py config.yaml answer
    python flood.py config.yaml count N

Repeats what `/echo` is told, as an activity of its own; or, with `count`, only counts the messages that a listener
gets, and prints `first` at the first and `all` when N more have come. It prints `ready` before it reads its feed.
"""

import asyncio
import sys

from symphony.bdk.core.config.loader import BdkConfigLoader
from symphony.bdk.core.service.datafeed.real_time_event_listener import RealTimeEventListener
from symphony.bdk.core.symphony_bdk import SymphonyBdk


class Counter(RealTimeEventListener):
    def __init__(self, wanted):
        self.wanted = wanted
        self.heard = 0

    async def on_message_sent(self, initiator, event):
        self.heard += 1
        if self.heard == 1:
            print("first", flush=True)
        if self.heard == self.wanted + 1:
            print("all", flush=True)


async def run(path, mode, wanted):
    async with SymphonyBdk(BdkConfigLoader.load_from_file(path)) as bdk:
        if mode == "count":
            bdk.datafeed().subscribe(Counter(wanted))
        else:
            messages = bdk.messages()

            @bdk.activities().slash("/echo {text}", False)
            async def echo(context):
                text = context.arguments.get("text")
                await messages.send_message(context.stream_id, f"<messageML>{text}</messageML>")

        print("ready", flush=True)
        await bdk.datafeed().start()


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 0))
