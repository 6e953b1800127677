//! Somebody who hears a decoded voice, at the rate that he wants.

use crate::resample::Resampler;
use crate::voice::{Cursor, Voice};
use crate::{Micros, WIDE_FRAME};

/// Where a listener is in a voice, and what brings it to his rate.
#[derive(Clone, Debug, Default)]
pub struct Ear {
    cursor: Cursor,
    resampler: Option<Resampler>,
}

impl Ear {
    /// How old what was taken last is: so long ago, in µs, came what was not late of it.
    pub fn age(&self, voice: &Voice) -> Micros {
        voice.age(&self.cursor)
    }

    /// Takes the next samples of `voice`, as many as there is room for (up to 60 ms), at `rate` (8000 or 16,000 Hz), to be heard
    /// from `now` on; false when they are silence.
    pub fn take(&mut self, voice: &mut Voice, now: Micros, out: &mut [i16], rate: u32) -> bool {
        let from = voice.rate();
        if from == rate {
            return voice.read(now, &mut self.cursor, out);
        }
        let mut samples = [0; 3 * WIDE_FRAME];
        let samples = &mut samples[..out.len() * from as usize / rate as usize];
        let heard = voice.read(now, &mut self.cursor, samples);
        let resampler = match &mut self.resampler {
            Some(resampler) if resampler.is(from, rate) => resampler,
            other => other.insert(Resampler::new(from, rate)),
        };
        resampler.process(samples, out);
        heard
    }
}
