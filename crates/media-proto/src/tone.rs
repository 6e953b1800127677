//! Tones as sound: call progress (ITU-T E.180, 425 Hz as most of the world has it), the beep, DTMF in band.

use crate::SAMPLE_RATE;
use crate::sound::Sound;
use std::f64::consts::TAU;

/// Fade at both ends of a tone, in samples (5 ms), against clicks.
const FADE: usize = 40;
/// Peak of call progress tones: −15 dBFS each.
const PROGRESS_PEAK: f64 = 5800.0;
/// Peak of the beep: −13 dBFS.
const BEEP_PEAK: f64 = 7300.0;
/// Peak of each of the two tones of a key: −10 dBm0 or so together.
const DTMF_PEAK: f64 = 5200.0;

/// A call progress tone, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tone {
    Ringback,
    Busy,
    Congestion,
}

impl Tone {
    pub const ALL: [Tone; 3] = [Tone::Ringback, Tone::Busy, Tone::Congestion];

    /// One period, to be looped.
    pub fn period(self) -> Sound {
        let (on, off) = match self {
            Tone::Ringback => (1000, 4000),
            Tone::Busy => (500, 500),
            Tone::Congestion => (250, 250),
        };
        let mut samples = tone(&[425.0], on, PROGRESS_PEAK);
        samples.resize(samples.len() + milliseconds(off), 0);
        Sound::new(samples)
    }
}

/// The beep before a recording: 1000 Hz for `ms`.
pub fn beep(ms: u32) -> Sound {
    Sound::new(tone(&[1000.0], ms, BEEP_PEAK))
}

/// A row of keys as sound (ITU-T Q.23), for peers without telephone-event; `None` when one of them is no key.
pub fn dtmf(digits: &str, ms: u32, gap_ms: u32) -> Option<Sound> {
    const ROWS: [f64; 4] = [697.0, 770.0, 852.0, 941.0];
    const COLUMNS: [f64; 4] = [1209.0, 1336.0, 1477.0, 1633.0];
    let mut samples = Vec::new();
    for digit in digits.chars() {
        let key = "123A456B789C*0#D".find(digit.to_ascii_uppercase())?;
        samples.extend(tone(&[ROWS[key / 4], COLUMNS[key % 4]], ms, DTMF_PEAK));
        samples.resize(samples.len() + milliseconds(gap_ms), 0);
    }
    Some(Sound::new(samples))
}

fn milliseconds(ms: u32) -> usize {
    ms as usize * SAMPLE_RATE as usize / 1000
}

fn tone(frequencies: &[f64], ms: u32, peak: f64) -> Vec<i16> {
    let length = milliseconds(ms);
    (0..length)
        .map(|i| {
            let at = i as f64 / f64::from(SAMPLE_RATE);
            let edge = i.min(length - 1 - i).min(FADE) as f64 / FADE as f64;
            let sum: f64 = frequencies.iter().map(|frequency| (TAU * frequency * at).sin()).sum();
            (sum * peak * edge) as i16
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::g711::Law;

    /// Power of one frequency (Goertzel), as amplitude.
    fn amplitude(samples: &[i16], frequency: f64) -> f64 {
        let (mut re, mut im) = (0.0, 0.0);
        for (i, &sample) in samples.iter().enumerate() {
            let phase = TAU * frequency * i as f64 / f64::from(SAMPLE_RATE);
            re += f64::from(sample) * phase.cos();
            im += f64::from(sample) * phase.sin();
        }
        2.0 * (re * re + im * im).sqrt() / samples.len() as f64
    }

    fn samples(sound: &Sound) -> Vec<i16> {
        let (mut payload, mut samples) = (vec![0; sound.len()], vec![0; sound.len()]);
        sound.payload(Law::Mu, 0, &mut payload);
        Law::Mu.decode(&payload, &mut samples);
        samples
    }

    #[test]
    fn ringback_is_a_second_of_425_hz_and_four_of_silence() {
        let sound = samples(&Tone::Ringback.period());
        assert_eq!(sound.len(), 40_000);
        assert!(amplitude(&sound[..8000], 425.0) > 5_500.0);
        assert!(amplitude(&sound[..8000], 600.0) < 100.0);
        assert!(sound[8000..].iter().all(|&sample| sample == 0));
    }

    #[test]
    fn every_key_has_its_two_frequencies() {
        for (digit, low, high) in
            [('1', 697.0, 1209.0), ('0', 941.0, 1336.0), ('#', 941.0, 1477.0), ('d', 941.0, 1633.0)]
        {
            let sound = samples(&dtmf(&digit.to_string(), 100, 60).unwrap());
            assert_eq!(sound.len(), 1280);
            assert!(amplitude(&sound[..800], low) > 4_500.0);
            assert!(amplitude(&sound[..800], high) > 4_500.0);
            assert!(amplitude(&sound[..800], 1800.0) < 400.0);
        }
        assert!(dtmf("1z", 100, 60).is_none());
    }

    #[test]
    fn the_beep_is_as_long_as_asked() {
        assert_eq!(beep(300).ms(), 300);
        assert!(beep(0).is_empty());
    }
}
