//! One file an endpoint, named as the endpoint. None knows another; `test_controls` alone is the
//! page of two.

mod account;
mod authorize;
mod consent;
mod device;
mod device_authorization;
mod home;
mod introspect;
mod jwks;
mod login;
mod logout;
mod metadata;
mod openapi;
mod par;
mod read_form;
mod read_json;
mod register;
mod registered;
mod revoke;
mod style;
mod test_absence;
mod test_controls;
mod test_token;
mod token;
mod userinfo;
mod wechat;

pub use account::{account, end_one_session, sign_out_everywhere, withdraw_consent};
pub use authorize::{authorize, authorize_posted};
pub use consent::{consent, consent_posted};
pub use device::{device, device_posted};
pub use device_authorization::device_authorization;
pub use home::home;
pub use introspect::introspect;
pub use jwks::jwks;
pub use login::{login, login_posted};
pub use logout::{logout, logout_confirmed, logout_posted};
pub use metadata::{metadata, metadata_of_path};
pub use openapi::openapi;
pub use par::par;
pub use read_form::{FormRequest, required};
pub use register::register;
pub use registered::{registered, reregister, unregister};
pub use revoke::revoke;
pub use style::style;
pub use test_controls::test_controls;
pub use token::token;
pub use userinfo::userinfo;
pub use wechat::wechat;

use axum::{
    Json,
    http::{StatusCode, header::ALLOW},
    response::IntoResponse,
};

use crate::failure::{Failure, NO_STORE, REQUEST_RULE};

/// What a form endpoint answers to other methods than POST.
pub async fn only_post() -> impl IntoResponse {
    let failure =
        Failure::invalid_request("this endpoint takes POST with a form body only", REQUEST_RULE);
    (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "POST")], NO_STORE, Json(failure.error))
}
