"""A website with login through OpenID Connect, built with Flask and unmodified Authlib."""

import secrets

from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.flask_client import OAuth
from flask import Flask, jsonify, session, url_for

SCOPE = "openid profile email offline_access"


def website(issuer: str, client_id: str, client_secret: str) -> Flask:
    app = Flask(__name__)
    app.secret_key = secrets.token_hex()
    app.config["SESSION_COOKIE_NAME"] = "outside"
    # Tokens by subject. The signed session cookie contains only the subject.
    tokens: dict[str, dict] = {}
    platform = OAuth(app).register(
        "platform",
        server_metadata_url=f"{issuer}/.well-known/openid-configuration",
        client_id=client_id,
        client_secret=client_secret,
        client_kwargs={"scope": SCOPE, "code_challenge_method": "S256"},
    )

    @app.get("/login")
    def login():
        return platform.authorize_redirect(url_for("callback", _external=True))

    @app.get("/login/silent")
    def silent_login():
        return platform.authorize_redirect(url_for("callback", _external=True), prompt="none")

    @app.get("/callback")
    def callback():
        # Authlib verifies state, nonce, signature, issuer, audience and at_hash.
        token = platform.authorize_access_token()
        session["sub"] = token["userinfo"]["sub"]
        tokens[session["sub"]] = token
        return jsonify(token["userinfo"])

    @app.get("/me")
    def me():
        return jsonify(platform.userinfo(token=tokens[session["sub"]]))

    @app.get("/refresh")
    def refresh():
        old = tokens[session["sub"]]
        new = platform.fetch_access_token(grant_type="refresh_token", refresh_token=old["refresh_token"])
        tokens[session["sub"]] = new
        rotated = {name: new[name] != old[name] for name in ("access_token", "refresh_token")}
        return jsonify(rotated | {"id_token": platform.parse_id_token(new, nonce=None)})

    @app.get("/logout")
    def logout():
        hint = tokens.pop(session.pop("sub"))["id_token"]
        return platform.logout_redirect(url_for("logged_out", _external=True), id_token_hint=hint)

    @app.get("/logged-out")
    def logged_out():
        platform.validate_logout_response()
        return "logged out"

    @app.errorhandler(OAuthError)
    def oauth_error(error):
        return jsonify(error=error.error), 400

    return app
