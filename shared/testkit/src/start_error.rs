/// Why a server has not started.
#[derive(Debug, thiserror::Error)]
#[error("the authorization server has not started: {0}")]
pub struct StartError(String);

impl StartError {
    #[expect(clippy::needless_pass_by_value, reason = "`map_err` passes errors by value")]
    pub(crate) fn new(problem: impl ToString) -> Self {
        Self(problem.to_string())
    }
}
