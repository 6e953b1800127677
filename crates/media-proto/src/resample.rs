//! Sound of one rate as sound of another: 8, 16 and 48 kHz, by windowed-sinc filters in polyphase form.
//!
//! The ratios are whole numbers, so each output sample is one row of coefficients over its neighbours: no allocation, no
//! minimum block, 2 ms of delay. (General resamplers are made for ratios that change and for long blocks.)

use std::f64::consts::PI;
use std::sync::LazyLock;

/// The rates that sound may have.
pub const RATES: [u32; 3] = [8_000, 16_000, 48_000];

/// Coefficients per sample of the lower rate: −50 dB at 4.2 kHz and −1 dB at 3.3 kHz when that is 8 kHz.
const TAPS: usize = 32;
/// Half the height of the filter's slope, of the lower rate.
const CUTOFF: f64 = 0.462;
/// Shape of the Kaiser window.
const BETA: f64 = 5.0;
/// The unit of the coefficients.
const ONE: f64 = 16_384.0;
/// Samples under the longest filter: 48 kHz to 8 kHz.
const LONGEST: usize = TAPS * 6;

/// A filter from one rate to another.
#[derive(Debug)]
struct Kernel {
    up: usize,
    down: usize,
    /// Input samples under the filter.
    length: usize,
    /// One row of `length` coefficients for each of `up` places between two input samples.
    rows: Box<[i16]>,
}

impl Kernel {
    fn new(up: usize, down: usize) -> Kernel {
        let length = TAPS * down;
        // In input samples: the cutoff, and the half width of the window.
        let (cutoff, half) = (CUTOFF / down as f64, length as f64 / 2.0);
        let mut rows = Vec::with_capacity(up * length);
        for phase in 0..up {
            let center = (length / 2 - 1) as f64 + phase as f64 / up as f64;
            let row: Vec<f64> = (0..length)
                .map(|k| {
                    let at = k as f64 - center;
                    let sinc =
                        if at == 0.0 { 2.0 * cutoff } else { (2.0 * PI * cutoff * at).sin() / (PI * at) };
                    let edge = 1.0 - (at / half).powi(2);
                    sinc * if edge > 0.0 { bessel(BETA * edge.sqrt()) } else { 0.0 }
                })
                .collect();
            let sum: f64 = row.iter().sum();
            rows.extend(row.iter().map(|coefficient| (coefficient / sum * ONE).round() as i16));
        }
        Kernel { up, down, length, rows: rows.into_boxed_slice() }
    }

    /// One output sample: the input under the filter (as long as the filter) and the place behind its middle.
    fn apply(&self, window: &[i16], phase: usize) -> i16 {
        let row = &self.rows[phase * self.length..][..self.length];
        let sum: i32 = window.iter().zip(row).map(|(&x, &c)| i32::from(x) * i32::from(c)).sum();
        ((sum + (1 << 13)) >> 14).clamp(-32_768, 32_767) as i16
    }
}

/// The modified Bessel function of order zero.
fn bessel(x: f64) -> f64 {
    let (mut sum, mut term) = (1.0, 1.0);
    for k in 1..30 {
        term *= (x / 2.0 / f64::from(k)).powi(2);
        sum += term;
    }
    sum
}

static KERNELS: LazyLock<[Kernel; 6]> = LazyLock::new(|| {
    [(2, 1), (6, 1), (3, 1), (1, 2), (1, 6), (1, 3)].map(|(up, down)| Kernel::new(up, down))
});

/// The filter between two different rates of [`RATES`].
fn kernel(from: u32, to: u32) -> &'static Kernel {
    let index = match (from, to) {
        (8_000, 16_000) => 0,
        (8_000, _) => 1,
        (16_000, 48_000) => 2,
        (16_000, _) => 3,
        (_, 8_000) => 4,
        (_, _) => 5,
    };
    &KERNELS[index]
}

/// Reads sound in memory at another rate, from any place on: `out` begins at the output sample `at`. Beyond its ends the sound
/// is silent, or with `wrap` begins again. Rates are of [`RATES`] and not the same; `samples` is not empty.
pub fn read(samples: &[i16], from: u32, to: u32, at: u64, out: &mut [i16], wrap: bool) {
    let kernel = kernel(from, to);
    let mut gathered = [0i16; LONGEST];
    for (n, out) in out.iter_mut().enumerate() {
        let place = (at + n as u64) * kernel.down as u64;
        let phase = (place % kernel.up as u64) as usize;
        let first = (place / kernel.up as u64) as i64 - (kernel.length / 2 - 1) as i64;
        let whole = usize::try_from(first).ok().and_then(|first| samples.get(first..first + kernel.length));
        *out = match whole {
            Some(window) => kernel.apply(window, phase),
            None => {
                for (k, sample) in gathered[..kernel.length].iter_mut().enumerate() {
                    let index = first + k as i64;
                    let index = if wrap { index.rem_euclid(samples.len() as i64) } else { index };
                    *sample = usize::try_from(index).ok().and_then(|i| samples.get(i)).copied().unwrap_or(0);
                }
                kernel.apply(&gathered[..kernel.length], phase)
            }
        };
    }
}

/// Input samples that are worked on at once.
const BLOCK: usize = 960;

/// Turns a stream of one rate into one of another, block by block.
#[derive(Clone, Debug)]
pub struct Resampler {
    from: u32,
    to: u32,
    /// The end of what came before.
    history: [i16; LONGEST],
}

impl Resampler {
    /// A stream from one rate of [`RATES`] to another.
    pub fn new(from: u32, to: u32) -> Resampler {
        Resampler { from, to, history: [0; LONGEST] }
    }

    /// Whether it is for these rates.
    pub fn is(&self, from: u32, to: u32) -> bool {
        (self.from, self.to) == (from, to)
    }

    /// Forgets what came before.
    pub fn reset(&mut self) {
        self.history.fill(0);
    }

    /// Turns `input` (of which the length divides by the ratio) into the beginning of `out`; returns how many samples that are.
    pub fn process(&mut self, input: &[i16], out: &mut [i16]) -> usize {
        let kernel = kernel(self.from, self.to);
        let mut written = 0;
        let mut buffer = [0i16; LONGEST + BLOCK];
        for block in input.chunks(BLOCK) {
            buffer[..LONGEST].copy_from_slice(&self.history);
            buffer[LONGEST..LONGEST + block.len()].copy_from_slice(block);
            let rest = &mut out[written..];
            let count = (block.len() / kernel.down * kernel.up).min(rest.len());
            for (n, out) in rest[..count].iter_mut().enumerate() {
                // The latest sample under the filter is the last of those that this output belongs to.
                let end = LONGEST + n / kernel.up * kernel.down + kernel.down;
                *out = kernel.apply(&buffer[end - kernel.length..end], n % kernel.up);
            }
            written += count;
            self.history.copy_from_slice(&buffer[block.len()..block.len() + LONGEST]);
        }
        written
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(frequency: f64, rate: u32, length: usize) -> Vec<i16> {
        let step = 2.0 * PI * frequency / f64::from(rate);
        (0..length).map(|i| ((step * i as f64).sin() * 10_000.0) as i16).collect()
    }

    fn level(samples: &[i16], frequency: f64, rate: u32) -> f64 {
        let step = 2.0 * PI * frequency / f64::from(rate);
        let (mut re, mut im) = (0.0, 0.0);
        for (i, &sample) in samples.iter().enumerate() {
            re += f64::from(sample) * (step * i as f64).cos();
            im += f64::from(sample) * (step * i as f64).sin();
        }
        2.0 * (re * re + im * im).sqrt() / samples.len() as f64
    }

    fn pairs() -> impl Iterator<Item = (u32, u32)> {
        RATES.iter().flat_map(|&from| RATES.iter().map(move |&to| (from, to))).filter(|(from, to)| from != to)
    }

    #[test]
    fn a_tone_keeps_its_frequency_and_level_and_leaves_no_image() {
        for (from, to) in pairs() {
            for frequency in [300.0, 1000.0, 3000.0] {
                let input = tone(frequency, from, from as usize);
                let mut out = vec![0; to as usize];
                assert_eq!(Resampler::new(from, to).process(&input, &mut out), out.len());
                let steady = &out[to as usize / 10..];
                let heard = level(steady, frequency, to);
                assert!((9_700.0..10_200.0).contains(&heard), "{from} → {to}: {frequency} Hz at {heard}");
                let image = 8_000.0 - frequency;
                if f64::from(to) > 2.0 * image {
                    let heard = level(steady, image, to);
                    assert!(heard < 40.0, "{from} → {to}: an image at {image} Hz of {heard}");
                }
            }
        }
    }

    #[test]
    fn what_the_lower_rate_cannot_hold_is_taken_out() {
        for (from, to, frequency) in
            [(16_000, 8_000, 5_000.0), (48_000, 8_000, 6_500.0), (48_000, 16_000, 10_000.0)]
        {
            let mut out = vec![0; to as usize];
            Resampler::new(from, to).process(&tone(frequency, from, from as usize), &mut out);
            let alias = f64::from(to) - frequency;
            assert!(level(&out[800..], alias.abs(), to) < 60.0, "{from} → {to}");
        }
    }

    #[test]
    fn a_stream_is_the_same_in_whatever_blocks_it_comes() {
        for (from, to) in pairs() {
            let input = tone(700.0, from, 4_800);
            let (mut whole, mut pieces) = (vec![0; 28_800], vec![0; 28_800]);
            let count = Resampler::new(from, to).process(&input, &mut whole);
            let (mut resampler, mut at) = (Resampler::new(from, to), 0);
            for block in input.chunks(240) {
                at += resampler.process(block, &mut pieces[at..]);
            }
            assert_eq!((at, &pieces), (count, &whole));
        }
    }

    #[test]
    fn sound_in_memory_is_read_from_any_place_and_over_its_end() {
        for (from, to) in pairs() {
            let sound = tone(500.0, from, from as usize / 2);
            let mut whole = vec![0; to as usize];
            read(&sound, from, to, 0, &mut whole, true);
            let heard = level(&whole, 500.0, to);
            assert!((9_800.0..10_100.0).contains(&heard), "{from} → {to}: {heard}");
            let mut piece = vec![0; 160];
            read(&sound, from, to, 1234, &mut piece, true);
            assert_eq!(piece, whole[1234..1394]);
            read(&sound, from, to, u64::from(to) / 2 - 100, &mut piece, false);
            assert!(
                piece[..80].iter().any(|&x| x.abs() > 5_000) && piece[140..].iter().all(|&x| x.abs() < 50)
            );
        }
    }

    #[test]
    fn the_loudest_sound_is_clipped_and_not_turned_over() {
        let square: Vec<i16> = (0..800).map(|i| if i / 20 % 2 == 0 { 32_767 } else { -32_768 }).collect();
        let mut out = vec![0; 1600];
        Resampler::new(8_000, 16_000).process(&square, &mut out);
        // Delayed by half a filter, every sample has the sign of what it was made of.
        for (i, &sample) in out.iter().enumerate().skip(64) {
            let at = (i - 31) / 2;
            if at % 20 > 3 && at % 20 < 17 {
                assert_eq!(sample > 0, square[at] > 0, "{i}");
            }
        }
    }
}
