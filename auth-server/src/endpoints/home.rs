use axum::extract::State;

use crate::app::App;

/// `GET /`: where to go from here, for a person who opened the issuer's address.
pub async fn home(State(app): State<App>) -> String {
    let issuer = app.issuer.issuer.trim_end_matches('/');
    format!(
        "Gatepass authorization server (C)\n\n\
         issuer      {issuer}\n\
         metadata    {issuer}/.well-known/oauth-authorization-server\n\
         keys        {issuer}/.well-known/jwks.json\n\
         OpenAPI     {issuer}/openapi.json\n\
         token       POST {issuer}/oauth/token\n\
         introspect  POST {issuer}/oauth/introspect\n\
         revoke      POST {issuer}/oauth/revoke\n"
    )
}
