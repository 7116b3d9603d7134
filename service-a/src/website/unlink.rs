use std::sync::Arc;

use axum::{
    extract::State,
    response::{Redirect, Response},
};
use pages::Browser;

use crate::{
    accounts::{Identity, UnlinkOutcome},
    http::{
        error_page::page_response, form_body::FormBody, page_error::PageError, session::LoggedIn,
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
    let result = remove_identity(&services, &logged_in, &body).await;
    page_response(&views, &browser, result.map(|()| Redirect::to("/account")))
}

async fn remove_identity(
    services: &Services,
    logged_in: &LoggedIn,
    body: &[u8],
) -> Result<(), PageError> {
    let form = logged_in.parse_form(body)?;
    let field = |name| form.get(name).map(str::to_owned).ok_or(PageError::IdentityNotFound);
    let identity = Identity { issuer: field("issuer")?, subject: field("subject")? };
    match services.accounts.unlink_identity(&logged_in.account.id, &identity).await? {
        UnlinkOutcome::Removed => Ok(()),
        UnlinkOutcome::LastIdentity => Err(PageError::LastIdentity),
        UnlinkOutcome::NotFound => Err(PageError::IdentityNotFound),
    }
}
