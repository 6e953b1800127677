//! Waveform substitution for what was lost, for codecs that have no concealment of their own (after ITU-T G.711 Appendix I):
//! the last periods of the voice go on, softer and softer.

use super::pitch::{best_lag, fade};

/// Periods that are looked for, in µs: 66 to 200 Hz. (A higher voice has several of its own in one.)
const SHORTEST: usize = 5_000;
const LONGEST: usize = 15_000;
/// What is compared to find one.
const WINDOW: usize = 20_000;
/// The voice goes on unchanged for so long, and is gone after a further [`FADE`], in µs.
const STEADY: usize = 10_000;
const FADE: usize = 50_000;
/// Periods that are repeated: the second joins after 10 ms, the third after 20, so that it does not buzz.
const PERIODS: usize = 3;
/// Samples of the longest memory, at 48 kHz.
const MEMORY: usize = (PERIODS + 1) * LONGEST * 48 / 1_000;

/// One loss: what goes on, and how far it has gone.
#[derive(Clone, Debug)]
pub struct Concealer {
    rate: u32,
    memory: Box<[i16]>,
    period: usize,
    /// How many periods are in turn now.
    periods: usize,
    /// Where the next sample comes from, counted back from the end of the memory.
    back: usize,
    /// Samples made since the loss began; 0 when nothing is lost.
    made: usize,
}

impl Concealer {
    pub fn new(rate: u32) -> Concealer {
        let memory = vec![0; MEMORY * rate as usize / 48_000].into_boxed_slice();
        Concealer { rate, memory, period: 0, periods: 0, back: 0, made: 0 }
    }

    fn samples(&self, us: usize) -> usize {
        us * self.rate as usize / 1_000_000
    }

    /// Whether what it makes can be heard no more.
    pub fn is_over(&self) -> bool {
        self.made >= self.samples(STEADY + FADE)
    }

    /// Makes what was lost behind `before` (all that is left of what was before; only looked at when the loss begins).
    pub fn conceal(&mut self, before: &[i16], out: &mut [i16]) {
        if self.made == 0 {
            self.begin(before);
        }
        let (steady, length) = (self.samples(STEADY), self.samples(FADE));
        for sample in out {
            let faded = self.made.saturating_sub(steady).min(length);
            let voice = self.next();
            *sample = (i64::from(voice) * (length - faded) as i64 / length as i64) as i16;
            self.made += 1;
        }
    }

    fn begin(&mut self, before: &[i16]) {
        let length = self.memory.len().min(before.len());
        self.memory.fill(0);
        let at = self.memory.len() - length;
        self.memory[at..].copy_from_slice(&before[before.len() - length..]);
        let (shortest, longest) = (self.samples(SHORTEST), self.samples(LONGEST));
        (self.period, _) = best_lag(&self.memory, self.samples(WINDOW), shortest, longest, self.rate);
        self.loop_over(1);
    }

    /// Begins to repeat the last `periods`: their end goes over into what was before them, so that they join themselves.
    fn loop_over(&mut self, periods: usize) {
        self.periods = periods;
        self.back = periods * self.period;
    }

    fn next(&mut self) -> i16 {
        let grown = 1 + (self.made / self.samples(STEADY)).min(PERIODS - 1);
        if grown > self.periods && self.back.is_multiple_of(self.period) {
            self.loop_over(grown);
        }
        let span = self.periods * self.period;
        if self.back == 0 {
            self.back = span;
        }
        let end = self.memory.len();
        let quarter = self.period / 4;
        let sample = self.memory[end - self.back];
        let sample = if self.back <= quarter {
            // the last quarter of the loop, and the quarter before the loop
            let earlier = self.memory[end - self.back - span];
            let share = (quarter - self.back + 1) as i32;
            let whole = quarter as i32 + 1;
            (i32::from(sample) * (whole - share) + i32::from(earlier) * share) / whole
        } else {
            i32::from(sample)
        };
        self.back -= 1;
        sample as i16
    }

    /// Goes over from what was made to the voice that is there again, of which the first 4 ms are changed, and more after a
    /// longer loss (up to 10).
    pub fn join(&mut self, voice: &mut [i16]) {
        if self.made == 0 || voice.is_empty() {
            self.rest();
            return;
        }
        let overlap = (self.samples(4_000) + self.made / 5).min(self.samples(10_000)).min(voice.len());
        let mut going_on = [0; 480];
        let going_on = &mut going_on[..overlap];
        self.conceal(&[], going_on);
        fade(going_on, &voice[..overlap]);
        voice[..overlap].copy_from_slice(going_on);
        self.rest();
    }

    /// Nothing is lost any more, and nothing is to be joined.
    pub fn rest(&mut self) {
        (self.made, self.periods, self.back) = (0, 0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(frequency: f64, rate: u32, from: usize, count: usize) -> Vec<i16> {
        let step = std::f64::consts::TAU * frequency / f64::from(rate);
        (from..from + count).map(|i| ((step * i as f64).sin() * 8e3) as i16).collect()
    }

    fn error(made: &[i16], truth: &[i16]) -> f64 {
        let energy = |x: &mut dyn Iterator<Item = f64>| x.map(|x| x * x).sum::<f64>();
        let noise = energy(&mut made.iter().zip(truth).map(|(&a, &b)| f64::from(a) - f64::from(b)));
        10.0 * (energy(&mut truth.iter().map(|&x| f64::from(x))) / noise).log10()
    }

    #[test]
    fn a_tone_goes_on_through_ten_lost_milliseconds() {
        for (rate, frequency) in [(8_000, 125.0), (8_000, 400.0), (16_000, 250.0), (16_000, 1_000.0)] {
            let frame = rate as usize / 100;
            let before = tone(frequency, rate, 0, 8 * frame);
            let mut concealer = Concealer::new(rate);
            let mut made = vec![0; frame];
            concealer.conceal(&before, &mut made);
            let snr = error(&made, &tone(frequency, rate, 8 * frame, frame));
            assert!(snr > 20.0, "{frequency} Hz at {rate}: {snr:.1} dB");
            let mut voice = tone(frequency, rate, 9 * frame, 2 * frame);
            concealer.join(&mut voice);
            let snr = error(&voice, &tone(frequency, rate, 9 * frame, 2 * frame));
            assert!(snr > 20.0, "joined, {frequency} Hz at {rate}: {snr:.1} dB");
            assert_eq!(concealer.made, 0);
        }
    }

    #[test]
    fn a_long_loss_fades_into_silence() {
        let before = tone(300.0, 8_000, 0, 640);
        let mut concealer = Concealer::new(8_000);
        let mut made = vec![0; 800];
        concealer.conceal(&before, &mut made);
        let peak = |ms: std::ops::Range<usize>| made[ms.start * 8..ms.end * 8].iter().max().copied().unwrap();
        assert!(peak(0..10) > 7_500 && (4_000..7_500).contains(&peak(20..30)), "{}", peak(20..30));
        assert!(peak(45..55) < 2_600 && peak(60..100) == 0);
        assert!(concealer.is_over());
    }

    #[test]
    fn nothing_comes_of_nothing() {
        let mut concealer = Concealer::new(8_000);
        let mut made = [7; 160];
        concealer.conceal(&[0; 300], &mut made);
        assert_eq!(made, [0; 160]);
    }
}
