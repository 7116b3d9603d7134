//! HTTP Archive (HAR) 1.2. Secrets appear as `•••`, tokens as fingerprints.

use flow_events::{Field, FieldLocation, FieldValue};
use serde_json::{Value as Json, json};

use crate::flows::{Flow, Message, Response};

/// Renders the messages of a flow.
#[must_use]
pub fn render(flow: &Flow) -> Json {
    let entries: Vec<Json> = flow.messages.iter().map(entry).collect();
    let creator = json!({ "name": "Gatepass flow viewer", "version": env!("CARGO_PKG_VERSION") });
    json!({ "log": { "version": "1.2", "creator": creator, "entries": entries } })
}

fn entry(message: &Message) -> Json {
    let millis =
        message.response.as_ref().map_or(0.0, |response| response.elapsed_micros as f64 / 1_000.0);
    json!({
        "startedDateTime": date_time(message.sent_micros),
        "time": millis,
        "request": request(message),
        "response": response(message.response.as_ref()),
        "cache": {},
        "timings": { "send": 0, "wait": millis, "receive": 0 },
        "comment": message.failure.clone().unwrap_or_else(|| message.explanation.title.to_owned()),
    })
}

fn request(message: &Message) -> Json {
    let mut request = json!({
        "method": message.method,
        "url": message.url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": pairs(&message.fields, FieldLocation::Header),
        "queryString": pairs(&message.fields, FieldLocation::Query),
        "headersSize": -1,
        "bodySize": -1,
    });
    let params = pairs(&message.fields, FieldLocation::Body);
    if !params.is_empty() {
        request["postData"] =
            json!({ "mimeType": "application/x-www-form-urlencoded", "params": params });
    }
    request
}

fn response(response: Option<&Response>) -> Json {
    let fields = response.map_or(&[][..], |response| &response.fields);
    let header = |name: &str| {
        fields.iter().find(|field| field.name == name).map(|field| redacted(&field.value))
    };
    let body: serde_json::Map<String, Json> = fields
        .iter()
        .filter(|field| field.location == FieldLocation::Body)
        .map(|field| (field.name.clone(), Json::from(redacted(&field.value))))
        .collect();
    json!({
        // Browsers write 0 where there was no response.
        "status": response.map_or(0, |response| response.status),
        "statusText": "",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": pairs(fields, FieldLocation::Header),
        "content": { "size": -1, "mimeType": header("content-type").unwrap_or_default(), "text": Json::from(body).to_string() },
        "redirectURL": header("location").unwrap_or_default(),
        "headersSize": -1,
        "bodySize": -1,
    })
}

fn pairs(fields: &[Field], location: FieldLocation) -> Vec<Json> {
    let matching = fields.iter().filter(|field| field.location == location);
    matching.map(|field| json!({ "name": field.name, "value": redacted(&field.value) })).collect()
}

fn redacted(value: &FieldValue) -> String {
    match value {
        FieldValue::Text(text) => text.clone(),
        FieldValue::Secret => "•••".to_owned(),
        FieldValue::Fingerprint(fingerprint) => format!("[sha256 {fingerprint}…]"),
    }
}

fn date_time(micros: i64) -> String {
    let time = time::OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000);
    let format = time::format_description::well_known::Rfc3339;
    time.ok().and_then(|time| time.format(&format).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_formatted_as_rfc_3339() {
        assert_eq!(date_time(1_700_000_000_250_000), "2023-11-14T22:13:20.25Z");
    }
}
