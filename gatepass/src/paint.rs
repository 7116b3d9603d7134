use std::io::IsTerminal;

/// Colour where somebody looks at a terminal, nothing where a program reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paint {
    colours: bool,
}

impl Paint {
    /// No colour.
    pub const PLAIN: Self = Self { colours: false };

    /// As standard output likes it, and the user: <https://no-color.org>.
    #[must_use]
    pub fn for_stdout() -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { colours: !unwanted && std::io::stdout().is_terminal() }
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    /// Green for a yes, red for a no.
    pub(crate) fn verdict(self, text: &str, good: bool) -> String {
        self.with(if good { "32" } else { "1;31" }, text)
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.colours { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}
