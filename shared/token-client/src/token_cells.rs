use std::{collections::HashMap, sync::Arc};

use arc_swap::ArcSwap;

use crate::{token_cell::TokenCell, token_target::TokenTarget};

/// Most services use a handful of targets. The bound limits the memory of a service whose callers
/// can choose them.
const MAX_TARGETS: usize = 64;

/// The cells of all targets. Reads take no lock; adding a target, which is rare, copies the map.
#[derive(Default)]
pub(crate) struct TokenCells(ArcSwap<HashMap<TokenTarget, Arc<TokenCell>>>);

impl TokenCells {
    /// Returns the cell of `target`, if there is one.
    pub(crate) fn get(&self, target: &TokenTarget) -> Option<Arc<TokenCell>> {
        self.0.load().get(target).map(Arc::clone)
    }

    /// Returns the cell of `target`, and creates it if necessary.
    pub(crate) fn cell(&self, target: &TokenTarget) -> Arc<TokenCell> {
        self.get(target).unwrap_or_else(|| self.add(target))
    }

    fn add(&self, target: &TokenTarget) -> Arc<TokenCell> {
        let new = Arc::new(TokenCell::default());
        self.0.rcu(|cells| with_cell(cells, target, &new));
        // If two calls add the same target at once, both get the cell of the first.
        self.get(target).unwrap_or(new)
    }
}

/// Returns a copy of `cells` with a cell for `target`. If the map is full, the cell whose token
/// expires first is dropped.
fn with_cell(
    cells: &HashMap<TokenTarget, Arc<TokenCell>>,
    target: &TokenTarget,
    new: &Arc<TokenCell>,
) -> HashMap<TokenTarget, Arc<TokenCell>> {
    let mut cells = cells.clone();
    if cells.len() >= MAX_TARGETS && !cells.contains_key(target) {
        let first_to_expire =
            cells.iter().min_by_key(|(_, cell)| cell.fresh_until()).map(|(key, _)| key.clone());
        first_to_expire.and_then(|key| cells.remove(&key));
    }
    cells.entry(target.clone()).or_insert_with(|| Arc::clone(new));
    cells
}

#[cfg(test)]
mod tests {
    use oauth_types::Scope;

    use super::*;

    fn target(number: usize) -> TokenTarget {
        TokenTarget { scope: Scope::empty(), resource: Some(format!("urn:{number}")) }
    }

    #[test]
    fn one_target_has_one_cell() {
        let cells = TokenCells::default();
        assert!(Arc::ptr_eq(&cells.cell(&target(1)), &cells.cell(&target(1))));
        assert!(!Arc::ptr_eq(&cells.cell(&target(1)), &cells.cell(&target(2))));
    }

    #[test]
    fn number_of_targets_is_bounded() {
        let cells = TokenCells::default();
        for number in 0..1_000 {
            cells.cell(&target(number));
        }
        assert_eq!(cells.0.load().len(), MAX_TARGETS);
        assert!(cells.get(&target(999)).is_some());
    }
}
