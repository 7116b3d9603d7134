//! Compatibility with the protocols of other authorization servers.

pub mod wechat;
