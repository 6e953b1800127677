//! The names of sessions and mixers, and what control has to know of them.

use crate::orders::Slot;
use crate::wire::Source;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

/// Things that have a name outside and a slot inside. A slot whose name is gone stays taken until it is freed.
pub struct Registry<T> {
    by_name: HashMap<String, Slot>,
    slots: Vec<Option<(String, T)>>,
}

impl<T> Default for Registry<T> {
    fn default() -> Self {
        Registry { by_name: HashMap::new(), slots: Vec::new() }
    }
}

impl<T> Registry<T> {
    pub fn find(&self, name: &str) -> Option<Slot> {
        self.by_name.get(name).copied()
    }

    /// The name and the thing in a slot, also when it was forgotten but not freed yet.
    pub fn get(&self, slot: Slot) -> Option<&(String, T)> {
        self.slots.get(slot as usize)?.as_ref()
    }

    pub fn get_mut(&mut self, slot: Slot) -> Option<&mut T> {
        Some(&mut self.slots.get_mut(slot as usize)?.as_mut()?.1)
    }

    /// Gives a new thing the lowest slot that is free.
    pub fn add(&mut self, name: String, thing: T) -> Slot {
        let free = self.slots.iter().position(Option::is_none).unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        self.by_name.insert(name.clone(), free as Slot);
        self.slots[free] = Some((name, thing));
        free as Slot
    }

    /// Takes the name away: nobody finds it any more, and it may be given to another.
    pub fn forget(&mut self, slot: Slot) {
        if let Some(Some((name, _))) = self.slots.get(slot as usize)
            && self.by_name.get(name) == Some(&slot)
        {
            self.by_name.remove(name);
        }
    }

    /// Forgets and frees a slot.
    pub fn free(&mut self, slot: Slot) -> Option<(String, T)> {
        self.forget(slot);
        self.slots.get_mut(slot as usize)?.take()
    }

    /// All that have a name, in the order of their slots.
    pub fn named(&self) -> impl Iterator<Item = (Slot, &str, &T)> {
        self.slots.iter().enumerate().filter_map(|(slot, taken)| {
            let (name, thing) = taken.as_ref()?;
            (self.by_name.get(name) == Some(&(slot as Slot))).then_some((slot as Slot, name.as_str(), thing))
        })
    }

    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }
}

/// What control knows of a session.
pub struct Known {
    pub ip: IpAddr,
    pub port: u16,
    pub source: Source,
    pub remote: Option<SocketAddr>,
    /// Its codec is of 16 kHz.
    pub wide: bool,
    pub tag: Option<String>,
    /// What it was told to play and to record last, also when that has ended.
    pub play: Option<String>,
    pub record: Option<String>,
}

impl Known {
    pub fn at(ip: IpAddr, port: u16) -> Self {
        Self {
            ip,
            port,
            source: Source::Silence,
            remote: None,
            wide: false,
            tag: None,
            play: None,
            record: None,
        }
    }
}

impl Registry<Known> {
    /// Those who hear `gone` hear silence from now on.
    pub fn silence(&mut self, gone: &Source) {
        for (_, known) in self.slots.iter_mut().flatten() {
            if known.source == *gone {
                known.source = Source::Silence;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forgotten_name_can_be_given_again_while_its_slot_is_still_taken() {
        let mut registry = Registry::default();
        let first = registry.add("a".into(), 1);
        registry.forget(first);
        assert_eq!((registry.find("a"), registry.len()), (None, 0));
        let second = registry.add("a".into(), 2);
        assert_ne!(first, second);
        assert_eq!(registry.free(first), Some(("a".into(), 1)));
        assert_eq!(registry.find("a"), Some(second));
        assert_eq!(registry.named().map(|(_, name, thing)| (name, *thing)).collect::<Vec<_>>(), [("a", 2)]);
        assert_eq!(registry.add("b".into(), 3), first);
    }
}
