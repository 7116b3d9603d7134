/// How much an error response explains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorDetail {
    /// The reason with the expected and the found value. For learning and testing.
    Full,
    /// The kind of error only. The log has the rest.
    #[default]
    Terse,
}
