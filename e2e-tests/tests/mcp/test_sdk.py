"""An MCP client of the official Python SDK, unmodified, logs in for B and calls it.

Arguments: the URL at B. The SDK registers itself, or identifies itself by the client ID metadata
document whose URL is the second argument; certificate and key for its host are the others.
"""

import asyncio
import sys
from importlib.metadata import version

from browser import Browser
from callback import Callback
from document import publish
from mcp.client.auth import OAuthClientProvider
from mcp.shared.auth import OAuthClientMetadata

if version("mcp").startswith("1."):
    import httpx as http

    def result(code, state, iss):
        return code, state
else:
    import httpx2 as http
    from mcp.shared.auth import AuthorizationCodeResult

    def result(code, state, iss):
        return AuthorizationCodeResult(code=code, state=state, iss=iss)


class Storage:
    """Keeps tokens and the registration in memory."""

    tokens = client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


async def main(url: str, document: str | None) -> None:
    callback, storage = Callback(), Storage()

    async def open_browser(address: str) -> None:
        await asyncio.to_thread(log_in, address)

    async def wait_for_callback():
        query = callback.query()
        return result(query["code"], query.get("state"), query.get("iss"))

    provider = OAuthClientProvider(
        server_url=url,
        client_metadata=OAuthClientMetadata(redirect_uris=[callback.url], client_name="SDK"),
        storage=storage,
        redirect_handler=open_browser,
        callback_handler=wait_for_callback,
        client_metadata_url=document,
    )
    async with http.AsyncClient(auth=provider, timeout=60) as client:
        answer = await client.get(url)
        assert answer.status_code == 200, answer.text
        first = storage.tokens
        assert first.refresh_token and "resource:read" in first.scope, first
        # The SDK renews an access token that it believes to be expired.
        provider.context.token_expiry_time = 1.0
        answer = await client.get(url)
        assert answer.status_code == 200, answer.text
        assert storage.tokens.access_token != first.access_token
    if document:
        assert storage.client.client_id == document, storage.client
    else:
        assert storage.client.client_id.startswith("gpci_"), storage.client


def log_in(address: str) -> None:
    browser = Browser()
    browser.open(address)
    browser.sign_in("alice", "wonderland")
    browser.press("consent-allow")


url, *website = sys.argv[1:]
if website:
    publish(*website)
asyncio.run(main(url, website[0] if website else None))
