//! Endless sound (hold music, tones) for codecs with a state: encoded once for all who hear it, as a mixer's sum is.
//!
//! Frames are numbered by the clock: one that is due at a time has that time's number. So all who hear a sound hear the same moment of
//! it, each when its own packet is due, and whoever is first has the frame encoded for the others. One who begins has an encoder of
//! his own until it is in step with the shared one ([`super::mixing`] says why).

use super::mixing::{IN_STEP, wide_format};
use super::session::kind;
use super::world::World;
use crate::orders::{Slot, Source};
use media_proto::codec::{Codec, Encoder};
use media_proto::sound::Sound;
use media_proto::{FRAME, FRAME_MICROS, Micros, WIDE_FRAME, opus};
use std::sync::{Arc, Weak};

/// Frames that are kept for those whose packets are due later, or late.
const KEPT: u64 = 8;
/// Frames after which a sound that nobody hears any more is given up: 10 s.
const UNUSED: u64 = 500;

/// What is encoded once for all who hear it.
#[derive(Default)]
pub struct Music(Vec<Shared>);

struct Shared {
    sound: Weak<Sound>,
    what: (Codec, opus::Settings),
    encoder: Encoder,
    /// The number of the last frame that was encoded.
    last: u64,
    frames: [Frame; KEPT as usize],
}

#[derive(Clone, Copy)]
struct Frame {
    number: u64,
    length: usize,
    payload: [u8; opus::MAX_PAYLOAD],
}

/// The number of the frame that is due at a time.
fn number(due: Micros) -> u64 {
    due / FRAME_MICROS
}

/// A frame of an endless sound.
fn frame(sound: &Sound, number: u64) -> [i16; WIDE_FRAME] {
    let mut frame = [0; WIDE_FRAME];
    sound.looped_frame((number % sound.len() as u64) as usize * FRAME, &mut frame);
    frame
}

impl Music {
    fn find(&self, sound: &Arc<Sound>, what: (Codec, opus::Settings)) -> Option<usize> {
        self.0.iter().position(|shared| shared.what == what && shared.sound.as_ptr() == Arc::as_ptr(sound))
    }

    /// A frame as all get it; `None` when there is no memory for an encoder, or everybody is further.
    fn payload(&mut self, sound: &Arc<Sound>, what: (Codec, opus::Settings), number: u64) -> Option<&[u8]> {
        let at = match self.find(sound, what) {
            Some(at) => at,
            None => {
                self.0.retain(|shared| shared.last + UNUSED > number && shared.sound.strong_count() > 0);
                let empty = Frame { number: 0, length: 0, payload: [0; opus::MAX_PAYLOAD] };
                let (encoder, frames) = (Encoder::new(what.0, what.1)?, [empty; KEPT as usize]);
                let last = number.saturating_sub(1);
                self.0.push(Shared { sound: Arc::downgrade(sound), what, encoder, last, frames });
                self.0.len() - 1
            }
        };
        let shared = &mut self.0[at];
        // Behind a pause in which nobody listened what was before it does not matter.
        shared.last = shared.last.max(number.saturating_sub(KEPT));
        while shared.last < number {
            shared.last += 1;
            let slot = &mut shared.frames[(shared.last % KEPT) as usize];
            slot.number = shared.last;
            slot.length = shared.encoder.encode(&frame(sound, shared.last), &mut slot.payload);
        }
        let kept = &shared.frames[(number % KEPT) as usize];
        (kept.number == number).then(|| &kept.payload[..kept.length])
    }
}

impl World {
    /// Sends a session its frame of an endless sound that was due at a time; false when that is no business of this: it hears
    /// something else, or in G.711.
    pub fn send_music(&mut self, slot: Slot, due: Micros, now: Micros) -> bool {
        let Some(session) = self.sessions.get_mut(slot as usize).and_then(Option::as_deref_mut) else {
            return false;
        };
        let Source::Loop(sound) = &session.source else { return false };
        let Some((format, what)) = wide_format(session).filter(|(format, _)| format.what.law().is_none())
        else {
            return false;
        };
        if session.is_covered() {
            return false;
        }
        let (sound, number) = (sound.clone(), number(due));
        let shared = self.music.payload(&sound, what, number);
        match shared {
            Some(payload) if session.in_step >= IN_STEP => {
                session.send_payload(format, kind::LOOP, payload, now);
            }
            _ => session.send_wide(format, kind::LOOP, &frame(&sound, number), now),
        }
        session.in_step = session.in_step.saturating_add(1);
        true
    }

    /// Something else will be sent to a session that hears an endless sound: it goes on with its own encoder.
    pub fn leave_music(&mut self, slot: Slot) {
        let Some(session) = self.sessions.get_mut(slot as usize).and_then(Option::as_deref_mut) else {
            return;
        };
        let in_step = std::mem::take(&mut session.in_step) >= IN_STEP;
        let (true, Source::Loop(sound), Some((_, what))) = (in_step, &session.source, wide_format(session))
        else {
            return;
        };
        if let Some(shared) = self.music.find(sound, what).map(|at| &self.music.0[at])
            && let Some(encoder) = &mut session.coders.encoder
        {
            let before = [frame(sound, shared.last.saturating_sub(1)), frame(sound, shared.last)];
            encoder.take_over(&shared.encoder, &before);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_has_a_frame_for_every_number_and_goes_on_over_its_end() {
        let sound = Sound::of(&(0..2_100).collect::<Vec<i16>>(), 16_000);
        assert_eq!(sound.len(), 1_050);
        assert_eq!((frame(&sound, 0)[0], frame(&sound, 1)[0], frame(&sound, 6)[319]), (0, 320, 139));
        let far = u64::MAX / FRAME_MICROS;
        assert_ne!(frame(&sound, far), frame(&sound, far - 1));
    }

    #[test]
    fn a_frame_is_encoded_once_and_kept_for_who_is_later() {
        let sound = Arc::new(Sound::new((0..8_000).map(|i| i * 3).collect()));
        let what = (Codec::G722, opus::Settings::default());
        let mut music = Music::default();
        let first = music.payload(&sound, what, 1_000).unwrap().to_vec();
        let next = music.payload(&sound, what, 1_001).unwrap().to_vec();
        assert_ne!(first, next);
        assert_eq!(music.payload(&sound, what, 1_000).unwrap(), first, "not encoded again");
        assert_eq!(music.payload(&sound, what, 1_001).unwrap(), next);
        assert!(music.payload(&sound, what, 900).is_none(), "too late for that");
        assert!(music.payload(&sound, (Codec::Opus, what.1), 1_001).is_some());
        assert_eq!(music.0.len(), 2);
        drop(sound);
        let other = Arc::new(Sound::new(vec![0; 8_000]));
        assert!(music.payload(&other, what, 1_002).is_some());
        assert_eq!(music.0.len(), 1, "what nobody can hear any more is given up");
    }
}
