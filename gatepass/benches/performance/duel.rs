use crate::{load::Round, plan::Plan};

/// Ours against the limit.
pub struct Duel {
    /// The medians of each.
    pub ours: f64,
    pub limit: f64,
    /// The median of the ratios of each round, so that a machine that gets slower harms both alike.
    pub ratio: f64,
}

impl Duel {
    /// Let both take turns in rounds that they are given the number of. Round 0 is for warming up
    /// and does not count.
    pub fn fight(
        plan: &Plan,
        ours: impl Fn(usize) -> anyhow::Result<Round>,
        limit: impl Fn(usize) -> anyhow::Result<Round>,
    ) -> anyhow::Result<Self> {
        let mut rates = Vec::new();
        for round in 0..=plan.rounds {
            // Who comes second finds the caches and the clock of the processor as the other has
            // left them.
            let (ours, limit) = if round % 2 == 0 {
                let ours = ours(round)?;
                (ours, limit(round)?)
            } else {
                let limit = limit(round)?;
                (ours(round)?, limit)
            };
            rates.push((ours.rate(), limit.rate()));
        }
        Ok(Self::of_pairs(&rates[1..]))
    }

    pub fn of_pairs(pairs: &[(f64, f64)]) -> Self {
        Self {
            ours: median(pairs.iter().map(|(ours, _)| *ours)),
            limit: median(pairs.iter().map(|(_, limit)| *limit)),
            ratio: median(pairs.iter().map(|(ours, limit)| ours / limit)),
        }
    }
}

/// The one in the middle; 0 of none.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
