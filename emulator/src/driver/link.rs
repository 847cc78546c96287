//! `cuLink*`: the linker, for programs that load PTX through it. One PTX text goes in and comes out again; there is no
//! machine code to link.

use super::entry::{In, Out, Text, api};
use super::error::{Error, Outcome};
use super::handles::{Handle, Table, lock};
use super::{context, module};
use std::sync::Mutex;

/// The text, NUL-terminated. It stays where it is until the link is destroyed, as the API promises.
#[derive(Default)]
struct Link(Mutex<Vec<u8>>);

static LINKS: Table<Link> = Table::new();

const PTX: u32 = 1;

fn add(link: Handle, kind: u32, text: Vec<u8>) -> Outcome {
    context::current()?;
    let link = LINKS.get(link)?;
    let mut held = lock(&link.0);
    if kind != PTX || !held.is_empty() {
        return Err(Error::NOT_SUPPORTED);
    }
    *held = text;
    held.push(0);
    Ok(())
}

api! {
    fn cuLinkCreate_v2(_count: u32, _options: In<u32>, _values: In<usize>, result: Out<Handle>) {
        context::current()?;
        result.check()?;
        let mut made = 0;
        LINKS.insert(|handle| {
            made = handle;
            Link::default()
        });
        result.set(made)
    }

    fn cuLinkAddData_v2(
        link: Handle, kind: u32, data: In<u8>, _bytes: usize, _name: In<u8>, _count: u32, _options: In<u32>,
        _values: In<usize>,
    ) {
        add(link, kind, module::image(data)?)
    }

    fn cuLinkAddFile_v2(
        link: Handle, kind: u32, name: Text, _count: u32, _options: In<u32>, _values: In<usize>,
    ) {
        add(link, kind, module::file(name)?)
    }

    fn cuLinkComplete(link: Handle, image: Out<usize>, bytes: Out<usize>) {
        context::current()?;
        let link = LINKS.get(link)?;
        let text = lock(&link.0);
        if text.is_empty() {
            return Err(Error::INVALID_VALUE);
        }
        image.set(text.as_ptr() as usize)?;
        bytes.set_if_wanted(text.len());
        Ok(())
    }

    fn cuLinkDestroy(link: Handle) {
        context::current()?;
        LINKS.remove(link).map(|_| ())
    }
}
