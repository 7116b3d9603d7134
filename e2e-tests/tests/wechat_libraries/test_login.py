"""Login at C through its imitation of WeChat's API, with one library.

Arguments: issuer, appid, secret, port of the website, library.
"""

import sys
import tempfile
import threading
from wsgiref.simple_server import WSGIRequestHandler, make_server

from browser import Browser
from wechat_site import website

issuer, appid, secret, port, library = sys.argv[1:]
ALICE = "6f0d9e0a-3f0a-4f43-9a51-0c9a4b8f1a01"


class Silent(WSGIRequestHandler):
    def log_message(self, *arguments):
        pass


with tempfile.TemporaryDirectory() as folder:
    application = website(issuer, appid, secret, f"{folder}/db.sqlite3")
    server = make_server("127.0.0.1", int(port), application, handler_class=Silent)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    alice = Browser()
    alice.open(f"http://127.0.0.1:{port}/")
    alice.press(library)
    assert alice.page.url.startswith(f"{issuer}/login"), (alice.page.url, alice.page.text)
    alice.sign_in("alice", "wonderland")
    me = alice.press("consent-allow")
    assert me.url == f"http://127.0.0.1:{port}/me", (me.url, me.text)
    assert me.json()[library] == [[ALICE, "小爱"]], me.text
    server.shutdown()
