"""What every script gets from `main.rs`, and the login of a user at C."""

import os
import sys
from pathlib import Path

from browser import Browser
from programs import environment_trusting

FOLDER = Path(sys.argv[1])
ISSUER = sys.argv[2]
CA_FILE = sys.argv[3]
PORT = int(sys.argv[4])
ALICE = "6f0d9e0a-3f0a-4f43-9a51-0c9a4b8f1a01"
ENVIRONMENT = environment_trusting(CA_FILE)
# Also for the programs that run in this process.
os.environ.update(ENVIRONMENT)


def log_in(address: str) -> Browser:
    """Opens an address that leads to the login page of C, signs in and allows the request."""
    alice = Browser()
    alice.http.verify = CA_FILE
    alice.open(address)
    assert alice.page.url.startswith(f"{ISSUER}/login"), f"{alice.page.url}: {alice.page.text[:500]}"
    alice.sign_in("alice", "wonderland")
    assert 'id="self-registered"' in alice.page.text, alice.page.text
    alice.press("consent-allow")
    return alice
