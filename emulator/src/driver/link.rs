//! `cuLink*`: the linker. PTX texts go in and one comes out; there is no machine code to link.

use super::context::in_context;
use super::entry::{In, Out, Text, api};
use super::error::{Error, Outcome};
use super::handles::{Handle, Table, lock};
use super::module::JitLog;
use super::{context, module};
use crate::ptx::link::{self, Input};
use std::sync::Mutex;

/// What was added, and the linked text, NUL-terminated. It stays where it is until the link is destroyed, as the API
/// promises.
#[derive(Default)]
struct State {
    inputs: Vec<Input>,
    linked: Option<Vec<u8>>,
}

struct Link {
    log: JitLog,
    state: Mutex<State>,
}

static LINKS: Table<Link> = Table::new();

const PTX: u32 = 1;
/// Kinds of input that hold machine code, or code of a compiler that is not here.
const OTHERS: [(u32, &str); 5] = [
    (0, "a cubin"),
    (2, "a fat binary"),
    (3, "an object file"),
    (4, "a library"),
    (5, "NVVM code"),
];

fn add(link: Handle, kind: u32, name: Option<String>, bytes: Vec<u8>) -> Outcome {
    let link = LINKS.get(link)?;
    if let Some((_, what)) = OTHERS.iter().find(|(other, _)| *other == kind) {
        link.log
            .tell(&format!("cannot link {what}: {}", module::KEEP_PTX));
        return Err(Error::NOT_SUPPORTED);
    }
    if kind != PTX {
        return Err(Error::INVALID_VALUE);
    }
    let mut state = lock(&link.state);
    let name = name.unwrap_or_else(|| format!("input {}", state.inputs.len() + 1));
    let refuse = |line, why: &str| {
        link.log
            .tell(&format!("'{name}' refused: PTX line {line}: {why}"));
        Err(Error::INVALID_PTX)
    };
    let Ok(text) = String::from_utf8(bytes) else {
        return refuse(0, "not text");
    };
    if let Err(error) = crate::ptx::parse(&text) {
        return refuse(error.line, &error.message);
    }
    state.inputs.push(Input { name, text });
    state.linked = None;
    Ok(())
}

fn complete(link: &Link) -> Outcome<(usize, usize)> {
    let mut state = lock(&link.state);
    if state.inputs.is_empty() {
        return Err(Error::INVALID_VALUE);
    }
    if state.linked.is_none() {
        // one text alone is what it was
        let text = match state.inputs.as_slice() {
            [one] => Ok(one.text.clone()),
            inputs => link::link(inputs),
        };
        let text = text.map_err(|wrong| {
            link.log.tell(&wrong.join("\n"));
            Error::INVALID_PTX
        })?;
        state.linked = Some(text.into_bytes().into_iter().chain([0]).collect());
    }
    let linked = state.linked.as_ref().ok_or(Error::INVALID_VALUE)?;
    Ok((linked.as_ptr().addr(), linked.len()))
}

in_context! {
    fn cuLinkCreate_v2(count: u32, options: In<u32>, values: In<usize>, result: Out<Handle>) {
        context::current()?;
        result.check()?;
        let log = JitLog::new(count, options, values)?;
        let mut made = 0;
        LINKS.insert(|handle| {
            made = handle;
            Link { log, state: Mutex::default() }
        });
        result.set(made)
    }
}

api! {
    fn cuLinkAddData_v2(
        link: Handle, kind: u32, data: In<u8>, bytes: usize, name: Text, _count: u32, _options: In<u32>,
        _values: In<usize>,
    ) {
        context::current()?;
        module::refuse_binary(data)?;
        let mut text = data.list(bytes)?;
        text.truncate(text.iter().position(|b| *b == 0).unwrap_or(bytes));
        add(link, kind, name.if_any()?, text)
    }

    fn cuLinkAddFile_v2(
        link: Handle, kind: u32, name: Text, _count: u32, _options: In<u32>, _values: In<usize>,
    ) {
        context::current()?;
        add(link, kind, Some(name.get()?), module::file(name)?)
    }

    fn cuLinkComplete(link: Handle, image: Out<usize>, bytes: Out<usize>) {
        context::current()?;
        image.check()?;
        let (at, length) = complete(&*LINKS.get(link)?)?;
        image.set(at)?;
        bytes.set_if_wanted(length);
        Ok(())
    }

    fn cuLinkDestroy(link: Handle) {
        context::current()?;
        LINKS.remove(link).map(|_| ())
    }
}
