//! Rule on parameters: a function takes at most five, and none of them packs several into a tuple.
//! Closures are free: a tuple is what an iterator gives them.

use syn::visit::Visit;

use super::sources::{self, report};

const PARAMETERS_MAX: usize = 5;

/// path, reason.
const PACKED: &[(&str, &str)] = &[];

/// Collects the functions that take a tuple or too many parameters.
#[derive(Default)]
struct Functions(Vec<String>);

impl<'ast> Visit<'ast> for Functions {
    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        let name = &signature.ident;
        if signature.inputs.iter().any(is_packed) {
            self.0.push(format!("{name} takes a tuple"));
        }
        let taken = signature.inputs.iter();
        let taken = taken
            .filter(|input| matches!(input, syn::FnArg::Typed(_)))
            .count();
        if taken > PARAMETERS_MAX {
            self.0.push(format!("{name} takes {taken} parameters"));
        }
    }
}

/// Whether a parameter is a tuple or a reference to one, by its pattern or its type.
fn is_packed(parameter: &syn::FnArg) -> bool {
    let syn::FnArg::Typed(parameter) = parameter else {
        return false;
    };
    let mut kind = &*parameter.ty;
    while let syn::Type::Reference(reference) = kind {
        kind = &reference.elem;
    }
    let is_tuple = matches!(kind, syn::Type::Tuple(tuple) if !tuple.elems.is_empty());
    is_tuple || matches!(&*parameter.pat, syn::Pat::Tuple(_))
}

fn findings_in(text: &str) -> Vec<String> {
    let mut functions = Functions::default();
    functions.visit_file(&syn::parse_file(text).unwrap());
    functions.0
}

#[test]
fn no_function_packs_parameters_into_a_tuple() {
    let mut findings = Vec::new();
    for source in sources::with_extension("rs") {
        let functions = findings_in(source.text().unwrap()).into_iter();
        findings.extend(functions.map(|function| format!("{}: {function}", source.path)));
    }
    report("what belongs together has a name", findings, PACKED);
}

#[test]
fn finds_packed_and_too_many_parameters() {
    for wrong in [
        "fn f((a, b): (u8, u8)) {}",
        "fn f(pair: (u8, u8)) {}",
        "impl A { fn f(&self, pair: &(u8, u8)) {} }",
        "trait A { fn f(pair: &mut (u8, u8)); }",
        "fn f() { fn inner(pair: (u8, u8)) {} }",
        "fn f(a: A, b: B, c: C, d: D, e: E, f: F) {}",
    ] {
        assert_eq!(findings_in(wrong).len(), 1, "{wrong}");
    }
    for right in [
        "fn f(unit: (), list: &[(u8, u8)]) {}",
        "fn f() { map(|(a, b): (u8, u8)| a + b) }",
        "fn f(&self, a: A, b: B, c: C, d: D, e: E) -> (u8, u8) {}",
    ] {
        let right = format!("impl A {{ {right} }}");
        assert_eq!(findings_in(&right), [""; 0], "{right}");
    }
}
