/// What becomes of the signing keys when a store is emptied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoredKeys {
    Keep,
    Delete,
}
