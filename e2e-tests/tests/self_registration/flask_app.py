"""A website with Flask-pyoidc, which registers itself with the first login."""

import os

from flask import Flask, session
from flask_pyoidc import OIDCAuthentication
from flask_pyoidc.provider_configuration import ClientRegistrationInfo, ProviderConfiguration
from flask_pyoidc.user_session import UserSession

app = Flask(__name__)
app.config.update(OIDC_REDIRECT_URI=os.environ["REDIRECT_URI"], SECRET_KEY="a key of this test")
provider = ProviderConfiguration(
    issuer=os.environ["ISSUER"],
    client_registration_info=ClientRegistrationInfo(client_name="Flask"),
    auth_request_params={"scope": ["openid", "profile", "email"]},
)
auth = OIDCAuthentication({"c": provider}, app)


@app.route("/")
@auth.oidc_auth("c")
def profile():
    user = UserSession(session)
    return {"sub": user.id_token["sub"], "email": user.userinfo["email"]}


@app.route("/logout")
@auth.oidc_logout
def logout():
    return "logged out"
