pub const REVISION: &str = "SELECT counter FROM revision";
/// Makes running servers reload clients and keys.
pub const BUMP_REVISION: &str = "UPDATE revision SET counter = counter + 1";
/// A write that changes no value.
pub const CHECK_WRITABLE: &str = "UPDATE revision SET counter = counter";
