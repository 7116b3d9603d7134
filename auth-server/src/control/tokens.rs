//! `POST /control/tokens`: issues any token, also a wrong one, to any client and user.

mod access_token;
mod credentials;
mod draft_jwt;
mod flaw;
mod id_token;
mod mint;
mod request;
mod user_grant;

pub use draft_jwt::{DraftJwt, apply_to_claims};
pub use flaw::{Flaw, FlawTarget, parse_flaws};
pub use request::TokenKind;

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};

use self::{
    access_token::mint_access_token,
    credentials::{mint_code, mint_refresh_token},
    id_token::mint_id_token,
    mint::Mint,
    request::MintRequest,
};
use super::{context::ControlContext, error::ControlError, json_body::JsonBody};
use crate::http::{ClientAddress, NO_STORE};

/// Issues a token. The rules of grants and client types do not hold; the response names those that
/// the client would have broken.
pub async fn mint(
    State(context): State<Arc<ControlContext>>,
    address: ClientAddress,
    JsonBody(request): JsonBody<MintRequest>,
) -> Result<impl IntoResponse, ControlError> {
    let mint = Mint::new(&context.token, &request, address, &context.authorization).await?;
    let minted = match (request.token, &mint.user) {
        (TokenKind::Id, Some(user)) => mint_id_token(&mint, user).await?,
        (TokenKind::Code, Some(user)) => mint_code(&mint, user).await?,
        (TokenKind::Refresh, Some(user)) => mint_refresh_token(&mint, user).await?,
        (_, _) => mint_access_token(&mint).await?,
    };
    Ok((StatusCode::CREATED, NO_STORE, Json(minted)))
}
