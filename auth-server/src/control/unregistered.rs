use crate::clients::ClientRegistry;

/// Accepts the client and the resources that a request names, as far as the looseness says so.
/// `encoded` are its query and its form.
pub fn accept_unregistered(registry: &ClientRegistry, client_id: Option<&str>, encoded: &[&[u8]]) {
    let pairs = encoded.iter().flat_map(|one| form_urlencoded::parse(one));
    let resources = pairs.filter(|(name, _)| name == "resource");
    registry.accept_unregistered(client_id, resources.map(|(_, value)| value.into_owned()));
}
