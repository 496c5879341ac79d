"""The pizza bot by the official Python SDK, which knows nothing of the simulator but its address.

    bot.py LINE CA

LINE is a file with the line that the simulator prints, CA the file of its authority.
"""

import base64
import json
import queue
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from livechat.agent import AgentWeb
from livechat.configuration import ConfigurationApi
from livechat.utils.structures import AccessToken, TokenType
from livechat.webhooks.parser import parse_webhook

SECRET = "s3cr3t"
heard = queue.Queue()


class Webhooks(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(200)
        self.end_headers()
        heard.put(body)

    def log_message(self, *_):
        pass


def good(response):
    if response.status_code != 200:
        raise SystemExit(f"{response.request.url}: {response.status_code} {response.text}")
    return response.json() if response.content else None


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        line = json.load(file)
    bot = line["bot"]
    options = {
        "base_url": urlsplit(line["base_url"]).netloc,
        "verify": ssl.create_default_context(cafile=sys.argv[2]),
        "disable_logging": True,
    }
    server = ThreadingHTTPServer(("127.0.0.1", 0), Webhooks)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/webhook"

    pair = base64.b64encode(f"{bot['account_id']}:{bot['pat']}".encode()).decode()
    token = AccessToken(token=pair, scheme=TokenType.BASIC)
    settings = ConfigurationApi.get_client(token, **options)
    owner = AgentWeb.get_client(token, **options)
    made = good(
        settings.create_bot(
            name="SDK bot",
            groups=[{"id": 0, "priority": "supervisor"}],
            owner_client_id=bot["client_id"],
        )
    )
    for action in ["incoming_chat", "incoming_event", "user_added_to_chat", "chat_deactivated"]:
        good(
            settings.register_webhook(
                action=action,
                secret_key=SECRET,
                url=url,
                owner_client_id=bot["client_id"],
                type="bot",
            )
        )
    good(owner.set_routing_status(status="not_accepting_chats", agent_id=made["id"]))
    issued = good(
        settings.issue_bot_token(
            bot_id=made["id"],
            bot_secret=made["secret"],
            organization_id=bot["organization_id"],
            client_id=bot["client_id"],
        )
    )
    own = AgentWeb.get_client(f"Bearer {issued['token']}", **options)
    print("ready", flush=True)
    while True:
        # Refuses what has another field than the documents say.
        webhook = parse_webhook(heard.get(timeout=60))
        assert webhook.secret_key == SECRET
        payload = webhook.payload
        if webhook.action == "incoming_chat":
            chat, events = payload.chat["id"], payload.chat["thread"]["events"]
        elif webhook.action == "incoming_event":
            chat, events = payload.chat_id, [payload.event]
        else:
            print(webhook.action, flush=True)
            continue
        texts = [event.get("text", "") for event in events]
        if not any("pizza" in text for text in texts):
            continue
        who = {"chat_id": chat, "user_id": made["id"], "user_type": "agent"}
        good(owner.add_user_to_chat(**who, visibility="agents", ignore_requester_presence=True))
        event = {"type": "message", "text": "On its way", "visibility": "agents"}
        good(own.send_event(chat_id=chat, event=event))
        good(own.remove_user_from_chat(**who))
        found = good(owner.get_chat(chat_id=chat))
        listed = good(owner.list_chats(limit=1))
        print("answered", found["id"] == chat, listed["found_chats"], flush=True)


main()
