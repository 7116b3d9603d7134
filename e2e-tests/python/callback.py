"""The redirect URI of a native app: a server on a free loopback port."""

from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Queue
from threading import Thread
from urllib.parse import parse_qsl, urlsplit


class Callback:
    def __init__(self):
        self._queries: Queue[dict[str, str]] = Queue()
        queries = self._queries

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                queries.put(dict(parse_qsl(urlsplit(self.path).query)))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *arguments):
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{server.server_port}/callback"

    def query(self) -> dict[str, str]:
        """Waits for the redirect and returns its parameters."""
        return self._queries.get(timeout=60)
