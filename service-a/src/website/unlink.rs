use std::sync::Arc;

use axum::{
    extract::State,
    response::{Redirect, Response},
};
use oauth_types::Form;
use pages::Browser;

use super::account::form_expired;
use crate::{
    accounts::{Identity, UnlinkOutcome},
    http::{
        error_page::page_response, form_body::FormBody, session::LoggedIn,
        website_error::WebsiteError,
    },
    services::Services,
    views::Views,
};

/// `POST /unlink`: removes an identity from the account, unless it is the last one.
pub async fn unlink(
    State(services): State<Arc<Services>>,
    State(views): State<Views>,
    browser: Browser,
    logged_in: LoggedIn,
    FormBody(body): FormBody,
) -> Response {
    let Some(form) = logged_in.parse_form(&body) else {
        return form_expired(&services, &views, &browser, logged_in);
    };
    let result = remove_identity(&services, &logged_in, &form).await;
    page_response(&views, &browser, result.map(|()| Redirect::to("/account")))
}

async fn remove_identity(
    services: &Services,
    logged_in: &LoggedIn,
    form: &Form,
) -> Result<(), WebsiteError> {
    let field = |name| form.get(name).map(str::to_owned).ok_or(WebsiteError::IdentityNotFound);
    let identity = Identity { issuer: field("issuer")?, subject: field("subject")? };
    match services.accounts.unlink_identity(&logged_in.account.id, &identity).await? {
        UnlinkOutcome::Removed => Ok(()),
        UnlinkOutcome::LastIdentity => Err(WebsiteError::LastIdentity),
        UnlinkOutcome::NotFound => Err(WebsiteError::IdentityNotFound),
    }
}
