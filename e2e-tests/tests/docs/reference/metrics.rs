//! `metrics.md`: the metrics that the sources register.

use std::{collections::BTreeMap, fmt::Write, fs};

use syn::{Expr, ExprField, ExprMethodCall, Field, Ident, Lit, Member, visit::Visit};

use super::assert_page;
use crate::{files, root};

const INTRODUCTION: &str = "\
# Metrics

This page is generated from the code. Each server serves them at `/metrics` of its
[management listener](../guides/monitoring.md), in the OpenMetrics text format. A histogram has the
samples `…_bucket`, `…_sum` and `…_count`.
";

#[test]
fn metrics_page_matches_the_code() {
    let mut text = INTRODUCTION.to_owned();
    for (title, folder) in [
        ("All servers", "shared/service-kit/src"),
        ("auth-server (C)", "auth-server/src"),
        ("service-a (A)", "service-a/src"),
        ("service-b (B)", "service-b/src"),
    ] {
        let metrics = registered(folder);
        if metrics.is_empty() {
            continue;
        }
        write!(text, "\n## {title}\n\n| metric | meaning |\n|---|---|\n").unwrap();
        for (name, help) in metrics {
            writeln!(text, "| `{name}` | {help} |").unwrap();
        }
    }
    for name in ["gatepass_http_requests_total", "gatepass_http_request_seconds_bucket"] {
        assert!(text.contains(name), "{text}");
    }
    assert_page("metrics.md", &text);
}

/// Returns the names of the samples and the help text of each metric that the files below this
/// folder register.
fn registered(folder: &str) -> Vec<(String, String)> {
    let mut calls = Registrations::default();
    for file in files(".rs").into_iter().filter(|file| file.starts_with(root().join(folder))) {
        calls.visit_file(&syn::parse_file(&fs::read_to_string(file).unwrap()).unwrap());
    }
    let mut metrics: Vec<(String, String)> = calls
        .registered
        .into_iter()
        .map(|(name, help, field)| (samples(&name, &calls.kinds[&field]), help))
        .collect();
    metrics.sort();
    metrics
}

/// Returns the names of a metric's samples. All servers have one prefix.
fn samples(name: &str, kind: &str) -> String {
    match kind {
        "Counter" => format!("gatepass_{name}_total"),
        "Histogram" => {
            ["bucket", "sum", "count"].map(|end| format!("gatepass_{name}_{end}")).join("`, `")
        }
        other => panic!("{name}: {other}"),
    }
}

#[derive(Default)]
struct Registrations {
    /// Name, help text, and the field with the metric.
    registered: Vec<(String, String, String)>,
    /// The type of each field that is a metric.
    kinds: BTreeMap<String, String>,
}

impl<'a> Visit<'a> for Registrations {
    fn visit_expr_method_call(&mut self, call: &'a ExprMethodCall) {
        let texts: Vec<String> = call.args.iter().filter_map(literal).collect();
        if let (true, [name, help]) = (call.method == "register", &texts[..]) {
            let field = call.args.iter().find_map(cloned_field).unwrap();
            self.registered.push((name.clone(), help.clone(), field));
        }
        syn::visit::visit_expr_method_call(self, call);
    }

    fn visit_field(&mut self, field: &'a Field) {
        let mut kind = MetricType::default();
        kind.visit_type(&field.ty);
        if let (Some(name), Some(kind)) = (&field.ident, kind.0) {
            self.kinds.insert(name.to_string(), kind);
        }
    }
}

/// The kind of metric that a type names.
#[derive(Default)]
struct MetricType(Option<String>);

impl<'a> Visit<'a> for MetricType {
    fn visit_ident(&mut self, ident: &'a Ident) {
        if ident == "Counter" || ident == "Histogram" {
            self.0 = Some(ident.to_string());
        }
    }
}

/// Returns `x` of `x.clone()` or `y.x.clone()`.
fn cloned_field(argument: &Expr) -> Option<String> {
    let Expr::MethodCall(call) = argument else { return None };
    match &*call.receiver {
        Expr::Path(path) => Some(path.path.get_ident()?.to_string()),
        Expr::Field(ExprField { member: Member::Named(name), .. }) => Some(name.to_string()),
        _ => None,
    }
}

fn literal(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}
