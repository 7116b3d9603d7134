//! The application state. Handlers extract the parts that they need with [`FromRef`].

use std::sync::Arc;

use axum::extract::FromRef;
use pages::Pages;
use service_kit::OutageSimulator;

use crate::{
    http::PageContext,
    oauth::{
        authorize::AuthorizationContext, device::DeviceContext, jwks::KeySet,
        registration::RegistrationContext, token::TokenContext,
    },
    oidc::UserInfoContext,
    openapi::OpenApiDocument,
    users::SignInContext,
};

/// The parts of the application, each shared by the handlers of one feature.
#[derive(Clone)]
pub struct AppState {
    pub page: Arc<PageContext>,
    pub authorization: Arc<AuthorizationContext>,
    pub sign_in: Arc<SignInContext>,
    pub token: Arc<TokenContext>,
    pub device: Arc<DeviceContext>,
    pub registration: Arc<RegistrationContext>,
    pub user_info: Arc<UserInfoContext>,
    pub key_set: Arc<KeySet>,
    pub pages: Pages,
    pub outage: OutageSimulator,
    pub openapi: OpenApiDocument,
}

/// Optional route groups, enabled by settings.
#[derive(Clone, Copy, Debug)]
pub struct Features {
    pub registration: bool,
    pub wechat: bool,
    pub test_controls: bool,
}

macro_rules! parts {
    ($($field:ident: $part:ty),* $(,)?) => {$(
        impl FromRef<AppState> for $part {
            fn from_ref(state: &AppState) -> Self {
                state.$field.clone()
            }
        }
    )*};
}

parts! {
    page: Arc<PageContext>,
    authorization: Arc<AuthorizationContext>,
    sign_in: Arc<SignInContext>,
    token: Arc<TokenContext>,
    device: Arc<DeviceContext>,
    registration: Arc<RegistrationContext>,
    user_info: Arc<UserInfoContext>,
    key_set: Arc<KeySet>,
    pages: Pages,
    outage: OutageSimulator,
    openapi: OpenApiDocument,
}
