//! Mixers: every 20 ms each member's voice is taken, added up, and sent back without his own.

use super::session::{Session, kind};
use super::world::World;
use crate::orders::Slot;
use media_proto::codec::Codec;
use media_proto::mixer::Mix;
use media_proto::rtp::HEADER_LEN;
use media_proto::sound::Playlist;
use media_proto::{FRAME, FRAME_MICROS, MS, Micros};

#[derive(Default)]
pub struct Mixer {
    members: Vec<Slot>,
    /// What each member said in this tick, and whether it was anything.
    voices: Vec<Voice>,
    playing: Option<Playlist>,
    mix: Mix,
    next: Micros,
}

struct Voice {
    frame: [i16; FRAME],
    speaks: bool,
}

impl Mixer {
    pub fn members(&self) -> &[Slot] {
        &self.members
    }

    pub fn join(&mut self, slot: Slot, now: Micros) {
        if self.members.is_empty() {
            self.next = now;
        }
        self.members.push(slot);
        self.voices.push(Voice { frame: [0; FRAME], speaks: false });
    }

    pub fn leave(&mut self, slot: Slot) {
        self.members.retain(|member| *member != slot);
        self.voices.truncate(self.members.len());
    }

    /// Plays to everybody, instead of what was played before.
    pub fn play(&mut self, list: Playlist) {
        self.playing = Some(list);
    }

    pub fn next_due(&self) -> Micros {
        if self.members.is_empty() { Micros::MAX } else { self.next }
    }
}

/// The mix as the listeners get it, encoded at its first use.
type Shared = [Option<[u8; FRAME]>; Codec::ALL.len()];

impl World {
    /// Runs the mixers that are due.
    pub fn tick_mixers(&mut self, now: Micros) {
        for at in 0..self.mixers.len() {
            // Taken out for the time of the work, since the members are elsewhere in the same world.
            let Some(mut mixer) = self.mixers[at].take_if(|mixer| mixer.next_due() <= now) else { continue };
            let first = mixer.members[0];
            self.guarded(first, |world| world.mix(&mut mixer, now));
            self.mixers[at] = Some(mixer);
        }
    }

    fn mix(&mut self, mixer: &mut Mixer, now: Micros) {
        mixer.next += FRAME_MICROS;
        if mixer.next + 100 * MS < now {
            mixer.next = now + FRAME_MICROS;
        }
        mixer.mix.clear();
        for (&slot, voice) in mixer.members.iter().zip(&mut mixer.voices) {
            self.current = slot;
            let ear = self.session(slot).and_then(|session| session.ear.as_deref_mut());
            voice.speaks = ear.is_some_and(|ear| ear.take(&mut voice.frame))
                && voice.frame.iter().any(|&sample| sample != 0);
            if voice.speaks {
                mixer.mix.add(&voice.frame);
            }
        }
        if let Some(list) = &mut mixer.playing {
            let mut frame = [0; FRAME];
            list.frame(&mut frame);
            mixer.mix.add(&frame);
            if list.is_over() {
                mixer.playing = None;
            }
        }
        let mut shared = Shared::default();
        for (&slot, voice) in mixer.members.iter().zip(&mixer.voices) {
            self.current = slot;
            if let Some(session) = self.session(slot) {
                session.send_mix(&mixer.mix, voice, &mut shared, now);
            }
        }
    }
}

impl Session {
    fn send_mix(&mut self, mix: &Mix, voice: &Voice, shared: &mut Shared, now: Micros) {
        if self.is_covered() || !self.sends() {
            return;
        }
        let Some(&(payload_type, codec)) = self.remote.as_ref().and_then(|remote| remote.codecs.first())
        else {
            return;
        };
        let mut packet = [0u8; HEADER_LEN + FRAME];
        let payload = &mut packet[HEADER_LEN..];
        let mut frame = [0; FRAME];
        if voice.speaks {
            mix.without(&voice.frame, &mut frame);
            codec.encode(&frame, payload);
        } else {
            let encoded = shared[codec.index()].get_or_insert_with(|| {
                let mut encoded = [0; FRAME];
                mix.all(&mut frame);
                codec.encode(&frame, &mut encoded);
                encoded
            });
            payload.copy_from_slice(encoded);
        }
        let header = self.tx.made(now, kind::MIX, payload_type, FRAME as u32);
        self.send(header, &mut packet);
    }
}
