use std::{fmt, time::Duration};

use anyhow::Context;

/// The length of a run.
pub struct Plan {
    /// The number of counted rounds.
    pub rounds: usize,
    /// The duration of a round.
    pub round: Duration,
    /// New access tokens per round: as many as a fast machine can verify in that time.
    pub new_tokens: usize,
    /// The number of single calls, for a median.
    pub calls: usize,
    /// The number of process starts, for a median.
    pub starts: usize,
    /// Tokens issued before memory is measured.
    pub tokens: usize,
    /// Live refresh tokens in the large database.
    pub refresh_tokens: usize,
    short: bool,
    /// The numbers of the requested rows; empty for all.
    rows: Vec<usize>,
}

impl Plan {
    pub fn from_arguments(arguments: impl Iterator<Item = String>) -> anyhow::Result<Self> {
        // Cargo adds --bench.
        let words: Vec<String> = arguments.filter(|word| word != "--bench").collect();
        let short = words.iter().any(|word| word == "--short");
        let rows = words.iter().filter(|word| *word != "--short");
        let rows = rows.map(|word| {
            word.parse()
                .with_context(|| format!("`{word}` is neither --short nor the number of a row"))
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
            new_tokens: 20_000,
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
            new_tokens: 5_000,
            calls: 2_000,
            starts: 3,
            tokens: 20_000,
            refresh_tokens: 50_000,
            short: true,
            rows: Vec::new(),
        }
    }

    /// Returns the requested measurements.
    pub fn requested<'a, T>(&'a self, measures: &'a [T]) -> impl Iterator<Item = &'a T> {
        let numbered = measures.iter().zip(1..);
        numbered
            .filter(|(_, row)| self.rows.is_empty() || self.rows.contains(row))
            .map(|(measure, _)| measure)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rounds, round, calls, starts, tokens, refresh_tokens, .. } = self;
        let length = if self.short { "SHORTENED: not a result" } else { "full length" };
        write!(
            f,
            "{length}: {rounds} rounds of {round:?}, {calls} single calls, {starts} starts, {tokens} tokens, \
             {refresh_tokens} live refresh tokens"
        )
    }
}
