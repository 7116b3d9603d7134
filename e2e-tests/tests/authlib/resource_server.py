"""A resource server with Flask and unmodified Authlib.

It verifies access tokens locally below /by-signature, and by introspection below /by-introspection.
"""

import requests
from authlib.integrations.flask_oauth2 import ResourceProtector, current_token
from authlib.oauth2.rfc7662 import IntrospectTokenValidator
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from flask import Flask, jsonify


def metadata(issuer: str) -> dict:
    """Fetches the authorization server metadata (RFC 8414)."""
    return requests.get(f"{issuer}/.well-known/oauth-authorization-server", timeout=60).json()


class LocalValidator(JWTBearerTokenValidator):
    """Verifies JWT access tokens with the keys of the issuer (RFC 9068)."""

    def get_jwks(self):
        return requests.get(metadata(self.issuer)["jwks_uri"], timeout=60).json()


class IntrospectionValidator(IntrospectTokenValidator):
    """Introspects access tokens at the issuer (RFC 7662)."""

    def __init__(self, issuer: str, credentials: tuple[str, str], resource: str):
        super().__init__()
        self.issuer, self.credentials, self.resource = issuer, credentials, resource

    def introspect_token(self, token_string):
        endpoint = metadata(self.issuer)["introspection_endpoint"]
        response = requests.post(endpoint, data={"token": token_string}, auth=self.credentials, timeout=60)
        response.raise_for_status()
        return response.json()


def resource_server(issuer: str, resource: str, credentials: tuple[str, str]) -> Flask:
    app = Flask(__name__)
    local, introspection = ResourceProtector(), ResourceProtector()
    local.register_token_validator(LocalValidator(issuer=issuer, resource_server=resource))
    introspection.register_token_validator(IntrospectionValidator(issuer, credentials, resource))

    @app.get("/by-signature")
    @local("resource:read")
    def local_read():
        return jsonify(client_id=current_token["client_id"])

    @app.post("/by-signature")
    @local("resource:write")
    def local_write():
        return jsonify(client_id=current_token["client_id"])

    @app.get("/by-introspection")
    @introspection("resource:read")
    def introspected_read():
        return jsonify(client_id=current_token["client_id"])

    @app.post("/by-introspection")
    @introspection("resource:write")
    def introspected_write():
        return jsonify(client_id=current_token["client_id"])

    return app
