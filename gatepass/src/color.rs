use std::io::IsTerminal;

use flow_events::Party;

/// Whether output is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colors {
    enabled: bool,
}

impl Colors {
    /// Output without colours.
    pub const OFF: Self = Self { enabled: false };
    /// Output with colours.
    pub const ON: Self = Self { enabled: true };

    /// Enables colours if standard output is a terminal and `NO_COLOR` is unset or empty
    /// (<https://no-color.org>).
    #[must_use]
    pub fn for_stdout() -> Self {
        let disabled = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { enabled: !disabled && std::io::stdout().is_terminal() }
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.wrap("1", text)
    }

    /// For what a reader may skip.
    pub(crate) fn dim(self, text: &str) -> String {
        self.wrap("2", text)
    }

    /// Green for success, red for failure.
    pub(crate) fn verdict(self, text: &str, success: bool) -> String {
        self.wrap(if success { "32" } else { "1;31" }, text)
    }

    /// For values that no log contains.
    pub(crate) fn secret(self, text: &str) -> String {
        self.wrap("33", text)
    }

    /// Each party has a colour of its own.
    pub(crate) fn party(self, party: Party, name: &str) -> String {
        let code = match party {
            Party::Browser => "1",
            Party::Client => "1;35",
            Party::ResourceServer => "1;34",
            Party::AuthorizationServer => "1;36",
        };
        self.wrap(code, name)
    }

    fn wrap(self, code: &str, text: &str) -> String {
        if self.enabled { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}
