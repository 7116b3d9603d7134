"""A resource server as anybody writes one with Flask and Authlib: one door checks passes by itself, the other asks."""

import requests
from authlib.integrations.flask_oauth2 import ResourceProtector, current_token
from authlib.oauth2.rfc7662 import IntrospectTokenValidator
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from flask import Flask, jsonify


def metadata(issuer: str) -> dict:
    return requests.get(f"{issuer}/.well-known/oauth-authorization-server", timeout=60).json()


class BySignature(JWTBearerTokenValidator):
    def get_jwks(self):
        return requests.get(metadata(self.issuer)["jwks_uri"], timeout=60).json()


class ByAsking(IntrospectTokenValidator):
    def __init__(self, issuer: str, credentials: tuple[str, str], resource: str):
        super().__init__()
        self.issuer, self.credentials, self.resource = issuer, credentials, resource

    def introspect_token(self, token_string):
        endpoint = metadata(self.issuer)["introspection_endpoint"]
        answer = requests.post(endpoint, data={"token": token_string}, auth=self.credentials, timeout=60)
        answer.raise_for_status()
        return answer.json()


def resource_server(issuer: str, resource: str, credentials: tuple[str, str]) -> Flask:
    app = Flask(__name__)
    by_signature, by_asking = ResourceProtector(), ResourceProtector()
    by_signature.register_token_validator(BySignature(issuer=issuer, resource_server=resource))
    by_asking.register_token_validator(ByAsking(issuer, credentials, resource))

    @app.get("/by-signature")
    @by_signature("resource:read")
    def checked():
        return jsonify(client_id=current_token["client_id"])

    @app.post("/by-signature")
    @by_signature("resource:write")
    def written():
        return jsonify(client_id=current_token["client_id"])

    @app.get("/by-asking")
    @by_asking("resource:read")
    def asked():
        return jsonify(client_id=current_token["client_id"])

    @app.post("/by-asking")
    @by_asking("resource:write")
    def asked_and_written():
        return jsonify(client_id=current_token["client_id"])

    return app
