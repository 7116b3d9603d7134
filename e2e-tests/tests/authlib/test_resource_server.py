"""Passes of C at a resource server that nobody of this project wrote. Arguments: issuer, the demo's secret, the server's port."""

import sys

import requests
from authlib.integrations.requests_client import OAuth2Session
from resource_server import metadata, resource_server
from flask_server import serving

issuer, secret, port = sys.argv[1:]
RESOURCE = "http://localhost:9002"
ANOTHER = "http://localhost:9003"
known = metadata(issuer)


def client(name: str, method: str) -> OAuth2Session:
    return OAuth2Session(name, secret, token_endpoint_auth_method=method)


def pass_of(name: str, resource: str = RESOURCE, method: str = "client_secret_basic") -> str:
    with client(name, method) as session:
        answer = session.fetch_token(known["token_endpoint"], grant_type="client_credentials", resource=resource)
    assert answer["token_type"] == "Bearer" and answer["expires_in"] > 0, answer
    return answer["access_token"]


with serving(resource_server(issuer, RESOURCE, ("service-b", secret)), int(port)) as server:

    def show(door: str, shown: str, method: str = "GET") -> tuple[int, dict]:
        bearer = {"authorization": f"Bearer {shown}"}
        answer = requests.request(method, f"{server}/{door}", headers=bearer, timeout=60)
        return answer.status_code, answer.json()

    for method in ("client_secret_basic", "client_secret_post"):
        good = pass_of("service-a", method=method)
        for door in ("by-signature", "by-asking"):
            assert show(door, good) == (200, {"client_id": "service-a"}), show(door, good)
            assert show(door, good, "POST")[0] == 200, show(door, good, "POST")

    # Changed on the way.
    begin, end = good[:-10], good[-10:]
    changed = begin + ("A" if end[0] != "A" else "B") + end[1:]
    for door in ("by-signature", "by-asking"):
        status, answer = show(door, changed)
        assert (status, answer["error"]) == (401, "invalid_token"), answer

    # It may read, and no more.
    reader = pass_of("reader")
    for door in ("by-signature", "by-asking"):
        assert show(door, reader)[0] == 200
        status, answer = show(door, reader, "POST")
        assert (status, answer["error"]) == (403, "insufficient_scope"), answer

    # For another door.
    status, answer = show("by-signature", pass_of("service-a", ANOTHER))
    assert (status, answer["error"]) == (401, "invalid_token"), answer

    # A pass that only C can read.
    assert show("by-asking", pass_of("service-a-opaque"))[0] == 200

    # Taken back: who asks knows at once.
    with client("service-a", "client_secret_basic") as session:
        assert session.revoke_token(known["revocation_endpoint"], token=good).status_code == 200
    status, answer = show("by-asking", good)
    assert (status, answer["error"]) == (401, "invalid_token"), answer
