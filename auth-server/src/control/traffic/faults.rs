use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Endpoint, Fault};

const MAX_FAULTS: usize = 100;

/// The faults that tests have set. The newest one that matches applies.
#[derive(Default)]
pub struct Faults(Mutex<State>);

#[derive(Default)]
struct State {
    /// Oldest first.
    faults: Vec<Fault>,
    last_id: u64,
}

/// There are already as many faults as the server keeps.
#[derive(Debug, PartialEq, Eq)]
pub struct TooManyFaults;

impl Faults {
    /// Adds a fault and returns it with its id.
    ///
    /// # Errors
    /// Returns an error if there are already 100.
    pub fn add(&self, fault: Fault) -> Result<Fault, TooManyFaults> {
        let mut state = self.lock();
        if state.faults.len() == MAX_FAULTS {
            return Err(TooManyFaults);
        }
        state.last_id += 1;
        let fault = Fault { id: state.last_id, ..fault };
        state.faults.push(fault.clone());
        Ok(fault)
    }

    /// Takes the newest fault that matches a request, and counts it.
    pub fn take(&self, endpoint: Endpoint, client_id: Option<&str>) -> Option<Fault> {
        let mut state = self.lock();
        let index = state.faults.iter().rposition(|fault| fault.matches(endpoint, client_id))?;
        let fault = &mut state.faults[index];
        if let Some(remaining) = &mut fault.remaining {
            *remaining -= 1;
        }
        let taken = fault.clone();
        if taken.remaining == Some(0) {
            state.faults.remove(index);
        }
        Some(taken)
    }

    pub fn all(&self) -> Vec<Fault> {
        self.lock().faults.clone()
    }

    /// Deletes a fault. Returns whether it existed.
    pub fn remove(&self, id: u64) -> bool {
        let mut state = self.lock();
        let before = state.faults.len();
        state.faults.retain(|fault| fault.id != id);
        state.faults.len() < before
    }

    /// Deletes all faults. Ids go on counting.
    pub fn clear(&self) {
        self.lock().faults.clear();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fault(on: &str, times: Option<u32>, client_id: Option<&str>) -> Fault {
        let matching = client_id.map_or(json!({}), |id| json!({ "client_id": id }));
        let json = json!({ "on": on, "match": matching, "times": times, "do": { "status": 503 } });
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn newest_matching_fault_applies_and_runs_out() {
        let faults = Faults::default();
        let lasting = faults.add(fault("token", None, None)).unwrap();
        let twice = faults.add(fault("token", Some(2), Some("shop"))).unwrap();
        let taken = |client_id| faults.take(Endpoint::Token, client_id).map(|fault| fault.id);
        assert_eq!(taken(None), Some(lasting.id));
        assert_eq!(taken(Some("shop")), Some(twice.id));
        assert_eq!(taken(Some("shop")), Some(twice.id));
        assert_eq!(taken(Some("shop")), Some(lasting.id));
        assert_eq!(faults.take(Endpoint::Jwks, None), None);
        assert!(faults.remove(lasting.id) && !faults.remove(twice.id));
    }

    #[test]
    fn number_of_faults_is_bounded() {
        let faults = Faults::default();
        for _ in 0..MAX_FAULTS {
            faults.add(fault("token", None, None)).unwrap();
        }
        assert_eq!(faults.add(fault("token", None, None)), Err(TooManyFaults));
    }
}
