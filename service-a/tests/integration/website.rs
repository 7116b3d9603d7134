//! The website over real sockets, with mock providers: logins, attacks and errors.

mod accounts;
mod apple;
mod browser;
mod callback;
mod cookie_names;
mod data_secrecy;
mod first_login;
mod full_disk;
mod google;
mod id_token;
mod initiated_login;
mod logout;
mod mock_provider;
mod my_resource;
mod openapi;
mod page_errors;
mod provider_errors;
mod real_providers;
mod refresh;
mod sessions;
mod test_site;
mod wechat;
