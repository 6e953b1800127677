//! A piece of sound in memory, ready to be sent as G.711; other codecs encode its samples.

use crate::g711::Law;

/// Sound of 8 kHz as samples and as payload of either law, so that sending it is copying.
#[derive(Debug, PartialEq, Eq)]
pub struct Sound {
    samples: Box<[i16]>,
    encoded: [Box<[u8]>; Law::ALL.len()],
}

impl Sound {
    /// Encodes `samples` once for either law.
    pub fn new(samples: Vec<i16>) -> Sound {
        let encoded = Law::ALL.map(|law| {
            let mut payload = vec![0; samples.len()].into_boxed_slice();
            law.encode(&samples, &mut payload);
            payload
        });
        Sound { samples: samples.into_boxed_slice(), encoded }
    }

    /// Length in samples.
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// Length in ms.
    pub fn ms(&self) -> u32 {
        (self.samples.len() / 8) as u32
    }

    /// Memory it takes, in bytes.
    pub fn bytes(&self) -> usize {
        self.samples.len() * (2 + Law::ALL.len())
    }

    /// Copies payload from `at` on into the beginning of `out`; returns how much there was.
    pub fn payload(&self, law: Law, at: usize, out: &mut [u8]) -> usize {
        copy(&self.encoded[law.index()], at, out)
    }

    /// Copies samples from `at` on into the beginning of `out`; returns how many there were.
    pub fn frame(&self, at: usize, out: &mut [i16]) -> usize {
        copy(&self.samples, at, out)
    }

    /// Fills `out` with payload from `at` on, over and over; returns where to go on. The sound must not be empty.
    pub fn looped(&self, law: Law, at: usize, out: &mut [u8]) -> usize {
        self.around(at, out, |at, out| self.payload(law, at, out))
    }

    /// Like [`Sound::looped`], as samples.
    pub fn looped_frame(&self, at: usize, out: &mut [i16]) -> usize {
        self.around(at, out, |at, out| self.frame(at, out))
    }

    fn around<T>(&self, at: usize, out: &mut [T], copy: impl Fn(usize, &mut [T]) -> usize) -> usize {
        let (mut at, mut filled) = (at % self.len(), 0);
        while filled < out.len() {
            let copied = copy(at, &mut out[filled..]);
            filled += copied;
            at = (at + copied) % self.len();
        }
        at
    }
}

fn copy<T: Copy>(from: &[T], at: usize, out: &mut [T]) -> usize {
    let rest = from.get(at..).unwrap_or(&[]);
    let count = rest.len().min(out.len());
    out[..count].copy_from_slice(&rest[..count]);
    count
}

/// Plays sounds one after the other without a gap.
#[derive(Clone, Debug)]
pub struct Playlist {
    sounds: Vec<std::sync::Arc<Sound>>,
    repeat: bool,
    index: usize,
    at: usize,
}

impl Playlist {
    /// A list to be played once, or for ever with `repeat` (which a list without sound cannot be).
    pub fn new(sounds: Vec<std::sync::Arc<Sound>>, repeat: bool) -> Playlist {
        let repeat = repeat && sounds.iter().any(|sound| !sound.is_empty());
        Playlist { sounds, repeat, index: 0, at: 0 }
    }

    /// Adds a sound at the end.
    pub fn push(&mut self, sound: std::sync::Arc<Sound>) {
        self.sounds.push(sound);
    }

    /// Fills `out` with the next payload, and with silence behind the end; false when nothing was left.
    pub fn payload(&mut self, law: Law, out: &mut [u8]) -> bool {
        let filled = self.fill(out, |sound, at, out| sound.payload(law, at, out));
        out[filled..].fill(law.silence());
        filled > 0
    }

    /// Like [`Playlist::payload`], as samples.
    pub fn frame(&mut self, out: &mut [i16]) -> bool {
        let filled = self.fill(out, Sound::frame);
        out[filled..].fill(0);
        filled > 0
    }

    fn fill<T>(&mut self, out: &mut [T], copy: impl Fn(&Sound, usize, &mut [T]) -> usize) -> usize {
        let mut filled = 0;
        while filled < out.len() {
            let Some(sound) = self.sounds.get(self.index) else { break };
            let copied = copy(sound, self.at, &mut out[filled..]);
            filled += copied;
            self.at += copied;
            if self.at >= sound.len() {
                (self.index, self.at) = (self.index + 1, 0);
                if self.repeat && self.index == self.sounds.len() {
                    self.index = 0;
                }
            }
        }
        filled
    }

    /// Whether everything was played.
    pub fn is_over(&self) -> bool {
        self.index >= self.sounds.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FRAME;
    use std::sync::Arc;

    fn sound(value: i16, length: usize) -> Arc<Sound> {
        Arc::new(Sound::new(vec![value; length]))
    }

    #[test]
    fn files_follow_each_other_without_a_gap_and_end_in_silence() {
        let mut list = Playlist::new(vec![sound(1000, 100), sound(-1000, 100)], false);
        let mut frame = [7; FRAME];
        assert!(list.frame(&mut frame));
        assert_eq!((frame[99], frame[100]), (1000, -1000));
        assert!(!list.is_over());
        let mut payload = [0; FRAME];
        assert!(list.payload(Law::A, &mut payload));
        assert_eq!((payload[40], payload[39] == payload[40]), (Law::A.silence(), false));
        assert!(list.is_over());
        assert!(!list.frame(&mut frame));
        assert_eq!(frame, [0; FRAME]);
    }

    #[test]
    fn a_repeated_list_has_no_end_but_an_empty_one_has() {
        let mut list = Playlist::new(vec![sound(1000, 100)], true);
        let mut frame = [0; FRAME];
        for _ in 0..10 {
            assert!(list.frame(&mut frame));
            assert_eq!(frame, [1000; FRAME]);
        }
        let mut empty = Playlist::new(vec![sound(0, 0)], true);
        assert!(!empty.frame(&mut frame));
        assert!(empty.is_over());
    }

    #[test]
    fn a_loop_goes_on_where_it_stopped() {
        let sound = Sound::new((0..250).map(|i| i * 100).collect());
        let mut whole = vec![0; 1000];
        sound.looped(Law::Mu, 0, &mut whole);
        let (mut at, mut pieces) = (0, Vec::new());
        while pieces.len() < 1000 {
            let mut piece = [0; 160];
            at = sound.looped(Law::Mu, at, &mut piece);
            pieces.extend(piece);
        }
        assert_eq!(pieces[..1000], whole);
    }
}
