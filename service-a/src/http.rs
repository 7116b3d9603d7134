//! What handlers take from a request, and what they answer where there is no page.

pub mod cookies;
pub mod form_body;
pub mod page_error;
pub mod provider_name;
pub mod session;
