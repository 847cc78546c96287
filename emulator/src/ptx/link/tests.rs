use super::{Input, link};

const HEAD: &str = ".version 8.0\n.target sm_80\n.address_size 64\n";

fn linked(texts: &[&str]) -> Result<String, Vec<String>> {
    let inputs: Vec<Input> = texts
        .iter()
        .enumerate()
        .map(|(n, text)| Input {
            name: format!("part {n}"),
            text: format!("{HEAD}{text}"),
        })
        .collect();
    link(&inputs)
}

#[test]
fn names_are_found_across_texts_and_told_apart() {
    let one = ".file 1 \"a.cu\"\n.extern .func (.param .b32 r) f();\n.extern .global .u32 g[];\n.global .u32 own, mine[2] = {1, 2};\n\
        .visible .entry k() { .loc 1 2 3\n mov.u64 a, own; mov.u64 a, g; call (r), f; ret; }";
    let two = ".file 1 \"b.cu\"\n.visible .global .align 4 .u32 g[4];\n.func own() { ret; }\n\
        .visible .func (.param .b32 r) f() { .loc 1 5 0\n call own; ret; }";
    let text = linked(&[one, two]).unwrap();
    let source = crate::ptx::parse(&text).unwrap();
    let names: Vec<_> = source.functions.iter().map(|f| f.name).collect();
    assert_eq!(names, ["k", "own$link1", "f"]);
    let names: Vec<_> = source.variables.iter().map(|v| v.name).collect();
    assert_eq!(names, ["own$link0", "mine", "g"]);
    assert_eq!(source.files, [(1, "a.cu"), (2, "b.cu")]);
    assert!(
        text.contains("mov.u64 a, own$link0; mov.u64 a, g;"),
        "{text}"
    );
    assert!(text.contains(".loc 2 5 0\n call own$link1;"), "{text}");
}

#[test]
fn a_strong_definition_stands_before_weak_ones_and_the_first_weak_one_before_others() {
    let weak = ".weak .func f() { ret; }\n.weak .global .u32 g = 1;";
    let strong = ".visible .func f() { trap; }";
    let text = linked(&[weak, weak, strong]).unwrap();
    assert_eq!(text.matches(".func f()").count(), 1, "{text}");
    assert!(text.contains("trap"), "{text}");
    assert_eq!(text.matches(".u32 g").count(), 1, "{text}");
}

#[test]
fn what_is_missing_or_there_twice_is_named() {
    let calls = ".extern .func f();\n.extern .func unused();\n.extern .func vprintf();\n.extern .shared .b8 room[];\n\
        .visible .entry k() { call f; call vprintf; mov.u64 a, room; ret; }";
    let hidden = ".func f() { ret; }";
    assert_eq!(
        linked(&[calls, hidden]).unwrap_err(),
        ["Undefined reference to 'f' in 'part 0'"]
    );
    let open = ".visible .func f() { ret; }";
    assert!(linked(&[calls, open]).is_ok());
    assert_eq!(
        linked(&[calls, open, open]).unwrap_err(),
        ["Multiple definition of 'f' in 'part 2', first defined in 'part 1'"]
    );
}
