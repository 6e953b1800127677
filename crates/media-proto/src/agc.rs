//! Automatic gain control: brings who speaks too softly or too loudly to the level of the others, slowly and never in pauses.

use crate::vad::{Activity, rms};

/// The level of speech that is aimed at: −23 dBFS, as a root mean square over its loud parts.
const WANTED: f32 = 2_300.0;
/// The most that is changed: up by 15 dB, down by 12.
const MOST: f32 = 5.6;
const LEAST: f32 = 0.25;
/// Steps per 20 ms of voice: up by about 4 dB a second, down by 12.
const UP: f32 = 1.01;
const DOWN: f32 = 0.973;
/// Peaks are bent above this, so that nothing clips.
const CEILING: f32 = 28_000.0;

/// The gain control of one voice.
#[derive(Clone, Debug)]
pub struct Agc {
    activity: Activity,
    /// The level of the voice, slowly.
    level: f32,
    gain: f32,
}

impl Default for Agc {
    fn default() -> Self {
        Agc { activity: Activity::default(), level: WANTED, gain: 1.0 }
    }
}

impl Agc {
    /// Changes the next samples of a voice of `rate` Hz.
    pub fn apply(&mut self, samples: &mut [i16], rate: u32) {
        for frame in samples.chunks_mut(rate as usize / 50) {
            let level = rms(frame);
            let before = self.gain;
            if self.activity.is_voice(level) && level > self.level / 4.0 {
                self.level += (level - self.level) * 0.05;
                let wanted = (WANTED / self.level).clamp(LEAST, MOST);
                self.gain = wanted.clamp(self.gain * DOWN, self.gain * UP);
            } else {
                self.level = (self.level * 0.999).max(100.0);
            }
            let step = (self.gain - before) / frame.len() as f32;
            for (i, sample) in frame.iter_mut().enumerate() {
                *sample = bend(f32::from(*sample) * (before + step * i as f32)) as i16;
            }
        }
    }
}

/// Leaves what is below the ceiling as it is and bends the rest towards the end of the scale.
fn bend(sample: f32) -> f32 {
    let above = sample.abs() - CEILING;
    if above <= 0.0 {
        return sample;
    }
    let room = 32_767.0 - CEILING;
    (CEILING + room * above / (above + room)).copysign(sample)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten seconds of words and pauses at a level; that of the last words, in dB below the end of the scale.
    fn spoken(peak: f32) -> (f32, f32) {
        let mut gain = Agc::default();
        let (mut words, mut pauses) = (0.0, 0.0);
        for frame in 0..1_000u32 {
            let speaks = frame % 20 < 15;
            let height = if speaks { peak } else { 8.0 };
            let mut samples: Vec<i16> = (0..160)
                .map(|i| ((frame * 160 + i) as f32 * 0.3).sin() * height)
                .map(|sample| sample as i16)
                .collect();
            gain.apply(&mut samples, 8_000);
            if speaks {
                words = rms(&samples);
            } else {
                pauses = rms(&samples);
            }
        }
        (20.0 * (words / 32_768.0).log10(), pauses)
    }

    #[test]
    fn the_soft_and_the_loud_come_to_one_level_and_pauses_stay_silent() {
        for peak in [800.0, 3_000.0, 12_000.0] {
            let (level, pauses) = spoken(peak);
            assert!((level + 23.0).abs() < 3.0, "{peak}: {level:.1} dBFS");
            assert!(pauses < 40.0, "{peak}: {pauses}");
        }
    }

    #[test]
    fn a_whisper_is_not_blown_up_without_end_and_nothing_clips() {
        assert!(spoken(150.0).0 < -33.0);
        assert!(spoken(32_000.0).0 < -15.0);
        assert!(bend(60_000.0) < 32_768.0 && bend(-60_000.0) > -32_768.0 && bend(20_000.0) == 20_000.0);
    }
}
