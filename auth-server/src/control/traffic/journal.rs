use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use super::JournalEntry;

/// Bounds of the journal. The oldest entries fall out.
const MAX_ENTRIES: usize = 2_000;
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// The latest requests that C received.
#[derive(Default)]
pub struct Journal {
    entries: Mutex<Entries>,
    /// Wakes the assertions that wait for a request.
    arrived: watch::Sender<()>,
}

#[derive(Default)]
struct Entries {
    /// Counts how often the journal was cleared.
    generation: u64,
    kept: VecDeque<(usize, JournalEntry)>,
    bytes: usize,
    last_id: u64,
    dropped: u64,
}

/// A copy of the journal.
pub struct JournalSnapshot {
    /// Oldest first.
    pub entries: Vec<JournalEntry>,
    /// Number of entries that fell out.
    pub dropped: u64,
}

impl Journal {
    /// Returns the generation of the entries from now on.
    pub fn generation(&self) -> u64 {
        self.lock().generation
    }

    /// Adds an entry and gives it an id. Does nothing if the journal was cleared since this
    /// generation: the request belongs to what was before.
    pub fn add(&self, generation: u64, entry: JournalEntry) {
        let bytes = serde_json::to_vec(&entry).map_or(0, |json| json.len());
        {
            let mut entries = self.lock();
            if entries.generation != generation {
                return;
            }
            entries.last_id += 1;
            let id = entries.last_id;
            entries.bytes += bytes;
            entries.kept.push_back((bytes, JournalEntry { id, ..entry }));
            while entries.kept.len() > MAX_ENTRIES || entries.bytes > MAX_BYTES {
                let Some((bytes, _)) = entries.kept.pop_front() else { break };
                entries.bytes -= bytes;
                entries.dropped += 1;
            }
        }
        self.arrived.send_replace(());
    }

    pub fn snapshot(&self) -> JournalSnapshot {
        let entries = self.lock();
        let kept = entries.kept.iter().map(|(_, entry)| entry.clone()).collect();
        JournalSnapshot { entries: kept, dropped: entries.dropped }
    }

    /// Forgets all entries, and those of requests that are not answered yet. Ids go on counting.
    pub fn clear(&self) {
        let mut entries = self.lock();
        let (generation, last_id) = (entries.generation + 1, entries.last_id);
        *entries = Entries { generation, last_id, ..Entries::default() };
    }

    /// Returns a receiver that notices every new entry from now on.
    pub fn arrivals(&self) -> watch::Receiver<()> {
        self.arrived.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, Method};

    use super::super::{
        Endpoint,
        journal_entry::{Outcome, RequestFacts},
    };
    use super::*;

    fn entry(form: &str) -> JournalEntry {
        let uri = "/oauth/token".parse().unwrap();
        let (method, headers) = (Method::POST, HeaderMap::new());
        RequestFacts::read(Endpoint::Token, &method, &uri, &headers, form.as_bytes())
            .entry(0, Outcome::default())
    }

    #[test]
    fn oldest_entries_fall_out_and_are_counted() {
        let journal = Journal::default();
        for _ in 0..MAX_ENTRIES + 3 {
            journal.add(journal.generation(), entry("client_id=a"));
        }
        let snapshot = journal.snapshot();
        assert_eq!((snapshot.entries.len(), snapshot.dropped), (MAX_ENTRIES, 3));
        assert_eq!(snapshot.entries[0].id, 4);
        journal.clear();
        let snapshot = journal.snapshot();
        assert_eq!((snapshot.entries.len(), snapshot.dropped), (0, 0));
    }

    #[test]
    fn request_from_before_the_journal_was_cleared_is_not_added() {
        let journal = Journal::default();
        let before = journal.generation();
        journal.clear();
        journal.add(before, entry("client_id=a"));
        journal.add(journal.generation(), entry("client_id=b"));
        let clients: Vec<_> =
            journal.snapshot().entries.into_iter().map(|entry| entry.client_id).collect();
        assert_eq!(clients, [Some("b".to_owned())]);
    }

    #[test]
    fn journal_is_bounded_in_bytes() {
        let journal = Journal::default();
        let long = vec![format!("scope={}", "n".repeat(300)); 63].join("&");
        for _ in 0..MAX_ENTRIES {
            journal.add(journal.generation(), entry(&long));
        }
        let kept = journal.snapshot().entries;
        assert!(kept.len() > 100 && serde_json::to_vec(&kept).unwrap().len() <= MAX_BYTES + 4_096);
    }
}
