//! A piece of sound in memory, ready to be sent as G.711; other codecs encode its samples.

use crate::g711::Law;
use crate::{SAMPLE_RATE, resample};

const WIDE_RATE: u32 = 16_000;

/// Sound as samples of 16 kHz, and as payload of either law, so that sending it is copying. Lengths and places are in samples of
/// 8 kHz, of which each is one byte of payload and two samples.
#[derive(Debug, PartialEq, Eq)]
pub struct Sound {
    wide: Box<[i16]>,
    encoded: [Box<[u8]>; Law::ALL.len()],
}

impl Sound {
    /// Sound of 8 kHz.
    pub fn new(samples: Vec<i16>) -> Sound {
        Sound::of(&samples, SAMPLE_RATE)
    }

    /// Sound of 8000, 16,000 or 48,000 Hz. Where it is brought to another rate its end leads into its beginning: it may be a loop.
    pub fn of(samples: &[i16], rate: u32) -> Sound {
        let length = samples.len() / (rate / SAMPLE_RATE) as usize;
        let at = |wanted: u32| {
            let count = length * (wanted / SAMPLE_RATE) as usize;
            if rate == wanted {
                return samples[..count].to_vec();
            }
            let mut out = vec![0; count];
            if count > 0 {
                resample::read(samples, rate, wanted, 0, &mut out, true);
            }
            out
        };
        let narrow = at(SAMPLE_RATE);
        let encoded = Law::ALL.map(|law| {
            let mut payload = vec![0; length].into_boxed_slice();
            law.encode(&narrow, &mut payload);
            payload
        });
        Sound { wide: at(WIDE_RATE).into_boxed_slice(), encoded }
    }

    /// Length in samples.
    pub fn len(&self) -> usize {
        self.wide.len() / 2
    }

    pub fn is_empty(&self) -> bool {
        self.wide.is_empty()
    }

    /// Length in ms.
    pub fn ms(&self) -> u32 {
        (self.len() / 8) as u32
    }

    /// Memory it takes, in bytes.
    pub fn bytes(&self) -> usize {
        self.len() * (4 + Law::ALL.len())
    }

    /// Copies payload from `at` on into the beginning of `out`; returns how many samples there were.
    pub fn payload(&self, law: Law, at: usize, out: &mut [u8]) -> usize {
        copy(&self.encoded[law.index()], at, out)
    }

    /// Copies samples of 16 kHz from `at` on into the beginning of `out`, whose length is even; returns how many there were, of
    /// 8 kHz.
    pub fn frame(&self, at: usize, out: &mut [i16]) -> usize {
        copy(&self.wide, 2 * at, out) / 2
    }

    /// Fills `out` with payload from `at` on, over and over; returns where to go on. The sound must not be empty.
    pub fn looped(&self, law: Law, at: usize, out: &mut [u8]) -> usize {
        self.around(at, out, 1, |at, out| self.payload(law, at, out))
    }

    /// Like [`Sound::looped`], as samples of 16 kHz.
    pub fn looped_frame(&self, at: usize, out: &mut [i16]) -> usize {
        self.around(at, out, 2, |at, out| self.frame(at, out))
    }

    fn around<T>(
        &self,
        at: usize,
        out: &mut [T],
        unit: usize,
        copy: impl Fn(usize, &mut [T]) -> usize,
    ) -> usize {
        let (mut at, mut filled) = (at % self.len(), 0);
        while filled < out.len() {
            let copied = copy(at, &mut out[filled..]);
            filled += copied * unit;
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

#[cfg(test)]
mod tests {
    use super::*;

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

    /// The level of a tone in the narrow form of a wide tone, in dB of the wide one.
    fn narrowed(hertz: f64, heard: f64) -> f64 {
        let wide: Vec<i16> = (0..32_000)
            .map(|i| ((f64::from(i) * std::f64::consts::TAU * hertz / 16_000.0).sin() * 16_000.0) as i16)
            .collect();
        let sound = Sound::of(&wide, WIDE_RATE);
        let (mut payload, mut narrow) = (vec![0; 8_000], vec![0; 8_000]);
        sound.payload(Law::Mu, 4_000, &mut payload);
        Law::Mu.decode(&payload, &mut narrow);
        let (mut re, mut im) = (0.0, 0.0);
        for (i, &sample) in narrow.iter().enumerate() {
            let angle = i as f64 * std::f64::consts::TAU * heard / 8_000.0;
            re += f64::from(sample) * angle.cos();
            im += f64::from(sample) * angle.sin();
        }
        20.0 * (2.0 * f64::hypot(re, im) / 8_000.0 / 16_000.0).log10()
    }

    #[test]
    fn what_g711_cannot_carry_of_wide_sound_is_not_folded_into_what_it_can() {
        for hertz in (300..=3_400).step_by(100) {
            let level = narrowed(f64::from(hertz), f64::from(hertz));
            assert!(level.abs() < 1.0, "{hertz} Hz comes at {level} dB");
        }
        for hertz in (4_250..8_000).step_by(250) {
            let level = narrowed(f64::from(hertz), f64::from(8_000 - hertz));
            assert!(level < -55.0, "{hertz} Hz comes at {level} dB as {} Hz", 8_000 - hertz);
        }
    }

    #[test]
    fn wide_sound_stays_wide_and_has_its_narrow_form_beside() {
        let wide: Vec<i16> = (0..1600).map(|i| ((f64::from(i) * 0.3).sin() * 9000.0) as i16).collect();
        let sound = Sound::of(&wide, WIDE_RATE);
        assert_eq!((sound.len(), sound.ms()), (800, 100));
        let mut frame = [0; 320];
        assert_eq!(sound.frame(100, &mut frame), 160);
        assert_eq!(frame[..], wide[200..520]);
        assert_eq!(sound.frame(720, &mut frame), 80);
        let mut payload = [0; 160];
        assert_eq!(sound.payload(Law::A, 100, &mut payload), 160);
        let mut narrow = [0; 160];
        Law::A.decode(&payload, &mut narrow);
        let far =
            narrow.iter().zip(wide[200..].iter().step_by(2)).filter(|(a, b)| a.abs_diff(**b) > 500).count();
        assert!(far < 8, "{far} of 160 samples are elsewhere");
    }
}
