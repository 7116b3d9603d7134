use std::{collections::HashMap, sync::Arc};

use arc_swap::ArcSwap;
use oauth_types::Scope;

use crate::token_cell::TokenCell;

/// A service has a handful. The bound is for one that lets its callers choose: they must not fill
/// its memory.
const MAX_TARGETS: usize = 64;

/// What a token must allow, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TokenTarget {
    /// What it must allow; empty for what the authorization server gives by default.
    pub scope: Scope,
    /// The resource server that it is for (RFC 8707); `None` for what the authorization server
    /// takes by default.
    pub resource: Option<String>,
}

/// The cells of all cells. Read without a lock by every call; copied on the rare occasion of a new
/// need.
#[derive(Default)]
pub(crate) struct TokenCells(ArcSwap<HashMap<TokenTarget, Arc<TokenCell>>>);

impl TokenCells {
    /// The cell of `need`, if it has one.
    pub(crate) fn known(&self, need: &TokenTarget) -> Option<Arc<TokenCell>> {
        self.0.load().get(need).map(Arc::clone)
    }

    pub(crate) fn cell(&self, need: &TokenTarget) -> Arc<TokenCell> {
        self.known(need).unwrap_or_else(|| self.add(need))
    }

    fn add(&self, need: &TokenTarget) -> Arc<TokenCell> {
        let new = Arc::new(TokenCell::default());
        self.0.rcu(|cells| with(cells, need, &new));
        // Of two who add the same need at once, both get the cell of the first.
        self.known(need).unwrap_or(new)
    }
}

fn with(
    cells: &HashMap<TokenTarget, Arc<TokenCell>>,
    need: &TokenTarget,
    new: &Arc<TokenCell>,
) -> HashMap<TokenTarget, Arc<TokenCell>> {
    let mut cells = cells.clone();
    if cells.len() >= MAX_TARGETS && !cells.contains_key(need) {
        let soonest =
            cells.iter().min_by_key(|(_, cell)| cell.expires_at()).map(|(need, _)| need.clone());
        soonest.and_then(|need| cells.remove(&need));
    }
    cells.entry(need.clone()).or_insert_with(|| Arc::clone(new));
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need(number: usize) -> TokenTarget {
        TokenTarget { scope: Scope::empty(), resource: Some(format!("urn:{number}")) }
    }

    #[test]
    fn the_same_need_has_the_same_slot() {
        let cells = TokenCells::default();
        assert!(Arc::ptr_eq(&cells.cell(&need(1)), &cells.cell(&need(1))));
        assert!(!Arc::ptr_eq(&cells.cell(&need(1)), &cells.cell(&need(2))));
    }

    #[test]
    fn however_many_needs_there_are_the_memory_is_bounded() {
        let cells = TokenCells::default();
        for number in 0..1_000 {
            cells.cell(&need(number));
        }
        assert_eq!(cells.0.load().len(), MAX_TARGETS);
        assert!(cells.known(&need(999)).is_some());
    }
}
