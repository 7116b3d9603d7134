"""The page of a guide, laid out in a folder by `main.rs`.

Arguments of every script: the folder with the files of the page, the issuer, the certificate of the
development CA or an empty string, and the ports that replace those of the page (`5000=23817`).
"""

import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import programs
import requests
from browser import Browser
from programs import environment_trusting, wait_for

FOLDER = Path(sys.argv[1])
ISSUER = sys.argv[2]
CA_FILE = sys.argv[3]
PORTS = dict(pair.split("=") for pair in sys.argv[4:])
ALICE = "6f0d9e0a-3f0a-4f43-9a51-0c9a4b8f1a01"
ENVIRONMENT = environment_trusting(CA_FILE)


def url(port: int, path: str = "") -> str:
    """Returns a URL on a port of the page."""
    return f"http://localhost:{PORTS[str(port)]}{path}"


def run(command: str) -> str:
    """Runs a command in the folder and returns its output."""
    done = subprocess.run(
        ["bash", "-euc", command], cwd=FOLDER, env=ENVIRONMENT, text=True, capture_output=True, timeout=600
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def run_block(title: str) -> str:
    """Runs the command in the page's block with this title."""
    return run((FOLDER / title).read_text())


def background(command: str, name: str = "output"):
    """Runs a command in the folder, in the background until the end of the `with` statement."""
    return programs.background(command, FOLDER, ENVIRONMENT, name)


@contextmanager
def started(title: str, port: int):
    """Runs the server in the block with this title, from when it accepts connections."""
    with background((FOLDER / title).read_text(), title) as server:
        wait_for(lambda: is_listening(port), f"listener on {port}", server)
        yield


def is_listening(port: int) -> bool:
    return programs.is_listening(int(PORTS[str(port)]))


def new_browser() -> Browser:
    browser = Browser()
    if CA_FILE:
        browser.http.verify = CA_FILE
    return browser


def log_in(address: str, consent: bool = True) -> Browser:
    """Opens an address that leads to the login page of C, and signs in."""
    alice = new_browser()
    alice.open(address)
    assert alice.page.url.startswith(f"{ISSUER}/login"), f"{alice.page.url}: {alice.page.text[:500]}"
    alice.sign_in("alice", "wonderland")
    if consent:
        alice.press("consent-allow")
    return alice


def access_token(client_id: str, client_secret: str, **more: str) -> str:
    """Requests an access token with the client credentials grant."""
    response = requests.post(
        f"{ISSUER}/oauth/token",
        data={"grant_type": "client_credentials"} | more,
        auth=(client_id, client_secret),
        verify=CA_FILE or True,
        timeout=60,
    )
    assert response.ok, response.text
    return response.json()["access_token"]


def call(address: str, token: str | None, method: str = "GET") -> requests.Response:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return requests.request(method, address, headers=headers, timeout=60)


def tampered(token: str) -> str:
    """Returns the token with one changed character in its signature."""
    head, tail = token[:-10], token[-10:]
    return head + ("A" if tail[0] != "A" else "B") + tail[1:]
