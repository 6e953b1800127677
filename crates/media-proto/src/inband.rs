//! Keys as they sound (ITU-T Q.23, Q.24), for peers that have no telephone-event.
//!
//! Windows of 20 ms, every 10 ms, are looked at with a Goertzel filter for each of the eight frequencies. A key is two of them
//! that hold nearly all of the energy, about as loud as each other, without the second harmonic that voices have, for 40 ms.

use crate::codec::{Codec, Decoder};
use std::f64::consts::TAU;

const ROWS: [f64; 4] = [697.0, 770.0, 852.0, 941.0];
const COLUMNS: [f64; 4] = [1_209.0, 1_336.0, 1_477.0, 1_633.0];
const KEYS: &[u8; 16] = b"123A456B789C*0#D";
/// Samples of 8 kHz that are looked at together, and after how many they are looked at again.
const WINDOW: usize = 160;
const STEP: usize = 80;
/// The softest key, as a root mean square of the window: −38 dBFS.
const FAINTEST: f32 = 400.0;
/// The share of the window's energy that its two tones must have.
const PURE: f32 = 0.75;
/// How far a tone may be off, so that another filter beside its own finds all of it.
const BESIDE: f64 = 0.012;
/// How much louder the row (4 dB) and the column (8 dB, with a margin) may be than the other, in power.
const ROW_LOUDER: f32 = 4.0;
const COLUMN_LOUDER: f32 = 8.0;
/// Every other frequency of its group is weaker by this, in power.
const CLEAR: f32 = 6.0;
/// What the second harmonic of a column may have of it, in power: a voice has much of it.
const HARMONIC: f32 = 0.08;
/// Windows in a row that make a key (20 + 2 × 10 ms), and that end it: a lost packet does not.
const BEGINS: u8 = 3;
const ENDS: u8 = 5;

/// The coefficients for one tone, for those a little below and above it, and for its second harmonic.
#[derive(Clone, Copy, Debug)]
struct Filter {
    tone: f32,
    beside: [f32; 2],
    harmonic: f32,
}

impl Filter {
    fn new(frequency: f64) -> Filter {
        let of = |factor: f64| coefficient(frequency * factor);
        Filter { tone: of(1.0), beside: [of(1.0 - BESIDE), of(1.0 + BESIDE)], harmonic: of(2.0) }
    }
}

/// How long a key has been down when it is told, in ms.
pub const KNOWN_MS: u32 = 40;

/// One filter: its coefficient.
fn coefficient(frequency: f64) -> f32 {
    (2.0 * (TAU * frequency / 8_000.0).cos()) as f32
}

/// The power of a frequency in a window, so that a pure tone has the power of the window.
fn power(samples: &[f32; WINDOW], coefficient: f32) -> f32 {
    let (mut one, mut two) = (0.0f32, 0.0f32);
    for &sample in samples {
        let zero = sample + coefficient * one - two;
        (two, one) = (one, zero);
    }
    2.0 * (one * one + two * two - coefficient * one * two) / (WINDOW * WINDOW) as f32
}

/// Finds keys in a voice of 8 kHz.
#[derive(Clone, Debug)]
pub struct Detector {
    filters: [Filter; 8],
    window: [f32; WINDOW],
    filled: usize,
    candidate: Option<u8>,
    seen: u8,
    down: Option<u8>,
    missed: u8,
}

impl Default for Detector {
    fn default() -> Self {
        let [a, b, c, d] = ROWS.map(Filter::new);
        let [e, f, g, h] = COLUMNS.map(Filter::new);
        Detector {
            filters: [a, b, c, d, e, f, g, h],
            window: [0.0; WINDOW],
            filled: 0,
            candidate: None,
            seen: 0,
            down: None,
            missed: 0,
        }
    }
}

impl Detector {
    /// Takes more of the voice; returns a key when it has been down for 40 ms. (Two keys are never found in 60 ms.)
    pub fn hear(&mut self, samples: &[i16]) -> Option<char> {
        let mut found = None;
        for &sample in samples {
            self.window[self.filled] = f32::from(sample);
            self.filled += 1;
            if self.filled == WINDOW {
                found = self.look().or(found);
                self.window.copy_within(STEP.., 0);
                self.filled = WINDOW - STEP;
            }
        }
        found
    }

    fn look(&mut self) -> Option<char> {
        let key = self.key();
        if self.down.is_some() {
            self.missed = if key == self.down { 0 } else { self.missed + 1 };
            if self.missed < ENDS {
                return None;
            }
            self.down = None;
        }
        self.seen = if key.is_some() && key == self.candidate { self.seen + 1 } else { 1 };
        self.candidate = key;
        let key = key.filter(|_| self.seen >= BEGINS)?;
        (self.down, self.missed) = (Some(key), 0);
        Some(char::from(KEYS[usize::from(key)]))
    }

    /// The key that is heard in the window.
    fn key(&self) -> Option<u8> {
        let whole = self.window.iter().map(|sample| sample * sample).sum::<f32>() / WINDOW as f32;
        if whole < FAINTEST * FAINTEST {
            return None;
        }
        let powers = self.filters.map(|filter| power(&self.window, filter.tone));
        let (row, low) = loudest(&powers[..4])?;
        let (column, high) = loudest(&powers[4..])?;
        let whole_of = |at: usize, power_of: f32| {
            self.filters[at]
                .beside
                .iter()
                .fold(power_of, |most, &beside| most.max(power(&self.window, beside)))
        };
        let (low, high) = (whole_of(row, low), whole_of(4 + column, high));
        let level = low + high > PURE * whole && low < ROW_LOUDER * high && high < COLUMN_LOUDER * low;
        if !level {
            return None;
        }
        // (The harmonics of rows are among the columns.)
        let harmonic = power(&self.window, self.filters[4 + column].harmonic);
        (harmonic < HARMONIC * high).then_some((row * 4 + column) as u8)
    }
}

/// The loudest of a group, when it is clearly louder than the others.
fn loudest(powers: &[f32]) -> Option<(usize, f32)> {
    let (at, &most) = powers.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1))?;
    let clear = powers.iter().enumerate().all(|(other, &power)| other == at || power * CLEAR < most);
    clear.then_some((at, most))
}

/// Finds keys in the packets of a voice.
#[derive(Debug, Default)]
pub struct Receiver {
    decoder: Option<(Codec, Decoder)>,
    latest: Option<u16>,
    detector: Detector,
}

/// Samples of the longest packet, at 16 kHz.
const LONGEST: usize = 1_920;

impl Receiver {
    /// Takes a packet as it comes; one that is late says nothing. Returns a key when it has been down for 40 ms.
    pub fn receive(&mut self, codec: Codec, sequence: u16, payload: &[u8]) -> Option<char> {
        let step = self.latest.map_or(1, |latest| sequence.wrapping_sub(latest).cast_signed());
        if step <= 0 && step > -100 {
            return None;
        }
        self.latest = Some(sequence);
        if self.decoder.as_ref().is_none_or(|(of, _)| *of != codec) {
            self.decoder = Decoder::new(codec).map(|decoder| (codec, decoder));
        }
        let mut samples = [0; LONGEST];
        let mut count = self.decoder.as_mut()?.1.decode(payload, &mut samples);
        if codec.rate() == 16_000 {
            // What two neighbours have in common is all below 4 kHz that matters here.
            count /= 2;
            for at in 0..count {
                samples[at] = ((i32::from(samples[2 * at]) + i32::from(samples[2 * at + 1])) / 2) as i16;
            }
        }
        self.detector.hear(&samples[..count])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Encoder;
    use crate::opus;
    use crate::resample::Resampler;

    /// Two tones of `ms`, each with its level (peak) and its error in frequency, and 60 ms of silence.
    fn key(digit: char, ms: usize, levels: (f64, f64), off: f64) -> Vec<i16> {
        let at = KEYS.iter().position(|&key| char::from(key) == digit).unwrap();
        let (row, column) = (ROWS[at / 4] * (1.0 + off), COLUMNS[at % 4] * (1.0 + off));
        let tone = |i: usize, frequency: f64| (TAU * frequency * i as f64 / 8_000.0).sin();
        let mut sound: Vec<i16> =
            (0..ms * 8).map(|i| (tone(i, row) * levels.0 + tone(i, column) * levels.1) as i16).collect();
        sound.resize(sound.len() + 480, 0);
        sound
    }

    fn heard(sound: &[i16]) -> String {
        let mut detector = Detector::default();
        sound.chunks(160).filter_map(|frame| detector.hear(frame)).collect()
    }

    fn db(level: f64, db: f64) -> f64 {
        level * 10f64.powf(db / 20.0)
    }

    #[test]
    fn every_key_is_found_once_whatever_its_length_level_and_place() {
        for (ms, peak, skew) in
            [(50, 5_000.0, 0), (100, 12_000.0, 37), (200, 700.0, 111), (1_500, 3_000.0, 5)]
        {
            let mut sound = vec![0; skew];
            for &digit in KEYS {
                sound.extend(key(char::from(digit), ms, (peak, peak), 0.0));
            }
            assert_eq!(heard(&sound), "123A456B789C*0#D", "{ms} ms");
        }
    }

    #[test]
    fn the_same_key_twice_is_two_keys() {
        let mut sound = key('5', 60, (4_000.0, 4_000.0), 0.0);
        sound.extend(key('5', 60, (4_000.0, 4_000.0), 0.0));
        assert_eq!(heard(&sound), "55");
    }

    #[test]
    fn frequency_and_twist_are_held_to_what_q_24_allows() {
        for &digit in KEYS {
            let digit = char::from(digit);
            for off in [-0.015, 0.015] {
                assert_eq!(heard(&key(digit, 80, (4_000.0, 4_000.0), off)), digit.to_string(), "{off}");
            }
            for off in [-0.04, 0.04] {
                assert_eq!(heard(&key(digit, 80, (4_000.0, 4_000.0), off)), "", "{digit} off by {off}");
            }
            for (levels, found) in [
                ((4_000.0, db(4_000.0, 6.0)), true),
                ((db(4_000.0, 4.0), 4_000.0), true),
                ((4_000.0, db(4_000.0, 12.0)), false),
                ((db(4_000.0, 9.0), 4_000.0), false),
            ] {
                let digits = if found { digit.to_string() } else { String::new() };
                assert_eq!(heard(&key(digit, 80, levels, 0.0)), digits, "{digit} with {levels:?}");
            }
        }
    }

    #[test]
    fn what_is_too_short_or_too_soft_is_no_key() {
        for skew in 0..80 {
            let mut sound = vec![0; skew];
            sound.extend(key('7', 23, (4_000.0, 4_000.0), 0.0));
            assert_eq!(heard(&sound), "", "begins at {skew}");
        }
        assert_eq!(heard(&key('7', 200, (200.0, 200.0), 0.0)), "");
    }

    #[test]
    fn keys_are_found_in_noise_and_when_a_packet_is_missing() {
        let mut random = 1u32;
        let mut noise = || {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((random >> 16) as i16) / 32
        };
        let mut sound = Vec::new();
        for digit in "1590#".chars() {
            sound.extend(key(digit, 120, (4_000.0, 4_000.0), 0.005));
        }
        // 15 dB below the tones
        sound.iter_mut().for_each(|sample| *sample = sample.saturating_add(noise()));
        assert_eq!(heard(&sound), "1590#");
        let mut broken = key('8', 200, (4_000.0, 4_000.0), 0.0);
        broken[640..800].fill(0);
        assert_eq!(heard(&broken), "8", "told once although 20 ms are missing");
    }

    #[test]
    fn keys_are_found_in_the_packets_of_every_codec() {
        for codec in Codec::ALL {
            let mut encoder = Encoder::new(codec, opus::Settings::default()).unwrap();
            let mut resampler = Resampler::new(8_000, 16_000);
            let mut sound = vec![0; 1_600];
            for digit in "1590#".chars() {
                sound.extend(key(digit, 100, (4_000.0, 4_000.0), 0.0));
            }
            let mut receiver = Receiver::default();
            let mut found = String::new();
            for (sequence, frame) in sound.chunks_exact(160).enumerate() {
                let (mut wide, mut payload) = ([0; 320], [0; opus::MAX_PAYLOAD]);
                resampler.process(frame, &mut wide);
                let frame = if codec.rate() == 16_000 { &wide[..] } else { frame };
                let length = encoder.encode(frame, &mut payload);
                for _ in 0..2 {
                    found.extend(receiver.receive(codec, sequence as u16, &payload[..length]));
                }
            }
            assert_eq!(found, "1590#", "{codec:?}");
        }
    }

    /// Chords and glides of all kinds: music, sirens, call progress tones, harmonics of voices.
    #[test]
    fn music_glides_and_voices_are_no_keys() {
        let mut wrong = String::new();
        for chord in 0..2_000u32 {
            // Three notes of the tempered scale with harmonics, 200 ms each.
            let note = |n: u32| 110.0 * 2f64.powf(f64::from(n % 48) / 12.0);
            let notes = [note(chord * 7), note(chord * 11 + 4), note(chord * 5 + 19)];
            let sound: Vec<i16> = (0..1_600)
                .map(|i| {
                    let at = f64::from(i) / 8_000.0;
                    let tone = |f: f64| {
                        (1..5).map(|n| (TAU * f * f64::from(n) * at).sin() / f64::from(n)).sum::<f64>()
                    };
                    (notes.iter().map(|&f| tone(f)).sum::<f64>() * 2_500.0) as i16
                })
                .collect();
            wrong += &heard(&sound);
        }
        assert_eq!(wrong, "", "chords");
        for seconds in [0.2, 0.5, 2.0, 5.0] {
            // A voice whose pitch glides from 80 to 400 Hz, and a bare glide from 300 to 3400.
            let length = (seconds * 8_000.0) as usize;
            let (mut phase, mut bare) = (0.0f64, 0.0f64);
            let mut voice = Vec::new();
            let mut glide = Vec::new();
            for i in 0..length {
                let part = i as f64 / length as f64;
                phase += TAU * (80.0 + 320.0 * part) / 8_000.0;
                bare += TAU * (300.0 + 3_100.0 * part) / 8_000.0;
                let harmonics = (1..20).map(|n| (phase * f64::from(n)).sin() / f64::from(n)).sum::<f64>();
                voice.push((harmonics * 4_000.0) as i16);
                glide.push((bare.sin() * 9_000.0) as i16);
            }
            assert_eq!(heard(&voice) + &heard(&glide), "", "{seconds} s");
        }
        for tones in [
            [350.0, 440.0],
            [440.0, 480.0],
            [480.0, 620.0],
            [425.0, 425.0],
            [700.0, 900.0],
            [1_400.0, 2_600.0],
        ] {
            let sound: Vec<i16> = (0..16_000)
                .map(|i| {
                    tones.iter().map(|f| (TAU * f * f64::from(i) / 8_000.0).sin() * 6_000.0).sum::<f64>()
                        as i16
                })
                .collect();
            assert_eq!(heard(&sound), "", "{tones:?}");
        }
    }
}
