//! `metrics.md`: the metrics that the sources register.

use std::{fmt::Write, fs};

use syn::{Expr, ExprMethodCall, Lit, visit::Visit};

use super::assert_page;
use crate::{files, root};

const INTRODUCTION: &str = "\
# Metrics

This page is generated from the code. Each server serves them at `/metrics` of its
[management listener](../guides/monitoring.md), in the OpenMetrics text format. The samples of a
counter end in `_total`, those of a histogram in `_bucket`, `_sum` and `_count`.
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
    assert!(text.contains("| `http_requests` |"), "{text}");
    assert_page("metrics.md", &text);
}

/// Returns name and help text of each metric that the files below this folder register.
fn registered(folder: &str) -> Vec<(String, String)> {
    let mut calls = Registrations::default();
    for file in files(".rs").into_iter().filter(|file| file.starts_with(root().join(folder))) {
        calls.visit_file(&syn::parse_file(&fs::read_to_string(file).unwrap()).unwrap());
    }
    calls.0.sort();
    calls.0
}

#[derive(Default)]
struct Registrations(Vec<(String, String)>);

impl<'a> Visit<'a> for Registrations {
    fn visit_expr_method_call(&mut self, call: &'a ExprMethodCall) {
        let texts: Vec<String> = call.args.iter().filter_map(literal).collect();
        if let (true, [name, help]) = (call.method == "register", &texts[..]) {
            self.0.push((name.clone(), help.clone()));
        }
        syn::visit::visit_expr_method_call(self, call);
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
