//! Adding voices so that nobody hears his own.
//!
//! There is one sum for all. What is different for one listener is a correction of it: his own voice is taken away. (A whisper
//! to one member would be a correction too: a voice that is not in the sum, added for him alone.)

use crate::WIDE_FRAME;

/// The share of a voice that goes into the mix, in 1/4096.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gain(i32);

impl Gain {
    pub const NONE: Gain = Gain(0);
    pub const ONE: Gain = Gain(4096);
    /// The most that makes sense: above it a phone's noise is all there is.
    pub const MOST_DB: f64 = 20.0;

    /// From decibels; what is above [`Gain::MOST_DB`] is as that, and below −60 nothing is left.
    pub fn from_db(db: f64) -> Gain {
        if db < -60.0 {
            return Gain::NONE;
        }
        Gain((10f64.powf(db.min(Gain::MOST_DB) / 20.0) * 4096.0) as i32)
    }

    /// Changes `samples` from this gain to another over their length, so that nothing clicks.
    pub fn ramp(self, to: Gain, samples: &mut [i16]) {
        if (self, to) == (Gain::ONE, Gain::ONE) {
            return;
        }
        let length = samples.len() as i32;
        let change = to.0 - self.0;
        for (i, sample) in samples.iter_mut().enumerate() {
            let gain = self.0 + change * i as i32 / length;
            *sample = clip((i32::from(*sample) * gain) >> 12);
        }
    }
}

/// The sum of one frame of all voices, of up to [`WIDE_FRAME`] samples.
#[derive(Clone, Debug)]
pub struct Mix {
    sum: [i32; WIDE_FRAME],
}

impl Default for Mix {
    fn default() -> Self {
        Mix { sum: [0; WIDE_FRAME] }
    }
}

impl Mix {
    pub fn clear(&mut self) {
        self.sum.fill(0);
    }

    /// Adds a voice.
    pub fn add(&mut self, voice: &[i16]) {
        for (sum, &sample) in self.sum.iter_mut().zip(voice) {
            *sum += i32::from(sample);
        }
    }

    /// Everybody, for those who only listen.
    pub fn all(&self, out: &mut [i16]) {
        for (out, &sum) in out.iter_mut().zip(&self.sum) {
            *out = clip(sum);
        }
    }

    /// Everybody but `voice`, which was added before.
    pub fn without(&self, voice: &[i16], out: &mut [i16]) {
        for ((out, &sum), &own) in out.iter_mut().zip(&self.sum).zip(voice) {
            *out = clip(sum - i32::from(own));
        }
    }
}

fn clip(sum: i32) -> i16 {
    sum.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FRAME;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn everybody_hears_the_sum_of_the_others(voices in prop::collection::vec(any::<i16>(), 1..20)) {
            let mut mix = Mix::default();
            for &voice in &voices {
                mix.add(&[voice; FRAME]);
            }
            let mut out = [0; FRAME];
            for (i, &own) in voices.iter().enumerate() {
                mix.without(&[own; FRAME], &mut out);
                let others: i32 =
                    voices.iter().enumerate().filter(|&(j, _)| j != i).map(|(_, &v)| i32::from(v)).sum();
                prop_assert!(out.iter().all(|&sample| sample == clip(others)));
            }
            mix.all(&mut out);
            let all: i32 = voices.iter().map(|&voice| i32::from(voice)).sum();
            prop_assert!(out.iter().all(|&sample| sample == clip(all)));
        }
    }

    #[test]
    fn a_gain_comes_gradually_and_is_exact_at_its_end() {
        let mut frame = [10_000; FRAME];
        Gain::NONE.ramp(Gain::ONE, &mut frame);
        assert!(frame.windows(2).all(|pair| (0..100).contains(&(pair[1] - pair[0]))));
        assert_eq!(frame[0], 0);
        let mut frame = [10_000; FRAME];
        let double = Gain::from_db(6.02);
        double.ramp(double, &mut frame);
        assert!(frame.iter().all(|sample| (19_950..20_050).contains(sample)), "{}", frame[0]);
        Gain::from_db(200.0).ramp(Gain::from_db(20.0), &mut frame);
        assert_eq!((frame[0], Gain::from_db(-90.0)), (i16::MAX, Gain::NONE));
    }

    #[test]
    fn a_cleared_mix_is_silent() {
        let mut mix = Mix::default();
        mix.add(&[30_000; FRAME]);
        mix.clear();
        let mut out = [1; FRAME];
        mix.all(&mut out);
        assert_eq!(out, [0; FRAME]);
    }
}
