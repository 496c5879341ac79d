"""What a bot does with Webex's community SDK, unchanged but for the address: python bot.py API TOKEN HOOK"""

import sys

from webexpythonsdk import ApiError, WebexAPI
from webexpythonsdk.models.cards import AdaptiveCard, Text, TextBlock
from webexpythonsdk.models.cards.actions import Submit


def say(*words):
    print(*words, flush=True)


def main(address, token, hook):
    api = WebexAPI(access_token=token, base_url=address)
    me = api.people.me()
    say("me", me.displayName, me.type)

    room = next(room for room in api.rooms.list(max=1) if room.title == "Desk")
    heard = [message.text for message in api.messages.list(room.id, mentionedPeople="me", max=2)]
    say("heard", len(heard), heard[-1])

    first = api.messages.create(room.id, markdown="**hello** <@personEmail:ada@example.com>")
    say("said", first.text)
    api.messages.edit(messageId=first.id, roomId=room.id, markdown="hello again")
    file = api.messages.create(room.id, text="a file", files=[__file__])
    say("file", len(file.files))
    card = AdaptiveCard(
        body=[TextBlock(text="Your name?"), Text(id="name", placeholder="Ada")],
        actions=[Submit(title="Send", data={"form": "hello"})],
    )
    asked = api.messages.create(room.id, text="a form", attachments=[card])
    say("card", asked.id)

    member = api.memberships.create(room.id, personEmail="grace@example.com")
    say("member", member.personEmail)
    try:
        api.memberships.create(room.id, personEmail="grace@example.com")
    except ApiError as error:
        say("refused", error.status_code)
    api.memberships.delete(member.id)

    made = api.webhooks.create(
        name="sdk", targetUrl=hook, resource="attachmentActions", event="created", secret="s"
    )
    say("hook", made.status)
    action = sys.stdin.readline().strip()
    say("inputs", api.attachment_actions.get(action).inputs["name"])
    api.webhooks.delete(made.id)
    api.messages.delete(first.id)
    direct = api.messages.create(toPersonEmail="heidi@example.com", text="to you")
    say("direct", direct.roomType)


if __name__ == "__main__":
    main(*sys.argv[1:4])
