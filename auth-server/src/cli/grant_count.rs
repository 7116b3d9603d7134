/// Returns a number of grants in words.
pub(super) fn counted(grants: u64) -> String {
    if grants == 1 { "1 grant".to_owned() } else { format!("{grants} grants") }
}
