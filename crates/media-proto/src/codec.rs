//! The codecs a stream may use, and the states that turn their payloads into sound and back.

use crate::g711::Law;
use crate::{WIDE_FRAME, g722, opus};

/// A voice codec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    Pcmu,
    Pcma,
    G722,
    Opus,
}

impl Codec {
    pub const ALL: [Codec; 4] = [Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::Opus];

    /// The codec of an SDP encoding name (RFC 3551 §6, RFC 7587 §6.1), in any case.
    pub fn from_name(name: &str) -> Option<Codec> {
        Codec::ALL.into_iter().find(|codec| codec.name().eq_ignore_ascii_case(name))
    }

    /// The SDP encoding name.
    pub fn name(self) -> &'static str {
        match self {
            Codec::Pcmu => "PCMU",
            Codec::Pcma => "PCMA",
            Codec::G722 => "G722",
            Codec::Opus => "opus",
        }
    }

    /// Ticks of its RTP clock in a second. (G.722 has the wrong one, for ever: RFC 3551 §4.5.2.)
    pub fn clock(self) -> u32 {
        match self {
            Codec::Opus => opus::CLOCK,
            _ => 8_000,
        }
    }

    /// Samples per second of the sound that it is turned into here.
    pub fn rate(self) -> u32 {
        if self.law().is_some() { 8_000 } else { 16_000 }
    }

    /// G.711, which has no state and one byte per sample, by its law.
    pub fn law(self) -> Option<Law> {
        match self {
            Codec::Pcmu => Some(Law::Mu),
            Codec::Pcma => Some(Law::A),
            Codec::G722 | Codec::Opus => None,
        }
    }

    /// How long a payload lasts, in ticks of its clock.
    pub fn duration(self, payload: &[u8]) -> u32 {
        match self {
            Codec::Opus => opus::duration(payload).unwrap_or(0),
            _ => payload.len() as u32,
        }
    }

    /// Whether a payload is nothing but silence, as far as can be said without decoding it.
    pub fn is_silent(self, payload: &[u8]) -> bool {
        match (self.law(), self) {
            (Some(law), _) => law.is_silent(payload),
            (None, Codec::Opus) => opus::is_silent(payload),
            (None, _) => false,
        }
    }
}

/// A codec that is only passed on, between two who both have it: its name in SDP, in lower case, and its clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Foreign {
    name: [u8; Foreign::LONGEST],
    clock: u32,
}

impl Foreign {
    /// The longest name.
    pub const LONGEST: usize = 16;

    /// `None` when the name is empty or too long, or the clock is 0.
    pub fn new(name: &str, clock: u32) -> Option<Foreign> {
        if name.is_empty() || name.len() > Foreign::LONGEST || clock == 0 {
            return None;
        }
        let mut lower = [0; Foreign::LONGEST];
        lower[..name.len()].copy_from_slice(name.as_bytes());
        lower.make_ascii_lowercase();
        Some(Foreign { name: lower, clock })
    }

    /// Ticks of its RTP clock in a second.
    pub fn clock(self) -> u32 {
        self.clock
    }
}

/// A timestamp of one clock by another; one of the two is a multiple of the other.
pub fn rescale(timestamp: u32, from: u32, to: u32) -> u32 {
    if from > to { timestamp / (from / to) } else { timestamp.wrapping_mul(to / from) }
}

/// Payloads to sound.
#[derive(Debug)]
pub enum Decoder {
    G711(Law),
    G722(Box<g722::Decoder>),
    Opus(opus::Decoder),
}

impl Decoder {
    /// `None` when there is no memory.
    pub fn new(codec: Codec) -> Option<Decoder> {
        match codec.law() {
            Some(law) => Some(Decoder::G711(law)),
            None if codec == Codec::G722 => Some(Decoder::G722(Box::default())),
            None => opus::Decoder::new(codec.rate()).map(Decoder::Opus),
        }
    }

    /// Decodes `payload` into `samples`; returns how many were written.
    pub fn decode(&mut self, payload: &[u8], samples: &mut [i16]) -> usize {
        match self {
            Decoder::G711(law) => law.decode(payload, samples),
            Decoder::G722(decoder) => decoder.decode(payload, samples),
            Decoder::Opus(decoder) => decoder.decode(payload, samples),
        }
    }

    /// Fills `samples`, the place of a packet that was lost before `next`, with what that one repeats of it; returns how many were
    /// written: none, unless it is Opus.
    pub fn recover(&mut self, next: &[u8], samples: &mut [i16]) -> usize {
        match self {
            Decoder::Opus(decoder) => decoder.recover(next, samples),
            _ => 0,
        }
    }

    /// Fills `samples`, the place of a packet that was lost, with what may have been there; returns how many were written: none,
    /// unless it is Opus.
    pub fn conceal(&mut self, samples: &mut [i16]) -> usize {
        match self {
            Decoder::Opus(decoder) => decoder.conceal(samples),
            _ => 0,
        }
    }
}

/// Sound to payloads.
#[derive(Debug)]
pub enum Encoder {
    G711(Law),
    G722(Box<g722::Encoder>),
    Opus(Box<opus::Encoder>),
}

impl Encoder {
    /// `settings` are what the receiver asked for, if it is Opus. `None` when there is no memory.
    pub fn new(codec: Codec, settings: opus::Settings) -> Option<Encoder> {
        match codec.law() {
            Some(law) => Some(Encoder::G711(law)),
            None if codec == Codec::G722 => Some(Encoder::G722(Box::default())),
            None => {
                opus::Encoder::new(codec.rate(), settings).map(|encoder| Encoder::Opus(Box::new(encoder)))
            }
        }
    }

    /// Encodes 20 ms into `payload` (of at least [`opus::MAX_PAYLOAD`] bytes); returns its length. 0: nothing has to be sent.
    pub fn encode(&mut self, samples: &[i16], payload: &mut [u8]) -> usize {
        match self {
            Encoder::G711(law) => law.encode(samples, payload),
            Encoder::G722(encoder) => encoder.encode(samples, payload),
            Encoder::Opus(encoder) => encoder.encode(samples, payload),
        }
    }

    /// Reckons with the share of loss (of 256) that the receiver reports; only Opus can do something about it.
    pub fn expect_loss(&mut self, fraction: u8) {
        if let Encoder::Opus(encoder) = self {
            encoder.expect_loss(fraction);
        }
    }

    /// Is near enough to where `other` is, that one who was fed by it goes on with this one and hears no click. `before` is the
    /// sound that `other` had last. (The state of Opus cannot be copied; it finds itself in two frames.)
    pub fn take_over(&mut self, other: &Encoder, before: &[[i16; WIDE_FRAME]; 2]) {
        match (self, other) {
            (Encoder::G722(mine), Encoder::G722(other)) => mine.clone_from(other),
            (Encoder::Opus(mine), _) => {
                let mut unsent = [0; opus::MAX_PAYLOAD];
                for frame in before {
                    mine.encode(frame, &mut unsent);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_any_case() {
        assert_eq!(Codec::from_name("pcmu"), Some(Codec::Pcmu));
        assert_eq!(Codec::from_name("PCMA"), Some(Codec::Pcma));
        assert_eq!(Codec::from_name("OPUS"), Some(Codec::Opus));
        assert_eq!(Codec::from_name("G729"), None);
    }

    #[test]
    fn a_foreign_codec_is_its_name_and_its_clock() {
        assert_eq!(Foreign::new("AMR-WB", 16_000), Foreign::new("amr-wb", 16_000));
        assert_ne!(Foreign::new("AMR", 8_000), Foreign::new("amr", 16_000));
        assert_eq!(Foreign::new("", 8_000), None);
        assert_eq!(Foreign::new("a-name-that-is-too-long", 8_000), None);
        assert_eq!(Foreign::new("G729", 0), None);
    }

    #[test]
    fn every_codec_gives_back_a_tone() {
        for codec in Codec::ALL {
            let mut encoder = Encoder::new(codec, opus::Settings::default()).unwrap();
            let mut decoder = Decoder::new(codec).unwrap();
            let (rate, frame) = (f64::from(codec.rate()), codec.rate() as usize / 50);
            let mut heard = Vec::new();
            for n in 0..50 {
                let sound: Vec<i16> = (0..frame)
                    .map(|i| {
                        (((n * frame + i) as f64 / rate * 1000.0 * std::f64::consts::TAU).sin() * 8e3) as i16
                    })
                    .collect();
                let mut payload = [0; opus::MAX_PAYLOAD];
                let length = encoder.encode(&sound, &mut payload);
                assert_eq!(codec.duration(&payload[..length]), codec.clock() / 50, "{codec:?}");
                let mut frame = vec![0; frame];
                assert_eq!(decoder.decode(&payload[..length], &mut frame), frame.len());
                heard.extend(frame);
            }
            let energy: f64 = heard[heard.len() / 2..].iter().map(|&x| f64::from(x).powi(2)).sum();
            let level = (energy / (heard.len() / 2) as f64).sqrt();
            assert!((5_000.0..6_500.0).contains(&level), "{codec:?}: {level}");
        }
    }

    #[test]
    fn what_was_lost_is_concealed_by_opus() {
        let mut decoder = Decoder::new(Codec::Opus).unwrap();
        let mut encoder =
            Encoder::new(Codec::Opus, opus::Settings { fec: true, ..Default::default() }).unwrap();
        let mut payload = [0; opus::MAX_PAYLOAD];
        let mut frame = [0; 320];
        for n in 0..20 {
            let sound: Vec<i16> =
                (0..320).map(|i| (((n * 320 + i) as f64 * 0.3).sin() * 8e3) as i16).collect();
            let length = encoder.encode(&sound, &mut payload);
            if n == 10 || n == 11 {
                continue;
            }
            if n == 12 {
                let mut lost = [0; 640];
                assert_eq!(decoder.conceal(&mut lost[..320]), 320);
                assert_eq!(decoder.recover(&payload[..length], &mut lost[320..]), 320);
                assert!(lost.iter().any(|&sample| sample.abs() > 2_000));
            }
            decoder.decode(&payload[..length], &mut frame);
        }
    }

    #[test]
    fn one_who_is_moved_between_a_shared_encoder_and_his_own_hears_no_click() {
        for codec in [Codec::G722, Codec::Opus] {
            let mut shared = Encoder::new(codec, opus::Settings::default()).unwrap();
            let mut own = Encoder::new(codec, opus::Settings::default()).unwrap();
            let mut decoder = Decoder::new(codec).unwrap();
            let mut before = [[0; WIDE_FRAME]; 2];
            let (mut last, mut steps) = (0, Vec::new());
            for n in 0..200 {
                let tones = |low: f64, high: f64| {
                    std::array::from_fn(|i| {
                        let at = (n * WIDE_FRAME + i) as f64;
                        ((at * low).sin() * 6e3 + (at * high).sin() * 3e3) as i16
                    })
                };
                // He heard something else until ten frames before he was moved to the shared one, and spoke from 100 to 150.
                let sound: [i16; WIDE_FRAME] = tones(0.11, 0.29);
                let other: [i16; WIDE_FRAME] = tones(0.05, 0.23);
                if n == 100 {
                    own.take_over(&shared, &before);
                }
                let (mut payload, mut frame) = ([0; opus::MAX_PAYLOAD], [0i16; WIDE_FRAME]);
                let mut length = if n >= 40 { shared.encode(&sound, &mut payload) } else { 0 };
                if n < 50 || (100..150).contains(&n) {
                    let heard = if n < 40 { &other } else { &sound };
                    length = own.encode(heard, &mut payload);
                }
                before = [before[1], sound];
                assert_eq!(decoder.decode(&payload[..length], &mut frame), WIDE_FRAME);
                for &sample in &frame {
                    steps.push((i32::from(sample) - last).abs());
                    last = i32::from(sample);
                }
            }
            let most = |from: usize, to: usize| {
                steps[from * WIDE_FRAME..to * WIDE_FRAME].iter().copied().max().unwrap()
            };
            let steady = most(65, 98);
            for moved in [50, 100, 150] {
                let step = most(moved - 1, moved + 10);
                assert!(step < steady * 4 / 3, "{codec:?}: a step of {step}, elsewhere at most {steady}");
            }
        }
    }
}
