//! An opcode's modifiers. Each must be taken by somebody: one that nobody knows makes the module refused.

use super::types::Type;

pub struct Opcode<'a> {
    pub text: &'a str,
    pub base: &'a str,
    rest: Vec<&'a str>,
}

impl<'a> Opcode<'a> {
    pub fn new(text: &'a str) -> Opcode<'a> {
        let mut parts = text.split('.');
        let base = parts.next().unwrap_or("");
        Opcode {
            text,
            base,
            rest: parts.collect(),
        }
    }

    /// Takes a modifier if it is there.
    pub fn take(&mut self, name: &str) -> bool {
        match self.rest.iter().position(|m| *m == name) {
            Some(at) => {
                self.rest.remove(at);
                true
            }
            None => false,
        }
    }

    /// Takes the first of these modifiers.
    pub fn take_any(&mut self, names: &[&str]) -> Option<&'a str> {
        let at = self.rest.iter().position(|m| names.contains(m))?;
        Some(self.rest.remove(at))
    }

    /// Takes the first modifier that is a type.
    pub fn take_type(&mut self) -> Option<Type> {
        let at = self.rest.iter().position(|m| Type::named(m).is_some())?;
        Type::named(self.rest.remove(at))
    }

    /// Takes all modifiers that are left.
    pub fn take_rest(&mut self) -> Vec<&'a str> {
        std::mem::take(&mut self.rest)
    }

    /// Whether a modifier is there.
    pub fn has(&self, name: &str) -> bool {
        self.rest.contains(&name)
    }

    /// A modifier that nobody took.
    pub fn untaken(&self) -> Option<&'a str> {
        self.rest.first().copied()
    }
}
