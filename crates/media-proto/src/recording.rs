//! When a recording ends, and how much of it is voice.

/// Mean square of a frame from which on it counts as voice: −42 dBFS, above line noise and below soft speech.
const VOICE: i64 = 260 * 260;
/// Frames of voice in a row that end a silence; a click is shorter.
const RUN: u32 = 3;
const FRAME_MS: u32 = 20;

/// What a recording is to be ended by.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub max_ms: u32,
    /// Silence of this length ends it.
    pub silence_ms: Option<u32>,
}

/// Why a recording has to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Limit,
    Silence,
}

/// Follows one recording, frame by frame.
#[derive(Clone, Debug)]
pub struct Recording {
    limits: Limits,
    frames: u32,
    voiced: u32,
    run: u32,
    silent: u32,
}

impl Recording {
    pub fn new(limits: Limits) -> Recording {
        Recording { limits, frames: 0, voiced: 0, run: 0, silent: 0 }
    }

    /// Counts a frame of 20 ms that is recorded; says when it was the last one.
    pub fn frame(&mut self, samples: &[i16]) -> Option<End> {
        self.frames += 1;
        if is_voice(samples) {
            self.voiced += 1;
            self.run += 1;
            if self.run >= RUN {
                self.silent = 0;
            }
        } else {
            self.run = 0;
            self.silent += 1;
        }
        if self.frames * FRAME_MS >= self.limits.max_ms {
            return Some(End::Limit);
        }
        match self.limits.silence_ms {
            Some(ms) if self.silent * FRAME_MS >= ms => Some(End::Silence),
            _ => None,
        }
    }

    /// Length up to now in ms.
    pub fn ms(&self) -> u32 {
        self.frames * FRAME_MS
    }

    /// Of that, voice.
    pub fn voiced_ms(&self) -> u32 {
        self.voiced * FRAME_MS
    }
}

fn is_voice(samples: &[i16]) -> bool {
    samples.iter().map(|&sample| i64::from(sample) * i64::from(sample)).sum::<i64>()
        > VOICE * samples.len() as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FRAME;

    const VOICED: [i16; FRAME] = [1000; FRAME];
    const SILENT: [i16; FRAME] = [20; FRAME];

    fn end_after(recording: &mut Recording, frame: &[i16; FRAME], most: u32) -> Option<(u32, End)> {
        (1..=most).find_map(|n| recording.frame(frame).map(|end| (n, end)))
    }

    #[test]
    fn silence_ends_it_and_voice_puts_that_off() {
        let mut recording = Recording::new(Limits { max_ms: 60_000, silence_ms: Some(1000) });
        assert_eq!(end_after(&mut recording, &SILENT, 49), None);
        assert_eq!(end_after(&mut recording, &VOICED, 100), None);
        assert_eq!(end_after(&mut recording, &SILENT, 100), Some((50, End::Silence)));
        assert_eq!((recording.ms(), recording.voiced_ms()), (199 * 20, 2000));
    }

    #[test]
    fn a_click_is_not_voice_enough() {
        let mut recording = Recording::new(Limits { max_ms: 60_000, silence_ms: Some(1000) });
        end_after(&mut recording, &SILENT, 40);
        end_after(&mut recording, &VOICED, 1);
        assert_eq!(end_after(&mut recording, &SILENT, 100), Some((10, End::Silence)));
    }

    #[test]
    fn the_limit_ends_it() {
        let mut recording = Recording::new(Limits { max_ms: 100, silence_ms: None });
        assert_eq!(end_after(&mut recording, &VOICED, 100), Some((5, End::Limit)));
    }
}
