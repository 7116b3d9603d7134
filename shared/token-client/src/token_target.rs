use std::{collections::HashMap, sync::Arc};

use arc_swap::ArcSwap;
use oauth_types::Scope;

use crate::token_cell::Slot;

/// A service has a handful. The bound is for one that lets its callers choose: they must not fill
/// its memory.
const MAX_NEEDS: usize = 64;

/// What a token must allow, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TokenNeed {
    /// What it must allow; empty for what the authorization server gives by default.
    pub scope: Scope,
    /// The resource server that it is for (RFC 8707); `None` for what the authorization server
    /// takes by default.
    pub resource: Option<String>,
}

/// The slots of all needs. Read without a lock by every call; copied on the rare occasion of a new
/// need.
#[derive(Default)]
pub(crate) struct Needs(ArcSwap<HashMap<TokenNeed, Arc<Slot>>>);

impl Needs {
    /// The slot of `need`, if it has one.
    pub(crate) fn known(&self, need: &TokenNeed) -> Option<Arc<Slot>> {
        self.0.load().get(need).map(Arc::clone)
    }

    pub(crate) fn slot(&self, need: &TokenNeed) -> Arc<Slot> {
        self.known(need).unwrap_or_else(|| self.add(need))
    }

    fn add(&self, need: &TokenNeed) -> Arc<Slot> {
        let new = Arc::new(Slot::default());
        self.0.rcu(|slots| with(slots, need, &new));
        // Of two who add the same need at once, both get the slot of the first.
        self.known(need).unwrap_or(new)
    }
}

fn with(
    slots: &HashMap<TokenNeed, Arc<Slot>>,
    need: &TokenNeed,
    new: &Arc<Slot>,
) -> HashMap<TokenNeed, Arc<Slot>> {
    let mut slots = slots.clone();
    if slots.len() >= MAX_NEEDS && !slots.contains_key(need) {
        let soonest =
            slots.iter().min_by_key(|(_, slot)| slot.expires_at()).map(|(need, _)| need.clone());
        soonest.and_then(|need| slots.remove(&need));
    }
    slots.entry(need.clone()).or_insert_with(|| Arc::clone(new));
    slots
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need(number: usize) -> TokenNeed {
        TokenNeed { scope: Scope::empty(), resource: Some(format!("urn:{number}")) }
    }

    #[test]
    fn the_same_need_has_the_same_slot() {
        let needs = Needs::default();
        assert!(Arc::ptr_eq(&needs.slot(&need(1)), &needs.slot(&need(1))));
        assert!(!Arc::ptr_eq(&needs.slot(&need(1)), &needs.slot(&need(2))));
    }

    #[test]
    fn however_many_needs_there_are_the_memory_is_bounded() {
        let needs = Needs::default();
        for number in 0..1_000 {
            needs.slot(&need(number));
        }
        assert_eq!(needs.0.load().len(), MAX_NEEDS);
        assert!(needs.known(&need(999)).is_some());
    }
}
