"""Access tokens of C at a resource server built with Authlib.

Arguments: issuer, client secret of the demo clients, port of the resource server.
"""

import sys

import requests
from authlib.integrations.requests_client import OAuth2Session
from resource_server import metadata, resource_server
from flask_server import serving

issuer, secret, port = sys.argv[1:]
RESOURCE = "http://localhost:9002"
OTHER_RESOURCE = "http://localhost:9003"
as_metadata = metadata(issuer)


def client(name: str, method: str) -> OAuth2Session:
    return OAuth2Session(name, secret, token_endpoint_auth_method=method)


def access_token_for(name: str, resource: str = RESOURCE, method: str = "client_secret_basic") -> str:
    with client(name, method) as session:
        response = session.fetch_token(
            as_metadata["token_endpoint"], grant_type="client_credentials", resource=resource
        )
    assert response["token_type"] == "Bearer" and response["expires_in"] > 0, response
    return response["access_token"]


with serving(resource_server(issuer, RESOURCE, ("service-b", secret)), int(port)) as server:

    def call(path: str, token: str, method: str = "GET") -> tuple[int, dict]:
        headers = {"authorization": f"Bearer {token}"}
        response = requests.request(method, f"{server}/{path}", headers=headers, timeout=60)
        return response.status_code, response.json()

    for method in ("client_secret_basic", "client_secret_post"):
        valid = access_token_for("service-a", method=method)
        for path in ("by-signature", "by-introspection"):
            assert call(path, valid) == (200, {"client_id": "service-a"}), call(path, valid)
            assert call(path, valid, "POST")[0] == 200, call(path, valid, "POST")

    # A token with a manipulated signature.
    head, tail = valid[:-10], valid[-10:]
    tampered = head + ("A" if tail[0] != "A" else "B") + tail[1:]
    for path in ("by-signature", "by-introspection"):
        status, body = call(path, tampered)
        assert (status, body["error"]) == (401, "invalid_token"), body

    # A token with the scope resource:read only.
    reader = access_token_for("reader")
    for path in ("by-signature", "by-introspection"):
        assert call(path, reader)[0] == 200
        status, body = call(path, reader, "POST")
        assert (status, body["error"]) == (403, "insufficient_scope"), body

    # A token for another resource server.
    status, body = call("by-signature", access_token_for("service-a", OTHER_RESOURCE))
    assert (status, body["error"]) == (401, "invalid_token"), body

    # An opaque token, which only introspection can verify.
    assert call("by-introspection", access_token_for("service-a-opaque"))[0] == 200

    # A revoked token: introspection rejects it at once.
    with client("service-a", "client_secret_basic") as session:
        assert session.revoke_token(as_metadata["revocation_endpoint"], token=valid).status_code == 200
    status, body = call("by-introspection", valid)
    assert (status, body["error"]) == (401, "invalid_token"), body
