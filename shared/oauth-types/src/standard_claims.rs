use serde::{Deserialize, Serialize};

use crate::Scope;

/// The standard claims about a user (OpenID Connect Core §5.1). Unknown claims are omitted, never
/// empty or null (§5.3.2).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StandardClaims {
    /// The full name, as displayed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Given names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    /// Family names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
    /// Middle names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub middle_name: Option<String>,
    /// The casual name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
    /// The short name by which the user wants to be addressed. It is not unique.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_username: Option<String>,
    /// The URL of the user's profile page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The URL of a picture of the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    /// The URL of the user's website.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub website: Option<String>,
    /// `female`, `male`, or another value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gender: Option<String>,
    /// `YYYY-MM-DD`, or `YYYY` alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birthdate: Option<String>,
    /// The time zone name of the IANA database, for example `Europe/Paris`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zoneinfo: Option<String>,
    /// The language tag (BCP 47), for example `en-US`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// When these claims last changed, in seconds since 1970-01-01 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<i64>,
    /// The e-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Whether the issuer has verified that the user controls the address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<bool>,
    /// The phone number, preferably in E.164 format, for example `+1 (425) 555-1212`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    /// Whether the issuer has verified that the user controls the number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number_verified: Option<bool>,
    /// The postal address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
}

/// A postal address (OpenID Connect Core §5.1.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Address {
    /// The full address, formatted for display or a mailing label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub formatted: Option<String>,
    /// Street and number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street_address: Option<String>,
    /// City.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locality: Option<String>,
    /// State, province or prefecture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Postal code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    /// Country.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
}

impl StandardClaims {
    /// The names of all standard claims, for `claims_supported`.
    pub const NAMES: [&'static str; 19] = [
        "name",
        "given_name",
        "family_name",
        "middle_name",
        "nickname",
        "preferred_username",
        "profile",
        "picture",
        "website",
        "gender",
        "birthdate",
        "zoneinfo",
        "locale",
        "updated_at",
        "email",
        "email_verified",
        "phone_number",
        "phone_number_verified",
        "address",
    ];

    /// Removes empty claims (§5.3.2), and each `*_verified` claim whose e-mail address or phone
    /// number is absent.
    #[must_use]
    pub fn without_empty(mut self) -> Self {
        for text in [
            &mut self.name,
            &mut self.given_name,
            &mut self.family_name,
            &mut self.middle_name,
            &mut self.nickname,
            &mut self.preferred_username,
            &mut self.profile,
            &mut self.picture,
            &mut self.website,
            &mut self.gender,
            &mut self.birthdate,
            &mut self.zoneinfo,
            &mut self.locale,
            &mut self.email,
            &mut self.phone_number,
        ] {
            forget_empty(text);
        }
        self.address = self
            .address
            .map(Address::without_empty)
            .filter(|address| *address != Address::default());
        self.email_verified = self.email_verified.filter(|_| self.email.is_some());
        self.phone_number_verified =
            self.phone_number_verified.filter(|_| self.phone_number.is_some());
        self
    }

    /// Returns the claims that `scope` grants access to (OpenID Connect Core §5.4).
    #[must_use]
    pub fn for_scope(&self, scope: &Scope) -> Self {
        let mut seen = self.clone().without_empty();
        if !scope.contains("profile") {
            seen = Self {
                name: None,
                given_name: None,
                family_name: None,
                middle_name: None,
                nickname: None,
                preferred_username: None,
                profile: None,
                picture: None,
                website: None,
                gender: None,
                birthdate: None,
                zoneinfo: None,
                locale: None,
                updated_at: None,
                ..seen
            };
        }
        if !scope.contains("email") {
            seen = Self { email: None, email_verified: None, ..seen };
        }
        if !scope.contains("phone") {
            seen = Self { phone_number: None, phone_number_verified: None, ..seen };
        }
        if !scope.contains("address") {
            seen = Self { address: None, ..seen };
        }
        seen
    }
}

impl Address {
    fn without_empty(mut self) -> Self {
        for text in [
            &mut self.formatted,
            &mut self.street_address,
            &mut self.locality,
            &mut self.region,
            &mut self.postal_code,
            &mut self.country,
        ] {
            forget_empty(text);
        }
        self
    }
}

fn forget_empty(text: &mut Option<String>) {
    text.take_if(|text| text.trim().is_empty());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scope_shows_its_claims_and_no_others() {
        let all: StandardClaims = serde_json::from_str(
            r#"{"name":"Alice","email":"a@example.com","phone_number":"+1","address":{"country":"FR"},"updated_at":7}"#,
        )
        .unwrap();
        let json_for =
            |scope: &str| serde_json::to_string(&all.for_scope(&scope.parse().unwrap())).unwrap();
        assert_eq!(json_for("openid"), "{}");
        assert_eq!(json_for("profile"), r#"{"name":"Alice","updated_at":7}"#);
        assert_eq!(json_for("email"), r#"{"email":"a@example.com"}"#);
        assert_eq!(json_for("phone"), r#"{"phone_number":"+1"}"#);
        assert_eq!(json_for("address"), r#"{"address":{"country":"FR"}}"#);
    }

    #[test]
    fn empty_standard_claims_are_omitted() {
        let texts = StandardClaims::NAMES.iter().filter(|name| !name.ends_with("_verified"));
        let mut claims: serde_json::Map<_, _> =
            texts.map(|name| ((*name).to_owned(), "".into())).collect();
        claims.insert("updated_at".to_owned(), 7.into());
        claims.insert("email_verified".to_owned(), true.into());
        claims.insert("phone_number_verified".to_owned(), false.into());
        let parts = ["formatted", "street_address", "locality", "region", "postal_code", "country"];
        let address: serde_json::Map<_, _> =
            parts.map(|name| (name.to_owned(), " ".into())).into_iter().collect();
        claims.insert("address".to_owned(), address.into());
        let empty: StandardClaims = serde_json::from_value(claims.into()).unwrap();
        let scope: Scope = "openid profile email phone address".parse().unwrap();
        assert_eq!(serde_json::to_string(&empty.for_scope(&scope)).unwrap(), r#"{"updated_at":7}"#);
        assert_eq!(serde_json::to_string(&empty.without_empty()).unwrap(), r#"{"updated_at":7}"#);
        let half: StandardClaims = serde_json::from_str(
            r#"{"name":" ","nickname":"A","address":{"locality":"","country":"FR"}}"#,
        )
        .unwrap();
        let json = serde_json::to_string(&half.without_empty()).unwrap();
        assert_eq!(json, r#"{"nickname":"A","address":{"country":"FR"}}"#);
    }
}
