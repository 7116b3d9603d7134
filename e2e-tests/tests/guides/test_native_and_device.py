"""docs/guides/native-and-device.md"""

import json

from guide import ALICE, ENVIRONMENT, FOLDER, ISSUER, background, log_in, new_browser, run_block, wait_for

# The program opens its user's browser: `webbrowser` runs $BROWSER.
opener = FOLDER / "open-browser"
opener.write_text('#!/bin/sh\nprintf %s "$1" >"$0.part" && mv "$0.part" "$0.url"\n')
opener.chmod(0o755)
ENVIRONMENT["BROWSER"] = f"{opener} %s"
if ISSUER.startswith("http:"):
    ENVIRONMENT["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
with background("exec python3 native.py") as program:
    opened = FOLDER / "open-browser.url"
    wait_for(opened.exists, "browser", program)
    alice = log_in(opened.read_text())
    assert "completed" in alice.page.text, alice.page.text
    assert program.wait(60) == 0
printed = (FOLDER / "output.log").read_text()
assert f"{ALICE} alice@example.com refresh token" in printed, printed

device = json.loads(run_block("request-code"))
alice = new_browser()
alice.open(device["verification_uri_complete"])
alice.press("device-submit", user_code=device["user_code"])
alice.sign_in("alice", "wonderland")
alice.press("device-submit", user_code=device["user_code"])
alice.press("device-allow")
ENVIRONMENT["DEVICE_CODE"] = device["device_code"]
tokens = json.loads(run_block("poll"))
assert tokens["access_token"] and tokens["id_token"], tokens
