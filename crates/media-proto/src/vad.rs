//! Whether somebody speaks: by level, above a floor that follows the noise of the line.

/// Below this (−55 dBFS, as a root mean square) nothing is a voice.
const FAINTEST: f32 = 60.0;
/// A voice is this much above the noise: 9 dB.
const ABOVE: f32 = 2.8;
/// It goes on for so many frames (of 20 ms) behind its last sound, as the ends of words are soft.
const HANGOVER: u8 = 10;

/// Follows one voice, frame by frame (about 20 ms each).
#[derive(Clone, Debug)]
pub struct Activity {
    floor: f32,
    left: u8,
}

impl Default for Activity {
    fn default() -> Self {
        Activity { floor: FAINTEST, left: 0 }
    }
}

/// The root mean square of some samples.
pub fn rms(samples: &[i16]) -> f32 {
    let energy: i64 = samples.iter().map(|&x| i64::from(x) * i64::from(x)).sum();
    (energy as f32 / samples.len().max(1) as f32).sqrt()
}

impl Activity {
    /// Takes a frame's level (root mean square); true while somebody speaks.
    pub fn is_voice(&mut self, level: f32) -> bool {
        let loud = level > (self.floor * ABOVE).max(FAINTEST);
        // The floor falls at once and rises by 3 dB a second, so that no voice lasts long enough to become it.
        self.floor = if level < self.floor { level.max(1.0) } else { (self.floor * 1.007).min(3_000.0) };
        self.left = if loud { HANGOVER } else { self.left.saturating_sub(1) };
        self.left > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speech_over_the_noise_of_a_line_is_a_voice_and_the_noise_is_not() {
        let mut activity = Activity::default();
        let voiced = |activity: &mut Activity, level: f32, frames: usize| {
            (0..frames).filter(|_| activity.is_voice(level)).count()
        };
        voiced(&mut activity, 200.0, 500);
        assert_eq!(voiced(&mut activity, 200.0, 250), 0);
        // words of 300 ms with pauses of 100
        let words: usize =
            (0..10).map(|_| voiced(&mut activity, 2_000.0, 15) + voiced(&mut activity, 200.0, 5)).sum();
        assert_eq!(words, 200);
        assert_eq!(voiced(&mut activity, 200.0, 100), usize::from(HANGOVER) - 5 - 1);
        assert_eq!(voiced(&mut Activity::default(), 20.0, 100), 0);
    }

    #[test]
    fn the_level_of_a_square_is_its_height() {
        assert_eq!(rms(&[300, -300, 300, -300]), 300.0);
        assert_eq!(rms(&[]), 0.0);
    }
}
