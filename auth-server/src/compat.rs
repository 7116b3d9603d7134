//! Other servers' protocols.

pub mod wechat;
