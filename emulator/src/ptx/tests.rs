use super::ast::*;
use super::parse;

const HEAD: &str = ".version 8.7\n.target sm_80\n.address_size 64\n";

fn body(text: &str) -> Vec<String> {
    let text = format!("{HEAD}.visible .entry k(.param .u64 k_param_0)\n{{\n{text}\n}}\n");
    let source = parse(&text).unwrap();
    source.functions[0]
        .body
        .as_ref()
        .unwrap()
        .iter()
        .map(|s| format!("{s:?}"))
        .collect()
}

#[test]
fn numbers_of_every_form() {
    use super::number::number;
    assert_eq!(number("0x1FU"), Some(Number::Int(31)));
    assert_eq!(number("017"), Some(Number::Int(15)));
    assert_eq!(number("0b101"), Some(Number::Int(5)));
    assert_eq!(number("0f3F800000"), Some(Number::F32(0x3F80_0000)));
    assert_eq!(
        number("0d3FF0000000000000"),
        Some(Number::F64(0x3FF0_0000_0000_0000))
    );
    assert_eq!(
        number("18446744073709551615"),
        Some(Number::Int(u64::MAX.into()))
    );
    assert_eq!(number("0f3F8"), None);
    assert_eq!(number("09"), None);
}

#[test]
fn statements_keep_their_lines() {
    let out = body(
        "@!%p1 bra $L__BB0_2;\n\tshfl.sync.bfly.b32 %r1|%p2, %r2, 16, 31, -1;\nL: ld.global.v2.f32 {%f1, _}, [%rd1+-8];",
    );
    assert!(
        out[0].contains("line: 6") && out[0].contains("(\"%p1\", true)"),
        "{}",
        out[0]
    );
    assert!(
        out[1].contains("Pair(Name(\"%r1\"), Name(\"%p2\"))") && out[1].contains("Int(-1)"),
        "{}",
        out[1]
    );
    assert!(out[2].contains("Label(8"), "{}", out[2]);
    assert!(out[3].contains("offset: -8"), "{}", out[3]);
}

#[test]
fn scopes_calls_prototypes_and_initialisers() {
    let out = body(
        "{ .reg .pred P1; .reg.b16 h,r; { .param .b64 param0; call.uni (retval0), f, (param0, param1); } }\n p0 : .callprototype (.param .b32 _) _ (.param .b64 _);",
    );
    assert!(
        out[0].contains("Block([") && out[0].contains("List([Name(\"param0\"), Name(\"param1\")])"),
        "{}",
        out[0]
    );
    assert!(out[1].contains("Prototype"), "{}", out[1]);
    let text = format!(
        "{HEAD}.global .align 4 .b32 t[2][2] = {{{{-125, 1}}, {{2, 0f3F800000}}}};\n.global .u64 p = generic(t)+4;\n.extern .shared .align 16 .b8 sm[];"
    );
    let source = parse(&text).unwrap();
    assert_eq!(source.variables[0].dims, [2, 2]);
    assert!(matches!(
        source.variables[1].init,
        Some(Init::Symbol {
            name: "t",
            offset: 4,
            generic: true
        })
    ));
    assert!(source.variables[2].external && source.variables[2].dims == [0]);
}

#[test]
fn broken_text_is_an_error_with_its_line() {
    for (text, line) in [
        ("{", 1),
        (".version 8.7\n.entry k( {", 2),
        (".version 8.7\n\n\"abc", 3),
    ] {
        assert_eq!(parse(text).unwrap_err().line, line, "{text}");
    }
    assert!(parse(&format!("{HEAD}.entry k() {{ {}", "{".repeat(100_000))).is_err());
}
