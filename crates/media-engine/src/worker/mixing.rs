//! Mixers: every 20 ms each member's voice is taken, the loudest are added up, and the sum is sent back without the own voice.
//! As long as nobody is wide, all of it is narrow and cheap; else all of it is wide.
//!
//! What all hear who only listen is encoded once per codec. G.722 and Opus have a state, so that a listener may only be moved
//! between encoders that are in step: one who speaks, or to whom something was played, has his own for a while longer.

use super::session::{Session, kind};
use super::world::World;
use crate::fault;
use crate::orders::{Format, Slot, Source, Subject};
use crate::playlist::Playlist;
use media_proto::codec::{Codec, Encoder};
use media_proto::floor::{self, Claim};
use media_proto::g711::Law;
use media_proto::mixer::{Gain, Mix};
use media_proto::resample::Resampler;
use media_proto::rtp::HEADER_LEN;
use media_proto::{FRAME, FRAME_MICROS, MS, Micros, SAMPLE_RATE, WIDE_FRAME, opus};

/// Ticks for which one who said something keeps an encoder of his own: a second.
const LINGER: u32 = 50;
/// So many ticks before he leaves it the shared one runs beside it, so that they are in step.
pub const IN_STEP: u32 = 10;
/// Ticks after which a shared encoder that nobody needs is given up.
const UNUSED: u32 = 500;

pub struct Mixer {
    slots: Vec<Slot>,
    /// What each member says, in the order of the slots.
    members: Vec<Member>,
    /// Who is to be heard, in the same order.
    claims: Vec<Claim>,
    playing: Option<Playlist>,
    mix: Mix,
    /// What is played, brought to a narrow mix.
    played_down: Option<Box<Resampler>>,
    /// A wide mix, for all who are narrow and only listen.
    down: Option<Box<Resampler>>,
    encoders: Vec<SharedEncoder>,
    /// The sum of the last two ticks.
    before: [[i16; WIDE_FRAME]; 2],
    next: Micros,
}

impl Default for Mixer {
    fn default() -> Mixer {
        Mixer {
            slots: Vec::new(),
            members: Vec::new(),
            claims: Vec::new(),
            playing: None,
            mix: Mix::default(),
            played_down: None,
            down: None,
            encoders: Vec::new(),
            before: [[0; WIDE_FRAME]; 2],
            next: 0,
        }
    }
}

struct Member {
    /// What he says in this tick: first as it came, then as it goes into the mix.
    frame: [i16; WIDE_FRAME],
    rate: u32,
    heard: bool,
    /// Whether he was not heard in the tick before.
    begins: bool,
    /// Whether anything of it is in the mix.
    speaks: bool,
    gain: Gain,
    /// Brings what he says to the rate of the mix.
    resampler: Option<Box<Resampler>>,
    /// Ticks since he last spoke, or anything but the mix was sent to him.
    listens: u32,
}

impl Default for Member {
    fn default() -> Member {
        Member {
            frame: [0; WIDE_FRAME],
            rate: SAMPLE_RATE,
            heard: false,
            begins: true,
            speaks: false,
            gain: Gain::NONE,
            resampler: None,
            listens: 0,
        }
    }
}

impl Mixer {
    pub fn members(&self) -> &[Slot] {
        &self.slots
    }

    pub fn join(&mut self, slot: Slot, now: Micros) {
        if self.slots.is_empty() {
            self.next = now;
        }
        self.slots.push(slot);
        // What he heard before came from his own encoder.
        self.members.push(Member { listens: LINGER - IN_STEP, ..Member::default() });
        self.claims.push(Claim::default());
    }

    pub fn leave(&mut self, slot: Slot) {
        if let Some(at) = self.slots.iter().position(|member| *member == slot) {
            self.slots.swap_remove(at);
            self.members.swap_remove(at);
            self.claims.swap_remove(at);
        }
    }

    /// Plays to everybody, instead of what was played before.
    pub fn play(&mut self, list: Playlist) {
        self.playing = Some(list);
    }

    pub fn next_due(&self) -> Micros {
        if self.slots.is_empty() { Micros::MAX } else { self.next }
    }

    /// Adds what is played to the mix.
    fn add_played(&mut self, rate: u32) {
        let Some(list) = &mut self.playing else { return };
        let (mut narrow, mut frame) = ([0; FRAME], [0; WIDE_FRAME]);
        list.frame(&mut frame);
        if rate == SAMPLE_RATE {
            let down = self.played_down.get_or_insert_with(|| Box::new(Resampler::new(16_000, SAMPLE_RATE)));
            down.process(&frame, &mut narrow);
            self.mix.add(&narrow);
        } else {
            self.mix.add(&frame);
        }
        if list.end().is_some() {
            self.playing = None;
        }
    }
}

/// An encoder for all who only listen and have the same codec with the same settings.
struct SharedEncoder {
    what: (Codec, opus::Settings),
    encoder: Encoder,
    /// What this tick's mix was encoded to, once it was.
    payload: [u8; opus::MAX_PAYLOAD],
    length: Option<usize>,
    unused: u32,
}

impl SharedEncoder {
    fn payload(&mut self, all: &[i16; WIDE_FRAME]) -> &[u8] {
        let length = match self.length {
            Some(length) => length,
            None => *self.length.insert(self.encoder.encode(all, &mut self.payload)),
        };
        self.unused = 0;
        &self.payload[..length]
    }
}

/// The mix as those get it who only listen, made at its first use.
struct Shared<'a> {
    /// Whose work it is, whoever gets it first.
    mixer: Subject,
    mix: &'a Mix,
    rate: u32,
    all: Option<[i16; WIDE_FRAME]>,
    narrow: Option<[i16; FRAME]>,
    encoded: [Option<[u8; FRAME]>; Law::ALL.len()],
    down: &'a mut Option<Box<Resampler>>,
    encoders: &'a mut Vec<SharedEncoder>,
}

impl Shared<'_> {
    fn all(&mut self) -> &[i16; WIDE_FRAME] {
        self.all.get_or_insert_with(|| {
            let mut all = [0; WIDE_FRAME];
            fault::within(self.mixer, || self.mix.all(&mut all));
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
                fault::within(self.mixer, || down.process(&all, &mut narrow));
            }
        }
        *self.narrow.insert(narrow)
    }

    fn encoded(&mut self, law: Law) -> &[u8; FRAME] {
        let index = law.index();
        if self.encoded[index].is_none() {
            let narrow = self.narrow();
            law.encode(&narrow, self.encoded[index].insert([0; FRAME]));
        }
        self.encoded[index].get_or_insert([law.silence(); FRAME])
    }

    /// The wide mix in a codec with a state; `None` when there is no memory for another encoder.
    fn encoded_wide(&mut self, what: (Codec, opus::Settings)) -> Option<&[u8]> {
        let all = *self.all();
        let at = match self.encoders.iter().position(|shared| shared.what == what) {
            Some(at) => at,
            None => {
                let encoder = Encoder::new(what.0, what.1)?;
                let payload = [0; opus::MAX_PAYLOAD];
                self.encoders.push(SharedEncoder { what, encoder, payload, length: None, unused: 0 });
                self.encoders.len() - 1
            }
        };
        let encoder = &mut self.encoders[at];
        Some(fault::within(self.mixer, || encoder.payload(&all)))
    }
}

/// What a leg is sent, with all that its encoding depends on.
pub fn wide_format(session: &Session) -> Option<(Format<Codec>, (Codec, opus::Settings))> {
    let remote = session.remote.as_ref()?;
    let format = *remote.codecs.first()?;
    let settings = if format.what == Codec::Opus { remote.opus } else { opus::Settings::default() };
    Some((format, (format.what, settings)))
}

impl World {
    /// Runs the mixers that are due.
    pub fn tick_mixers(&mut self, now: Micros) {
        for at in 0..self.mixers.len() {
            // Taken out for the time of the work, since the members are elsewhere in the same world.
            let Some(mut mixer) = self.mixers[at].take_if(|mixer| mixer.next_due() <= now) else { continue };
            let subject = Subject::Mixer(at as Slot);
            self.guarded(subject, |world| world.mix(subject, &mut mixer, now));
            self.mixers[at] = Some(mixer);
        }
    }

    /// One tick of a mixer. What is done for one member is his own fault, and the rest is that of all (`subject`).
    fn mix(&mut self, subject: Subject, mixer: &mut Mixer, now: Micros) {
        mixer.next += FRAME_MICROS;
        if mixer.next + 100 * MS < now {
            mixer.next = now + FRAME_MICROS;
        }
        let is_wide = |world: &mut World, slot| {
            world.session(slot).is_some_and(|session| session.coders.encoder.is_some())
        };
        let rate = if mixer.slots.iter().any(|&slot| is_wide(self, slot)) { 16_000 } else { SAMPLE_RATE };
        self.listen_to_members(mixer, now);
        fault::work_for(subject);
        floor::seat(&mut mixer.claims);
        mixer.mix.clear();
        for ((&slot, member), claim) in mixer.slots.iter().zip(&mut mixer.members).zip(&mixer.claims) {
            fault::work_for(Subject::Session(slot));
            let Some(session) = self.session(slot) else { continue };
            member.speak(if claim.is_seated() { session.voice } else { Gain::NONE }, rate);
            if member.speaks {
                mixer.mix.add(&member.frame[..rate as usize / 50]);
                if member.listens > LINGER {
                    session.take_over(&mixer.encoders, &mixer.before);
                }
                member.listens = 0;
            }
        }
        fault::work_for(subject);
        mixer.add_played(rate);
        let Mixer { mix, down, slots, members, encoders, .. } = mixer;
        for shared in encoders.iter_mut() {
            (shared.length, shared.unused) = (None, shared.unused + 1);
        }
        encoders.retain(|shared| shared.unused < UNUSED);
        let encoded = Default::default();
        let mut shared =
            Shared { mixer: subject, mix, rate, all: None, narrow: None, encoded, down, encoders };
        for (&slot, member) in slots.iter().zip(members.iter_mut()) {
            fault::work_for(Subject::Session(slot));
            if let Some(session) = self.session(slot) {
                session.send_mix(member, &mut shared, now);
            }
        }
        fault::work_for(subject);
        let all = *shared.all();
        mixer.before = [mixer.before[1], all];
    }

    /// Takes what each member says in this tick, at the rate at which it comes.
    fn listen_to_members(&mut self, mixer: &mut Mixer, now: Micros) {
        for ((&slot, member), claim) in mixer.slots.iter().zip(&mut mixer.members).zip(&mut mixer.claims) {
            fault::work_for(Subject::Session(slot));
            member.begins = !std::mem::take(&mut member.heard);
            let Some(session) = self.session(slot) else { continue };
            let mut said = 0;
            if let (Some(ear), Some(spoken)) = (session.ear.as_deref_mut(), session.spoken.as_deref_mut()) {
                member.rate = spoken.rate();
                let frame = &mut member.frame[..member.rate as usize / 50];
                member.heard = ear.take(spoken, now, frame, member.rate);
                if member.heard && session.voice != Gain::NONE {
                    said = frame.len();
                }
            }
            claim.hear(&member.frame[..said]);
        }
    }

    /// Something else than the mix will be sent to a session: it goes on with its own encoder from where the shared one is.
    pub fn leave_shared_encoder(&mut self, slot: Slot) {
        self.leave_music(slot);
        let Some(session) = self.sessions.get_mut(slot as usize).and_then(Option::as_deref_mut) else {
            return;
        };
        let Source::Mixer(mixer) = session.source else { return };
        let Some(mixer) = self.mixers.get_mut(mixer as usize).and_then(Option::as_deref_mut) else { return };
        let Some(at) = mixer.slots.iter().position(|member| *member == slot) else { return };
        if mixer.members[at].listens >= LINGER {
            session.take_over(&mixer.encoders, &mixer.before);
        }
        mixer.members[at].listens = 0;
    }
}

impl Member {
    /// Makes of what he says what goes into the mix.
    fn speak(&mut self, to: Gain, rate: u32) {
        let before = std::mem::replace(&mut self.gain, to);
        let from = if self.begins { to } else { before }; // behind silence nothing can click
        self.speaks = self.heard && (from, to) != (Gain::NONE, Gain::NONE);
        self.listens = self.listens.saturating_add(1);
        if !self.speaks {
            return;
        }
        if self.rate != rate {
            let resampler = match &mut self.resampler {
                Some(resampler) if resampler.is(self.rate, rate) => resampler,
                other => other.insert(Box::new(Resampler::new(self.rate, rate))),
            };
            let (samples, mut resampled) = (self.rate as usize / 50, [0; WIDE_FRAME]);
            resampler.process(&self.frame[..samples], &mut resampled[..rate as usize / 50]);
            self.frame = resampled;
        }
        from.ramp(to, &mut self.frame[..rate as usize / 50]);
    }
}

impl Session {
    /// Goes on with its own encoder from where the shared one of its codec is.
    fn take_over(&mut self, encoders: &[SharedEncoder], before: &[[i16; WIDE_FRAME]; 2]) {
        let Some((_, what)) = wide_format(self) else { return };
        if let Some(encoder) = &mut self.coders.encoder
            && let Some(shared) = encoders.iter().find(|shared| shared.what == what)
        {
            encoder.take_over(&shared.encoder, before);
        }
    }

    fn send_mix(&mut self, member: &mut Member, shared: &mut Shared<'_>, now: Micros) {
        if self.is_covered() || !self.sends() {
            member.listens = 0;
            return;
        }
        let Some((format, what)) = wide_format(self) else { return };
        let samples = shared.rate as usize / 50;
        let mut frame = [0; WIDE_FRAME];
        if member.speaks {
            shared.mix.without(&member.frame[..samples], &mut frame[..samples]);
        }
        let Some(law) = format.what.law() else {
            return self.send_wide_mix(format, what, member, &frame, shared, now);
        };
        let mut packet = [0u8; HEADER_LEN + FRAME];
        let payload = &mut packet[HEADER_LEN..];
        match (member.speaks, shared.rate) {
            (false, _) => payload.copy_from_slice(shared.encoded(law)),
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

    /// A codec with a state. `without` is the mix without this member, if he speaks.
    fn send_wide_mix(
        &mut self,
        format: Format<Codec>,
        what: (Codec, opus::Settings),
        member: &mut Member,
        without: &[i16; WIDE_FRAME],
        shared: &mut Shared<'_>,
        now: Micros,
    ) {
        if member.speaks {
            self.send_wide(format, kind::MIX, without, now);
        } else if member.listens < LINGER {
            if member.listens + IN_STEP >= LINGER {
                shared.encoded_wide(what);
            }
            let all = *shared.all();
            self.send_wide(format, kind::MIX, &all, now);
        } else if let Some(payload) = shared.encoded_wide(what) {
            self.send_payload(format, kind::MIX, payload, now);
        }
    }
}
