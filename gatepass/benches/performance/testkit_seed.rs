use gatepass_testkit::{Client, Gatepass, GatepassBuilder, Resource, User};

use crate::requests::{CLIENT_ID, CLIENT_SECRET, RESOURCE, SCOPE};

const ENTRIES: usize = 10;

/// Returns a testkit with ten clients and ten users, one of them the client of the requests.
pub fn testkit() -> GatepassBuilder {
    let resource = Resource::new(RESOURCE).scopes(SCOPE);
    (0..ENTRIES).fold(Gatepass::builder().resource(resource), |builder, number| {
        let id = if number == 0 { CLIENT_ID.to_owned() } else { format!("client-{number}") };
        let client = Client::new(id).secret(CLIENT_SECRET).scopes(SCOPE).resources(&[RESOURCE]);
        let user = User::new(format!("user-{number}")).password("the password of a test");
        builder.client(client).user(user)
    })
}
