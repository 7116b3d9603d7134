//! The endpoints of OpenID Connect.

pub mod backchannel_logout;
pub mod logout;
pub mod userinfo;
mod userinfo_user;

pub use userinfo_user::{NotTold, user_of};
