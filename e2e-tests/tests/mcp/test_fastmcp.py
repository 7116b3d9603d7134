"""FastMCP's OAuth client, unmodified, logs in for B and calls it. Argument: the URL at B.

FastMCP opens the browser that the environment variable BROWSER names.
"""

import asyncio
import os
import sys
from pathlib import Path

import httpx2
from fastmcp.client.auth import OAuth


async def main(url: str) -> None:
    async with httpx2.AsyncClient(auth=OAuth(mcp_url=url), timeout=60) as client:
        answer = await client.get(url)
        assert answer.status_code == 200, answer.text


browser = Path(__file__).with_name("browser_command.py")
os.environ["BROWSER"] = f"{sys.executable} {browser} %s &"
asyncio.run(main(sys.argv[1]))
