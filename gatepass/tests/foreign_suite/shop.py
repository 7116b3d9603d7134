"""A shop as a team might have it: an API and a website, built with Flask and unmodified Authlib.

It knows nothing of tests.
"""

import secrets

import requests
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.flask_client import OAuth
from authlib.integrations.flask_oauth2 import ResourceProtector, current_token
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from flask import Flask, abort, jsonify, request, session, url_for
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

API = "https://orders.shop.example"
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"


def metadata(issuer):
    response = requests.get(f"{issuer}/.well-known/openid-configuration", timeout=10)
    response.raise_for_status()
    return response.json()


def key_set(issuer):
    response = requests.get(metadata(issuer)["jwks_uri"], timeout=10)
    response.raise_for_status()
    return response.json()


class Tokens(JWTBearerTokenValidator):
    def get_jwks(self):
        return key_set(self.issuer)


def api(issuer):
    """The API: orders, for tokens with the scope `orders:read`."""
    app = Flask("api")
    protected = ResourceProtector()
    protected.register_token_validator(Tokens(issuer=issuer, resource_server=API))

    @app.get("/orders")
    @protected("orders:read")
    def orders():
        return jsonify(of=current_token["sub"])

    @app.errorhandler(requests.RequestException)
    def no_keys(_):
        return jsonify(error="the keys of the issuer cannot be fetched"), 503

    return app


def website(issuer, client_id, client_secret):
    """The website: login through OpenID Connect, and back-channel logout."""
    app = Flask("website")
    app.secret_key = secrets.token_hex()
    # The sessions that the provider has ended.
    app.ended = set()
    provider = OAuth(app).register(
        "provider",
        server_metadata_url=f"{issuer}/.well-known/openid-configuration",
        client_id=client_id,
        client_secret=client_secret,
        client_kwargs={"scope": "openid profile", "code_challenge_method": "S256"},
    )

    @app.get("/login")
    def login():
        return provider.authorize_redirect(url_for("callback", _external=True))

    @app.get("/callback")
    def callback():
        token = provider.authorize_access_token()
        session["sid"] = token["userinfo"]["sid"]
        session["name"] = provider.userinfo(token=token)["name"]
        return jsonify(name=session["name"])

    @app.get("/me")
    def me():
        if "sid" not in session or session["sid"] in app.ended:
            abort(401)
        return jsonify(name=session["name"])

    @app.post("/backchannel-logout")
    def backchannel_logout():
        try:
            claims = logout_claims(request.form["logout_token"], issuer, client_id)
        except (JoseError, ValueError) as error:
            return jsonify(error=str(error)), 400
        app.ended.add(claims["sid"])
        return "", 204

    @app.errorhandler(OAuthError)
    def oauth_error(error):
        return jsonify(error=error.error), 400

    return app


def logout_claims(token, issuer, client_id):
    """Validates a logout token (OpenID Connect Back-Channel Logout §2.6)."""
    keys = KeySet.import_key_set(key_set(issuer))
    decoded = jwt.decode(token, keys, algorithms=["RS256"])
    if decoded.header.get("typ") != "logout+jwt":
        raise ValueError("not a logout token")
    essential = jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": client_id},
        iat={"essential": True},
        exp={"essential": True},
        jti={"essential": True},
        events={"essential": True},
        sid={"essential": True},
    )
    essential.validate(decoded.claims)
    if LOGOUT_EVENT not in decoded.claims["events"] or "nonce" in decoded.claims:
        raise ValueError("not a logout token")
    return decoded.claims
