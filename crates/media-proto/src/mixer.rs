//! Adding voices so that nobody hears his own.

use crate::WIDE_FRAME;

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
    fn a_cleared_mix_is_silent() {
        let mut mix = Mix::default();
        mix.add(&[30_000; FRAME]);
        mix.clear();
        let mut out = [1; FRAME];
        mix.all(&mut out);
        assert_eq!(out, [0; FRAME]);
    }
}
