//! Periods of a voice: finding them, leaving one out, putting one in (WSOLA: waveform similarity, overlap and add).

use super::tape::Tape;

/// The pitches that are looked for when time is stretched, in µs of a period.
const SHORTEST: usize = 2_500;
const LONGEST: usize = 10_000;
/// Below this mean of the magnitudes nobody hears a cut.
const QUIET: i64 = 40;
/// The likeness of two periods (of 1) from which on one of them is left out or repeated.
const ALIKE: f32 = 0.75;

/// How alike the last `window` samples are to those `lag` earlier: the numerator and the two energies.
fn compare(samples: &[i16], window: usize, lag: usize, step: usize) -> (i64, i64) {
    let end = samples.len();
    let recent = &samples[end - window..];
    let earlier = &samples[end - window - lag..end - lag];
    let (mut product, mut energy) = (0i64, 0i64);
    for (&a, &b) in recent.iter().zip(earlier).step_by(step) {
        product += i64::from(a) * i64::from(b);
        energy += i64::from(b) * i64::from(b);
    }
    (product, energy)
}

/// The lag (between `shortest` and `longest` samples) at which the last `window` samples are most alike to what was before, and
/// how alike they are, up to 1. `samples` hold at least `window + longest`.
pub fn best_lag(samples: &[i16], window: usize, shortest: usize, longest: usize, rate: u32) -> (usize, f32) {
    let score = |lag: usize, step: usize| {
        let (product, energy) = compare(samples, window, lag, step);
        if product <= 0 || energy == 0 { 0.0 } else { product as f32 / (energy as f32).sqrt() }
    };
    // Every other sample of 8 kHz tells enough to find the neighbourhood.
    let step = (rate / 4_000) as usize;
    let mut best = (shortest, 0.0);
    for lag in (shortest..=longest).step_by(step) {
        let score = score(lag, step);
        if score > best.1 {
            best = (lag, score);
        }
    }
    let near = best.0.saturating_sub(step).max(shortest)..=(best.0 + step).min(longest);
    let mut best = (best.0, 0.0);
    for lag in near {
        let score = score(lag, 1);
        if score > best.1 {
            best = (lag, score);
        }
    }
    let recent = &samples[samples.len() - window..];
    let own: i64 = recent.iter().map(|&sample| i64::from(sample) * i64::from(sample)).sum();
    (best.0, if own == 0 { 0.0 } else { best.1 / (own as f32).sqrt() })
}

/// Goes over from `out` to `into`, both as long.
pub fn fade(out: &mut [i16], into: &[i16]) {
    let length = out.len() as i32 + 1;
    for (i, (out, &into)) in out.iter_mut().zip(into).enumerate() {
        let share = i as i32 + 1;
        *out = ((i32::from(*out) * (length - share) + i32::from(into) * share) / length) as i16;
    }
}

/// A period of what was made last, when it can be left out or repeated unheard; any one with `force`.
fn period(tape: &Tape, rate: u32, force: bool) -> Option<usize> {
    let samples = tape.all();
    let us = |us: usize| us * rate as usize / 1_000_000;
    let (window, longest) = (us(LONGEST), us(LONGEST));
    let (lag, alike) = best_lag(samples, window, us(SHORTEST), longest, rate);
    let loudness: i64 = samples[samples.len() - window..].iter().map(|&x| i64::from(x).abs()).sum();
    if loudness < QUIET * window as i64 {
        return Some(longest);
    }
    (alike > ALIKE || force).then_some(lag)
}

/// Leaves out a period of what nobody has heard; returns how many samples that are, 0 when it would be heard.
pub fn accelerate(tape: &mut Tape, rate: u32, force: bool) -> usize {
    let Some(mut lag) = period(tape, rate, force) else { return 0 };
    if 2 * lag > tape.unheard() {
        // A shorter piece of quiet will do; of a voice only a whole period.
        lag = if force { tape.unheard() / 2 } else { return 0 };
    }
    if lag == 0 {
        return 0;
    }
    let (into, out) = tape.tail(2 * lag).split_at_mut(lag);
    fade(into, out);
    tape.shorten(lag);
    lag
}

/// Repeats a period at the end of what was made; returns how many samples that are, 0 when it would be heard.
pub fn expand(tape: &mut Tape, rate: u32, force: bool) -> usize {
    let Some(lag) = period(tape, rate, force) else { return 0 };
    let lag = lag.min(tape.unheard());
    if lag == 0 {
        return 0;
    }
    let before = tape.all().len() - 2 * lag;
    let mut last = [0; LONGEST * 48 / 1_000];
    let last = &mut last[..lag];
    last.copy_from_slice(&tape.all()[before + lag..]);
    let mut earlier = [0; LONGEST * 48 / 1_000];
    let earlier = &mut earlier[..lag];
    earlier.copy_from_slice(&tape.all()[before..before + lag]);
    if tape.grow(lag).len() < lag {
        return 0;
    }
    let (bridge, end) = tape.tail(2 * lag).split_at_mut(lag);
    fade(bridge, earlier);
    end.copy_from_slice(last);
    lag
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tape(frequency: f64, samples: usize) -> Tape {
        let mut tape = Tape::new(8_000);
        let sound: Vec<i16> =
            (0..samples).map(|i| ((i as f64 * frequency * 0.000_785_398).sin() * 8e3) as i16).collect();
        for frame in sound.chunks(160) {
            tape.push(frame);
            let (head, mut out) = (tape.head(), [0; 160]);
            if tape.unheard() > 160 {
                tape.read(head, &mut out);
            }
        }
        tape
    }

    /// The largest step from one sample to the next.
    fn roughness(samples: &[i16]) -> i32 {
        samples.windows(2).map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs()).max().unwrap()
    }

    #[test]
    fn a_tone_loses_or_gains_whole_periods_and_stays_smooth() {
        for frequency in [150.0, 300.0, 1000.0] {
            let period = 8_000.0 / frequency;
            let smooth = roughness(&tape(frequency, 1_600).all()[700..]);
            let mut shorter = tape(frequency, 1_600);
            let cut = accelerate(&mut shorter, 8_000, false);
            let off = |count: usize| {
                let periods = count as f64 / period;
                (periods - periods.round()).abs() * period
            };
            assert!((20..=80).contains(&cut) && off(cut) < 1.0, "{frequency} Hz: {cut} samples");
            assert!(roughness(&shorter.all()[700..]) <= smooth + smooth / 8);
            let mut longer = tape(frequency, 1_600);
            let more = expand(&mut longer, 8_000, false);
            assert!((20..=80).contains(&more) && off(more) < 1.0, "{frequency} Hz: {more} samples");
            assert!(roughness(&longer.all()[700..]) <= smooth + smooth / 8);
        }
    }

    #[test]
    fn what_has_no_period_is_left_alone_unless_it_must_not() {
        let mut tape = Tape::new(8_000);
        let mut random = 1u32;
        for sample in tape.grow(160) {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *sample = (random >> 18) as i16 - 8_192;
        }
        assert_eq!(accelerate(&mut tape, 8_000, false), 0);
        assert_eq!(expand(&mut tape, 8_000, false), 0);
        assert!(accelerate(&mut tape, 8_000, true) > 0);
        assert!(expand(&mut tape, 8_000, true) > 0);
    }

    #[test]
    fn silence_is_cut_as_one_likes() {
        let mut tape = Tape::new(16_000);
        tape.push(&[0; 320]);
        assert_eq!(accelerate(&mut tape, 16_000, false), 160);
        assert_eq!(expand(&mut tape, 16_000, false), 160);
    }
}
