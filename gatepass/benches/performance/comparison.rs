use crate::{load::Round, plan::Plan};

/// Our server compared to the limit.
pub struct Comparison {
    /// The median of our figures.
    pub ours: f64,
    /// The median of the limit's figures.
    pub limit: f64,
    /// The median of the ratios of the rounds, so that a machine that slows down affects both
    /// alike.
    pub ratio: f64,
}

impl Comparison {
    /// Runs both in alternation. Each closure gets the number of the round; round 0 is a warm-up
    /// and does not count.
    pub fn run(
        plan: &Plan,
        ours: impl Fn(usize) -> anyhow::Result<Round>,
        limit: impl Fn(usize) -> anyhow::Result<Round>,
    ) -> anyhow::Result<Self> {
        let mut rates = Vec::new();
        for round in 0..=plan.rounds {
            // The second one runs with the CPU caches and frequency that the first one left.
            let (ours, limit) = if round % 2 == 0 {
                let ours = ours(round)?;
                (ours, limit(round)?)
            } else {
                let limit = limit(round)?;
                (ours(round)?, limit)
            };
            rates.push((ours.rate(), limit.rate()));
        }
        Ok(Self::from_pairs(&rates[1..]))
    }

    pub fn from_pairs(pairs: &[(f64, f64)]) -> Self {
        Self {
            ours: median(pairs.iter().map(|(ours, _)| *ours)),
            limit: median(pairs.iter().map(|(_, limit)| *limit)),
            ratio: median(pairs.iter().map(|(ours, limit)| ours / limit)),
        }
    }
}

/// Returns the median, or 0 if there are no values.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
