//! What somebody who decodes hears of a stream: evenly, in order, and at the rate that he wants.

use crate::WIDE_FRAME;
use crate::jitter::JitterBuffer;
use crate::resample::Resampler;

/// A jitter buffer and what brings its sound to another rate.
#[derive(Clone, Debug)]
pub struct Ear {
    buffer: JitterBuffer,
    resampler: Option<Resampler>,
}

impl Default for Ear {
    fn default() -> Self {
        Ear { buffer: JitterBuffer::new(8_000), resampler: None }
    }
}

impl Ear {
    /// Puts decoded samples of `rate` (8000 or 16,000 Hz) at their place in the stream. A new rate begins anew.
    pub fn put(&mut self, ssrc: u32, place: u32, samples: &[i16], rate: u32) {
        if self.buffer.rate() != rate {
            *self = Ear { buffer: JitterBuffer::new(rate), resampler: None };
        }
        // What a packet of any length holds is put in pieces that the buffer takes.
        for (i, piece) in samples.chunks(WIDE_FRAME).enumerate() {
            self.buffer.put(ssrc, place.wrapping_add((i * WIDE_FRAME) as u32), piece);
        }
    }

    /// The rate of what was put last.
    pub fn rate(&self) -> u32 {
        self.buffer.rate()
    }

    /// Takes the next samples, as many as there is room for, at `rate` (8000 or 16,000 Hz; up to 60 ms); false when nothing is
    /// there (they are then silence).
    pub fn take(&mut self, out: &mut [i16], rate: u32) -> bool {
        let from = self.buffer.rate();
        if from == rate {
            return self.buffer.take(out);
        }
        let mut samples = [0; 3 * WIDE_FRAME];
        let samples = &mut samples[..out.len() * from as usize / rate as usize];
        let heard = self.buffer.take(samples);
        let resampler = match &mut self.resampler {
            Some(resampler) if resampler.is(from, rate) => resampler,
            other => other.insert(Resampler::new(from, rate)),
        };
        resampler.process(samples, out);
        heard
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FRAME;

    fn level(samples: &[i16]) -> f64 {
        let energy: f64 = samples.iter().map(|&x| f64::from(x).powi(2)).sum();
        (energy / samples.len() as f64).sqrt()
    }

    #[test]
    fn sound_of_either_rate_is_heard_at_either_rate() {
        for (from, to) in [(8_000, 8_000), (8_000, 16_000), (16_000, 8_000), (16_000, 16_000)] {
            let mut ear = Ear::default();
            let mut heard = Vec::new();
            let frame = from as usize / 50;
            for n in 0..20 {
                let sound: Vec<i16> = (0..frame)
                    .map(|i| ((n * frame + i) as f64 / f64::from(from) * 3_000.0).sin() * 8e3)
                    .map(|x| x as i16)
                    .collect();
                ear.put(1, (n * frame) as u32, &sound, from);
                let mut out = vec![0; to as usize / 50];
                assert!(ear.take(&mut out, to));
                heard.extend(out);
            }
            let steady = &heard[heard.len() / 2..];
            assert!((5_400.0..5_900.0).contains(&level(steady)), "{from} → {to}: {}", level(steady));
        }
    }

    #[test]
    fn a_stream_that_changes_its_rate_goes_on() {
        let mut ear = Ear::default();
        let mut out = [0; FRAME];
        for n in 0..5 {
            ear.put(1, n * 160, &[1_000; 160], 8_000);
            ear.take(&mut out, 8_000);
        }
        for n in 0..10 {
            ear.put(1, 90_000 + n * 320, &[2_000; 320], 16_000);
            ear.take(&mut out, 8_000);
        }
        assert!(out.iter().all(|&sample| (1_950..2_050).contains(&sample)));
    }

    #[test]
    fn a_packet_longer_than_the_buffer_takes_at_once_is_heard_whole() {
        let mut ear = Ear::default();
        ear.put(1, 0, &[500; 1_920], 16_000);
        let mut heard = 0;
        for _ in 0..10 {
            let mut out = [0; WIDE_FRAME];
            ear.take(&mut out, 16_000);
            heard += out.iter().filter(|&&sample| sample == 500).count();
        }
        assert_eq!(heard, 1_920);
    }
}
