use std::sync::Arc;

use axum::{
    extract::{RawQuery, State},
    http::Method,
    response::Response,
};
use oauth_types::{AccessToken, Form};
use pages::Browser;
use serde::Serialize;

use crate::{
    b_client::{BClient, BRequest, BResponse},
    http::{error_page::page_response, session::LoggedIn, website_error::WebsiteError},
    providers::{Provider, TokenAudience},
    services::Services,
    settings::{Target, Targets},
    token_refresher::TokenRefresher,
    views::Views,
};

#[derive(Serialize)]
struct MyResourceView {
    target: &'static str,
    /// A sent an access token from a token exchange, which names A as the actor.
    exchanged: bool,
    response: String,
}

/// `GET /my-resource`: calls B with the access token of the logged-in user. `?target=introspection`
/// selects the B that introspects tokens; the default is the B that verifies them locally.
#[expect(clippy::too_many_arguments, reason = "each is one part of the state or the request")]
pub async fn my_resource(
    State(services): State<Arc<Services>>,
    State(views): State<Views>,
    State(b_client): State<Arc<BClient>>,
    State(targets): State<Arc<Targets>>,
    State(token_refresher): State<Arc<TokenRefresher>>,
    browser: Browser,
    logged_in: LoggedIn,
    RawQuery(query): RawQuery,
) -> Response {
    let form = Form::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let (name, target) = match form.get("target") {
        Some("introspection") => ("introspection", &targets.introspection),
        _ => ("local", &targets.local),
    };
    let call = UserCall { b_client: &b_client, logged_in: &logged_in, target };
    let result = call.run(&services, &token_refresher).await;
    let page = result.map(|response| {
        let exchanged = call.needs_token_exchange();
        let view = MyResourceView { target: name, exchanged, response: pretty_json(&response) };
        views.page(&browser, "my_resource", view)
    });
    page_response(&views, &browser, page)
}

/// A call of B in the name of the logged-in user.
struct UserCall<'a> {
    b_client: &'a BClient,
    logged_in: &'a LoggedIn,
    target: &'a Target,
}

impl UserCall<'_> {
    /// Calls B. If B rejects the access token, refreshes it and calls once more: C may have changed
    /// its keys or revoked the token.
    async fn run(
        &self,
        services: &Services,
        token_refresher: &TokenRefresher,
    ) -> Result<BResponse, WebsiteError> {
        let (secret, session) = (&self.logged_in.secret, &self.logged_in.session);
        let provider = services.provider(&session.provider);
        let resource = &self.target.resource;
        let is_granted = |provider: &Arc<Provider>| {
            provider.grants_b_access()
                && (self.needs_token_exchange() || provider.grants_access_to(resource))
        };
        if !provider.is_some_and(is_granted) {
            return Err(WebsiteError::NoAccessToken);
        }
        let audience = self.token_audience();
        let token = token_refresher.token(secret, session, &audience, None).await?;
        if let Some(response) = self.send(&token).await? {
            return Ok(response);
        }
        let token = token_refresher.token(secret, session, &audience, Some(&token)).await?;
        self.send(&token).await?.ok_or(WebsiteError::NoAccessToken)
    }

    /// Returns what the user's access token is for. One that is exchanged goes to C alone.
    fn token_audience(&self) -> TokenAudience {
        match self.needs_token_exchange() {
            true => TokenAudience::UserInfo,
            false => TokenAudience::Resource(self.target.resource.clone()),
        }
    }

    /// Returns `None` if B, or C at the token exchange, rejects the access token.
    async fn send(&self, token: &AccessToken) -> Result<Option<BResponse>, WebsiteError> {
        let request = BRequest {
            target: self.target,
            method: Method::GET,
            path: "/api/resource",
            body: None,
        };
        let response = match self.needs_token_exchange() {
            true => self.b_client.call_on_behalf_of(&request, token).await?,
            false => self.b_client.call_with_user_token(&request, token).await?,
        };
        Ok(response)
    }

    /// C can exchange only its own tokens; those of other providers are not sent to it.
    fn needs_token_exchange(&self) -> bool {
        self.target.token_exchange
            && self.logged_in.session.identity.issuer == self.b_client.tokens.issuer()
    }
}

fn pretty_json(response: &BResponse) -> String {
    let text = response.text();
    let json = serde_json::from_str::<serde_json::Value>(&text);
    json.and_then(|json| serde_json::to_string_pretty(&json)).unwrap_or(text)
}
