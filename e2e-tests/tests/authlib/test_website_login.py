"""Login at C to a website built with Authlib.

Arguments: issuer, client id, client secret, port of the website.
"""

import sys

from browser import Browser
from flask_server import serving
from website import website

issuer, client_id, client_secret, port = sys.argv[1:]
ALICE = "6f0d9e0a-3f0a-4f43-9a51-0c9a4b8f1a01"

with serving(website(issuer, client_id, client_secret), int(port)) as site:
    alice = Browser()

    # The user cancels the login.
    alice.open(f"{site}/login")
    assert alice.page.url.startswith(f"{issuer}/login"), alice.page.url
    response = alice.press("login-cancel", username="", password="")
    assert (response.status_code, response.json()) == (400, {"error": "access_denied"}), response.text

    # The first login needs consent.
    alice.open(f"{site}/login")
    alice.sign_in("alice", "wonderland")
    claims = alice.press("consent-allow").json()
    assert (claims["iss"], claims["sub"], claims["aud"]) == (issuer, ALICE, client_id), claims
    assert claims["nonce"] and claims["at_hash"], claims

    # Userinfo.
    me = alice.open(f"{site}/me").json()
    assert (me["sub"], me["nickname"], me["email"]) == (ALICE, "小爱", "alice@example.com"), me
    assert me["email_verified"] is True and isinstance(me["updated_at"], int), me

    # Refresh twice: each refresh token can be used once.
    for _ in range(2):
        refreshed = alice.open(f"{site}/refresh").json()
        assert refreshed["access_token"] and refreshed["refresh_token"], refreshed
        assert refreshed["id_token"]["sub"] == ALICE, refreshed
        assert refreshed["id_token"]["auth_time"] == claims["auth_time"], refreshed
    assert alice.open(f"{site}/me").json()["sub"] == ALICE

    # Later logins need no interaction, so prompt=none succeeds as well.
    assert alice.open(f"{site}/login").json()["sub"] == ALICE
    assert alice.open(f"{site}/login/silent").json()["sub"] == ALICE

    # An authorization response that this browser did not request (CSRF, RFC 6749 §10.12).
    forged = alice.open(f"{site}/callback?code=stolen&state=forged&iss={issuer}")
    assert forged.json()["error"] == "mismatching_state", forged.text

    # Logout ends the sessions at the website and at C.
    alice.open(f"{site}/logout")
    assert alice.page.text == "logged out" and alice.page.url.startswith(f"{site}/logged-out"), alice.page.url
    assert alice.open(f"{site}/login/silent").json() == {"error": "login_required"}
