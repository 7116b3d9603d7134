"""A relying party of idpyoidc, unmodified: discovery, registration, login, userinfo.

idpyoidc 5.0.0 accepts no registration response with several scopes: it looks for all of them, as
one text, in its list of supported scopes. So this one registers for `openid` alone.
"""

from callback import Callback
from context import ALICE, CA_FILE, ISSUER, log_in
from idpyoidc.client.defaults import DEFAULT_OIDC_SERVICES
from idpyoidc.client.oauth2.stand_alone_client import StandAloneClient

PKCE = {
    "function": "idpyoidc.client.oauth2.add_on.pkce.add_support",
    "kwargs": {"code_challenge_length": 64, "code_challenge_method": "S256"},
}

callback = Callback()
client = StandAloneClient(
    client_type="oidc",
    config={
        "issuer": ISSUER,
        "redirect_uris": [callback.url],
        "preference": {"client_name": "idpyoidc", "response_types_supported": ["code"]},
        "add_ons": {"pkce": PKCE},
    },
    services=DEFAULT_OIDC_SERVICES,
    httpc_params={"verify": CA_FILE},
)
client.do_provider_info()
client.do_client_registration(request_args={"scope": "openid"})
log_in(client.init_authorization())
login = client.finalize(callback.query())
assert "error" not in login, login
assert login["id_token"]["sub"] == login["userinfo"]["sub"] == ALICE, login
