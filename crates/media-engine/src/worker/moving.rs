//! Sessions and mixers that go from one worker to another, so that those who hear each other are together.

use super::mixing::Mixer;
use super::session::Session;
use super::world::World;
use crate::orders::Slot;
use media_proto::Micros;
use std::fmt;

/// What one worker gives another. Everything that hears or is heard by a part of it is in it as well.
#[derive(Default)]
pub struct Parcel {
    sessions: Vec<(Slot, Box<Session>)>,
    mixers: Vec<(Slot, Box<Mixer>)>,
}

impl fmt::Debug for Parcel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Parcel({} sessions, {} mixers)", self.sessions.len(), self.mixers.len())
    }
}

impl World {
    /// Takes sessions and mixers out of this worker; those that ended meanwhile are left out. Packets wait in their sockets.
    pub fn pack(&mut self, sessions: &[Slot], mixers: &[Slot], now: Micros) -> Parcel {
        self.close_broken(now);
        sessions.iter().for_each(|&slot| self.leave_music(slot));
        let sessions = sessions.iter().filter_map(|&slot| Some((slot, self.displace(slot)?)));
        let mut parcel = Parcel { sessions: sessions.collect(), mixers: Vec::new() };
        for &mixer in mixers {
            let taken = self.mixers.get_mut(mixer as usize).and_then(Option::take);
            parcel.mixers.extend(taken.map(|taken| (mixer, taken)));
        }
        parcel
    }

    /// Puts in its place what another worker gave.
    pub fn unpack(&mut self, parcel: Parcel) {
        for (mixer, what) in parcel.mixers {
            self.place_mixer(mixer, what);
        }
        for (slot, session) in parcel.sessions {
            self.place(slot, session);
            self.schedule(slot);
        }
    }
}
