//! Mixers: every 20 ms each member's voice is taken, added up, and sent back without his own. As long as nobody is wide, all of
//! it is narrow and cheap; else all of it is wide.

use super::session::{Session, kind};
use super::world::World;
use crate::orders::Slot;
use media_proto::g711::Law;
use media_proto::mixer::Mix;
use media_proto::resample::Resampler;
use media_proto::rtp::HEADER_LEN;
use media_proto::sound::Playlist;
use media_proto::{FRAME, FRAME_MICROS, MS, Micros, SAMPLE_RATE, WIDE_FRAME};

#[derive(Default)]
pub struct Mixer {
    members: Vec<Slot>,
    /// What each member said in this tick, and whether it was anything.
    voices: Vec<Voice>,
    playing: Option<Playlist>,
    mix: Mix,
    /// What is played, brought to a wide mix.
    up: Option<Box<Resampler>>,
    /// A wide mix, for all who are narrow and only listen.
    down: Option<Box<Resampler>>,
    next: Micros,
}

struct Voice {
    frame: [i16; WIDE_FRAME],
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
        self.voices.push(Voice { frame: [0; WIDE_FRAME], speaks: false });
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

/// The mix as those get it who only listen, made at its first use: as samples for the wide, encoded for the narrow.
struct Shared<'a> {
    mix: &'a Mix,
    rate: u32,
    all: Option<[i16; WIDE_FRAME]>,
    narrow: Option<[i16; FRAME]>,
    encoded: [Option<[u8; FRAME]>; Law::ALL.len()],
    down: &'a mut Option<Box<Resampler>>,
}

impl Shared<'_> {
    fn all(&mut self) -> &[i16; WIDE_FRAME] {
        self.all.get_or_insert_with(|| {
            let mut all = [0; WIDE_FRAME];
            self.mix.all(&mut all);
            all
        })
    }

    fn narrow(&mut self) -> [i16; FRAME] {
        if let Some(narrow) = self.narrow {
            return narrow;
        }
        let (all, mut narrow) = (*self.all(), [0; FRAME]);
        match self.rate {
            SAMPLE_RATE => narrow.copy_from_slice(&all[..FRAME]),
            _ => {
                let down = self.down.get_or_insert_with(|| Box::new(Resampler::new(16_000, 8_000)));
                down.process(&all, &mut narrow);
            }
        }
        *self.narrow.insert(narrow)
    }

    fn encoded(&mut self, law: Law) -> [u8; FRAME] {
        if let Some(encoded) = self.encoded[law.index()] {
            return encoded;
        }
        let mut encoded = [0; FRAME];
        law.encode(&self.narrow(), &mut encoded);
        *self.encoded[law.index()].insert(encoded)
    }
}

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
        let is_wide = |world: &mut World, slot| {
            world.session(slot).is_some_and(|session| session.coders.encoder.is_some())
        };
        let rate = if mixer.members.iter().any(|&slot| is_wide(self, slot)) { 16_000 } else { SAMPLE_RATE };
        let samples = rate as usize / 50;
        mixer.mix.clear();
        for (&slot, voice) in mixer.members.iter().zip(&mut mixer.voices) {
            self.current = slot;
            let ear = self.session(slot).and_then(|session| session.ear.as_deref_mut());
            let frame = &mut voice.frame[..samples];
            voice.speaks =
                ear.is_some_and(|ear| ear.take(frame, rate)) && frame.iter().any(|&sample| sample != 0);
            if voice.speaks {
                mixer.mix.add(frame);
            }
        }
        if let Some(list) = &mut mixer.playing {
            let (mut narrow, mut frame) = ([0; FRAME], [0; WIDE_FRAME]);
            list.frame(&mut narrow);
            if rate == SAMPLE_RATE {
                mixer.mix.add(&narrow);
            } else {
                let up = mixer.up.get_or_insert_with(|| Box::new(Resampler::new(8_000, 16_000)));
                up.process(&narrow, &mut frame);
                mixer.mix.add(&frame);
            }
            if list.is_over() {
                mixer.playing = None;
            }
        }
        let Mixer { mix, down, members, voices, .. } = mixer;
        let mut shared = Shared { mix, rate, all: None, narrow: None, encoded: Default::default(), down };
        for (&slot, voice) in members.iter().zip(voices.iter()) {
            self.current = slot;
            if let Some(session) = self.session(slot) {
                session.send_mix(voice, &mut shared, now);
            }
        }
    }
}

impl Session {
    fn send_mix(&mut self, voice: &Voice, shared: &mut Shared<'_>, now: Micros) {
        if self.is_covered() || !self.sends() {
            return;
        }
        let Some(&format) = self.remote.as_ref().and_then(|remote| remote.codecs.first()) else { return };
        let samples = shared.rate as usize / 50;
        let mut frame = [0; WIDE_FRAME];
        if voice.speaks {
            shared.mix.without(&voice.frame[..samples], &mut frame[..samples]);
        }
        let Some(law) = format.what.law() else {
            let frame = if voice.speaks { &frame } else { shared.all() };
            self.send_wide(format, kind::MIX, frame, now);
            return;
        };
        let mut packet = [0u8; HEADER_LEN + FRAME];
        let payload = &mut packet[HEADER_LEN..];
        match (voice.speaks, shared.rate) {
            (false, _) => payload.copy_from_slice(&shared.encoded(law)),
            (true, SAMPLE_RATE) => {
                law.encode(&frame[..FRAME], payload);
            }
            (true, _) => {
                let mut narrow = [0; FRAME];
                let down = self.coders.down.get_or_insert_with(|| Box::new(Resampler::new(16_000, 8_000)));
                down.process(&frame, &mut narrow);
                law.encode(&narrow, payload);
            }
        }
        self.tx.set_clock(now, SAMPLE_RATE);
        let header = self.tx.made(now, kind::MIX, format.pt, FRAME as u32, FRAME);
        self.send(header, &mut packet);
    }
}
