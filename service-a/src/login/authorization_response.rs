use oauth_types::{Form, printable};

use super::Refusal;
use crate::{
    providers::{CodeAnswer, Provider},
    random_id::RandomId,
};

const MAX_ERROR: usize = 60;

/// What a browser brings back from a provider, unverified.
pub struct Answer {
    /// `None` where it can be no state of ours.
    pub state: Option<RandomId>,
    form: Form,
}

impl Answer {
    /// Read a query or a form.
    ///
    /// # Errors
    /// When a parameter stands there twice: two readers could each take another one (RFC 6749
    /// §3.1).
    pub fn read(encoded: &[u8]) -> Result<Self, Refusal> {
        let form = Form::parse(encoded).map_err(|error| Refusal::BadAnswer(error.to_string()))?;
        Ok(Self { state: form.get("state").and_then(RandomId::shown), form })
    }

    /// Who says that it answers (RFC 9207).
    pub fn iss(&self) -> Option<&str> {
        self.form.get("iss")
    }

    /// The code; else the provider's reason to give none.
    pub fn code(&self, provider: &Provider) -> Result<CodeAnswer, Refusal> {
        match (self.form.get("error"), self.form.get("code")) {
            (Some("access_denied" | "user_cancelled_authorize"), _) => Err(Refusal::Cancelled),
            (Some(error), _) => {
                Err(Refusal::ProviderError(printable(error).chars().take(MAX_ERROR).collect()))
            }
            (None, Some(code)) => Ok(CodeAnswer {
                code: code.to_owned(),
                user: self.form.get("user").map(str::to_owned),
            }),
            (None, None) if provider.leaves_out_code_on_cancel() => Err(Refusal::Cancelled),
            (None, None) => {
                Err(Refusal::BadAnswer("it has neither a code nor an error".to_owned()))
            }
        }
    }
}
