use gatepass_testkit::{Client, Gatepass, GatepassBuilder, Resource, User};
use serde_json::json;

use crate::requests::{CLIENT_ID, CLIENT_SECRET, RESOURCE, SCOPE};

const ENTRIES: usize = 10;

/// Returns a testkit with ten clients and ten users, one of them the client of the requests.
pub fn testkit() -> GatepassBuilder {
    with_entries(Gatepass::builder())
}

/// Returns the same testkit with further issuers, which have its clients and users as well.
pub fn testkit_with_issuers(issuers: u32) -> GatepassBuilder {
    let issuer = |number| {
        let name = format!("issuer-{number}");
        json!({ "name": name, "issuer": format!("/{name}") })
    };
    let issuers: Vec<_> = (0..issuers).map(issuer).collect();
    with_entries(Gatepass::builder().seed(&json!({ "issuers": issuers }).to_string()))
}

fn with_entries(builder: GatepassBuilder) -> GatepassBuilder {
    let resource = Resource::new(RESOURCE).scopes(SCOPE);
    (0..ENTRIES).fold(builder.resource(resource), |builder, number| {
        let id = if number == 0 { CLIENT_ID.to_owned() } else { format!("client-{number}") };
        let client = Client::new(id).secret(CLIENT_SECRET).scopes(SCOPE).resources(&[RESOURCE]);
        let user = User::new(format!("user-{number}")).password("the password of a test");
        builder.client(client).user(user)
    })
}
