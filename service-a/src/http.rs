//! Extractors, cookies, and errors rendered as pages.

pub mod cookies;
pub mod error_page;
pub mod form_body;
pub mod provider_name;
pub mod session;
pub mod website_error;
