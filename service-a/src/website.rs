//! Handlers of the website, one file per endpoint.

pub mod account;
pub mod backchannel_logout;
pub mod callback;
pub mod home;
pub mod link;
pub mod login;
pub mod logout;
pub mod my_resource;
pub mod stylesheet;
pub mod unlink;
