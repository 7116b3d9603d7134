//! `settings.md`: every setting of every server, from the doc comments of the settings' structs
//! and from their default values. `clients-and-users.md`: every member of the clients file and the
//! users file, from those of their structs.

use std::fmt::Write;

use auth_server::AuthServerSettings;
use flow_viewer::FlowViewerSettings;
use serde_json::Value;
use service_a::ServiceASettings;
use service_b::ServiceBSettings;

use super::{
    assert_page,
    schema::{Kind, Member, Schema},
    wrap,
};

const INTRODUCTION: &str = "\
# Settings

This page is generated from the doc comments of the settings.

Settings come from defaults, a TOML file (`--config FILE`), the environment, and flags
(`--set key=value`). Later sources win. An unknown setting is an error that names the nearest known
one. `SERVICE check-config` prints the settings in force.

An environment variable with an empty value counts as unset. In a file or a flag, an empty value is
a value: `tls_listen = \"\"` disables the TLS listener.

In a TOML file `tokens.id_token_ttl_seconds` is the key `id_token_ttl_seconds` in the table
`[tokens]`. `<NAME>` is a name that you choose.
";

const FILES: &str = "\
# Clients file and users file

This page is generated from the doc comments of the entries.

The settings `clients_file` and `users_file` name TOML files. `clients.login.redirect_uris` is the
key `redirect_uris` in the table `[clients.login]` after its `[[clients]]`. An unknown member is an
error that names the known ones. `client add` and the control API know the same members.

C reads changes of the clients file within a second. It adds the users of the users file at the
start if they do not exist, and never changes them.
";

struct Page<'a> {
    schema: &'a Schema,
    /// The prefix of the environment variables, or `None` for files without variables.
    environment: Option<&'a str>,
    rows: String,
}

#[test]
fn settings_page_matches_the_code() {
    let mut text = INTRODUCTION.to_owned();
    let auth_server = serde_json::to_value(AuthServerSettings::default()).unwrap();
    let service_a = serde_json::to_value(ServiceASettings::default()).unwrap();
    let service_b = serde_json::to_value(ServiceBSettings::default()).unwrap();
    let flow_viewer = serde_json::to_value(FlowViewerSettings::default()).unwrap();
    for (title, name, root, defaults) in [
        ("auth-server (C)", "auth-server", "AuthServerSettings", auth_server),
        ("service-a (A)", "service-a", "ServiceASettings", service_a),
        ("service-b (B)", "service-b", "ServiceBSettings", service_b),
        ("flow-viewer", "flow-viewer", "FlowViewerSettings", flow_viewer),
    ] {
        let (file, folder) = (format!("{name}/src/settings.rs"), format!("{name}/src/settings"));
        let schema =
            Schema::parse(&[&file, &folder, "shared/service-kit/src", "shared/oauth-types/src"]);
        let prefix = format!("GATEPASS__{}__", name.replace('-', "_").to_uppercase());
        let mut page = Page { schema: &schema, environment: Some(&prefix), rows: String::new() };
        page.group("", root, Some(&defaults));
        write!(text, "\n## {title}\n\n{}", page.rows).unwrap();
    }
    assert_page("settings.md", &text);
}

#[test]
fn page_of_clients_and_users_matches_the_code() {
    let schema = Schema::parse(&[
        "auth-server/src/clients/file/format.rs",
        "auth-server/src/users/seed.rs",
        "auth-server/src/domain",
        "shared/oauth-types/src",
    ]);
    let mut text = FILES.to_owned();
    for (title, root) in [("Clients file", "ClientsFileToml"), ("Users file", "UsersFileToml")] {
        let mut page = Page { schema: &schema, environment: None, rows: String::new() };
        page.group("", root, None);
        write!(text, "\n## {title}\n\n{}", page.rows).unwrap();
    }
    assert_page("clients-and-users.md", &text);
}

impl Page<'_> {
    fn group(&mut self, path: &str, name: &str, defaults: Option<&Value>) {
        let fields = self.schema.fields(name).unwrap_or_else(|| panic!("{name} has no fields"));
        let mut fields = fields.to_vec();
        if self.environment.is_none() {
            // As in a file, the tables of a table follow its other members.
            fields.sort_by_key(|field| self.is_table(&field.kind));
        }
        for field in fields {
            let setting = format!("{path}{}", field.name);
            let default = defaults.and_then(|defaults| defaults.get(&field.name));
            assert!(!field.docs.is_empty(), "{setting} has no doc comment");
            match &field.kind {
                Kind::Named(inner) if self.schema.fields(inner).is_some() => {
                    self.heading(&setting, &field.docs);
                    self.group(&format!("{setting}."), inner, default);
                }
                Kind::List(inner) if let Some(inner) = self.table(inner) => {
                    self.heading(&format!("[[{setting}]]"), &field.docs);
                    self.group(&format!("{setting}."), inner, None);
                }
                Kind::Map(inner) if let Some(inner) = self.table(inner) => {
                    self.heading(&format!("{setting}.<NAME>"), &field.docs);
                    self.group(&format!("{setting}.<NAME>."), inner, None);
                }
                _ => self.setting(&setting, &field, default, defaults.is_some()),
            }
        }
    }

    fn is_table(&self, kind: &Kind) -> bool {
        match kind {
            Kind::List(inner) | Kind::Map(inner) => self.table(inner).is_some(),
            Kind::Named(_) => self.table(kind).is_some(),
        }
    }

    /// Returns the name of a struct whose members the page lists.
    fn table<'a>(&self, kind: &'a Kind) -> Option<&'a str> {
        match kind {
            Kind::Named(name) if self.schema.fields(name).is_some() => Some(name),
            _ => None,
        }
    }

    fn heading(&mut self, setting: &str, docs: &str) {
        write!(self.rows, "### `{setting}`\n\n{}\n\n", wrap(docs, 100)).unwrap();
    }

    fn setting(&mut self, setting: &str, field: &Member, default: Option<&Value>, known: bool) {
        let (description, production) = sentences(&field.docs, known);
        writeln!(self.rows, "- **`{setting}`** · {}{}", self.type_name(&field.kind), unit(setting))
            .unwrap();
        if known {
            writeln!(self.rows, "  · default {}", format_default(default)).unwrap();
        }
        if let Some(prefix) = self.environment {
            let name = setting.replace('.', "__").to_uppercase();
            writeln!(self.rows, "  · `{prefix}{name}`").unwrap();
        }
        writeln!(self.rows, "\n{}", indent(&wrap(&description, 98))).unwrap();
        if !production.is_empty() {
            writeln!(self.rows, "\n{}", indent(&wrap(&production, 98))).unwrap();
        }
        self.rows.push('\n');
    }

    fn type_name(&self, kind: &Kind) -> String {
        match kind {
            Kind::List(inner) => format!("list of {}", self.type_name(inner)),
            Kind::Map(inner) => format!("table of {}", self.type_name(inner)),
            Kind::Named(name) => match name.as_str() {
                "bool" => "boolean".to_owned(),
                "u8" | "u16" | "u32" | "u64" | "usize" | "i64" => "integer".to_owned(),
                "String" => "string".to_owned(),
                "PathBuf" => "path".to_owned(),
                "Url" => "URL".to_owned(),
                "Scope" => "scope".to_owned(),
                "Networks" => "list of CIDRs".to_owned(),
                "SecretSetting" | "ClientSecret" | "Password" => "secret".to_owned(),
                "Attributes" => "table".to_owned(),
                "JwkSet" => "JWK Set".to_owned(),
                name => match self.schema.variants(name) {
                    Some(variants) => variants
                        .iter()
                        .map(|variant| format!("`{}`", variant.name))
                        .collect::<Vec<_>>()
                        .join(" or "),
                    None => name.to_owned(),
                },
            },
        }
    }
}

/// Returns the unit in which the name of a setting ends.
fn unit(setting: &str) -> &'static str {
    [
        ("_millis", ", in milliseconds"),
        ("_seconds", ", in seconds"),
        ("_days", ", in days"),
        ("_bytes", ", in bytes"),
    ]
    .into_iter()
    .find(|(ending, _)| setting.ends_with(ending))
    .map_or("", |(_, unit)| unit)
}

fn format_default(default: Option<&Value>) -> String {
    match default {
        None | Some(Value::Null) => "not set".to_owned(),
        Some(Value::String(text)) if text.is_empty() => "empty".to_owned(),
        Some(Value::String(text)) => format!("`{text}`"),
        Some(Value::Array(items)) if items.is_empty() => "empty".to_owned(),
        Some(other) => format!("`{other}`"),
    }
}

/// Splits the documentation of a setting into its description and its sentences about production.
/// Leaves out the default if `Default` of the settings provides it.
fn sentences(docs: &str, known_default: bool) -> (String, String) {
    let (mut description, mut production) = (Vec::new(), Vec::new());
    for sentence in docs.split_inclusive(". ").map(str::trim) {
        let only_default = sentence.starts_with("Default: ") && !sentence.contains("; ");
        if known_default && (only_default || sentence.starts_with("Not set by default")) {
            continue;
        }
        let about_production =
            sentence.starts_with("Production ") || sentence.starts_with("In production");
        if about_production { &mut production } else { &mut description }.push(sentence);
    }
    (description.join(" "), production.join(" "))
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}
