use std::{fmt, time::Duration};

use anyhow::Context;

/// How long and how often it is measured.
pub struct Plan {
    /// How often ours and the limit take turns.
    pub rounds: usize,
    pub round: Duration,
    /// New passes in a round: as many as a fast machine can check in its time.
    pub passes: usize,
    /// Single calls, for a median.
    pub calls: usize,
    /// Starts of a process, for a median.
    pub starts: usize,
    /// Tokens issued before the memory is looked at.
    pub tokens: usize,
    /// Refresh tokens that are in force while many are.
    pub refresh_tokens: usize,
    short: bool,
    /// The numbers of the wanted rows; none for all.
    rows: Vec<usize>,
}

impl Plan {
    pub fn from_arguments(arguments: impl Iterator<Item = String>) -> anyhow::Result<Self> {
        // Cargo itself adds --bench.
        let words: Vec<String> = arguments.filter(|word| word != "--bench").collect();
        let short = words.iter().any(|word| word == "--short");
        let rows = words.iter().filter(|word| *word != "--short");
        let rows = rows.map(|word| {
            word.parse().with_context(|| format!("`{word}` is neither --short nor a row"))
        });
        Ok(Self {
            rows: rows.collect::<Result<_, _>>()?,
            ..if short { Self::short() } else { Self::full() }
        })
    }

    fn full() -> Self {
        Self {
            rounds: 7,
            round: Duration::from_secs(2),
            passes: 20_000,
            calls: 20_000,
            starts: 11,
            tokens: 1_000_000,
            refresh_tokens: 5_000_000,
            short: false,
            rows: Vec::new(),
        }
    }

    fn short() -> Self {
        Self {
            rounds: 3,
            round: Duration::from_millis(500),
            passes: 5_000,
            calls: 2_000,
            starts: 3,
            tokens: 20_000,
            refresh_tokens: 50_000,
            short: true,
            rows: Vec::new(),
        }
    }

    /// Of all measures those that were asked for.
    pub fn wanted<'a, T>(&'a self, measures: &'a [T]) -> impl Iterator<Item = &'a T> {
        let numbered = measures.iter().zip(1..);
        numbered
            .filter(|(_, row)| self.rows.is_empty() || self.rows.contains(row))
            .map(|(measure, _)| measure)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rounds, round, calls, starts, tokens, refresh_tokens, .. } = self;
        let length =
            if self.short { "SHORTENED: a quick look, not a result" } else { "full length" };
        write!(
            f,
            "{length}: {rounds} rounds of {round:?}, {calls} single calls, {starts} starts, {tokens} tokens, \
             {refresh_tokens} live refresh tokens"
        )
    }
}
