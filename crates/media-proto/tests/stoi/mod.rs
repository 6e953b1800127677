//! Short-time objective intelligibility (Taal, Hendriks, Heusdens, Jensen 2011): how much of speech can be understood, 0 to 1.
//! Its values are those of `pystoi` 0.4 to four places.

use std::f64::consts::{PI, TAU};

/// The rate that it is defined for.
pub const RATE: u32 = 10_000;
const FRAME: usize = 256;
const HOP: usize = FRAME / 2;
const POINTS: usize = 512;
const BANDS: usize = 15;
/// The centre of the lowest band, in Hz.
const LOWEST: f64 = 150.0;
/// Frames that are compared together: 384 ms.
const SEGMENT: usize = 30;
/// What is so much softer than the loudest frame is silence, in dB.
const RANGE: f64 = 40.0;
/// How far below the speech noise counts at all, in dB.
const CLIP: f64 = 15.0;

/// Compares what was heard with the speech as it was said; both at [`RATE`], in step.
pub fn stoi(said: &[f64], heard: &[f64]) -> f64 {
    let (said, heard) = without_silence(said, heard);
    let (said, heard) = (bands(&said), bands(&heard));
    assert!(said.len() >= SEGMENT, "at least 0.4 s of speech");
    let clip = 1.0 + 10f64.powf(CLIP / 20.0);
    let (mut sum, mut count) = (0.0, 0);
    for from in 0..=said.len() - SEGMENT {
        for band in 0..BANDS {
            let of = |frames: &[[f64; BANDS]]| -> Vec<f64> {
                frames[from..from + SEGMENT].iter().map(|frame| frame[band]).collect()
            };
            let (x, y) = (of(&said), of(&heard));
            let norm = |values: &[f64]| values.iter().map(|value| value * value).sum::<f64>().sqrt();
            let gain = norm(&x) / (norm(&y) + f64::EPSILON);
            let y: Vec<f64> = y.iter().zip(&x).map(|(y, x)| (y * gain).min(x * clip)).collect();
            sum += correlation(&x, &y);
            count += 1;
        }
    }
    sum / f64::from(count)
}

fn correlation(x: &[f64], y: &[f64]) -> f64 {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (of_x, of_y) = (mean(x), mean(y));
    let (mut xy, mut xx, mut yy) = (0.0, 0.0, 0.0);
    for (x, y) in x.iter().zip(y) {
        let (x, y) = (x - of_x, y - of_y);
        (xy, xx, yy) = (xy + x * y, xx + x * x, yy + y * y);
    }
    xy / ((xx * yy).sqrt() + f64::EPSILON)
}

fn window() -> [f64; FRAME] {
    std::array::from_fn(|i| 0.5 - 0.5 * (TAU * (i + 1) as f64 / (FRAME + 1) as f64).cos())
}

/// Both without the frames in which nothing was said.
fn without_silence(said: &[f64], heard: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let window = window();
    let starts: Vec<usize> = (0..said.len().min(heard.len()).saturating_sub(FRAME)).step_by(HOP).collect();
    let windowed =
        |sound: &[f64], at: usize| -> [f64; FRAME] { std::array::from_fn(|i| sound[at + i] * window[i]) };
    let level = |at: &usize| {
        let energy: f64 = windowed(said, *at).iter().map(|sample| sample * sample).sum();
        10.0 * (energy + f64::EPSILON).log10()
    };
    let levels: Vec<f64> = starts.iter().map(level).collect();
    let loudest = levels.iter().copied().fold(f64::MIN, f64::max);
    let kept = starts.iter().zip(levels).filter(|(_, level)| *level > loudest - RANGE);
    let kept: Vec<usize> = kept.map(|(at, _)| *at).collect();
    let together = |sound: &[f64]| {
        let mut out = vec![0.0; kept.len() * HOP + HOP];
        for (n, &at) in kept.iter().enumerate() {
            let frame = windowed(sound, at);
            out[n * HOP..n * HOP + FRAME].iter_mut().zip(frame).for_each(|(out, sample)| *out += sample);
        }
        out
    };
    (together(said), together(heard))
}

/// The level in each third of an octave, frame by frame.
fn bands(sound: &[f64]) -> Vec<[f64; BANDS]> {
    let window = window();
    let bin = |frequency: f64| (frequency * POINTS as f64 / f64::from(RATE)).round() as usize;
    let edges: [(usize, usize); BANDS] = std::array::from_fn(|band| {
        let center = |sixths: f64| LOWEST * 2f64.powf((2.0 * band as f64 + sixths) / 6.0);
        (bin(center(-1.0)), bin(center(1.0)))
    });
    let starts = (0..sound.len().saturating_sub(FRAME)).step_by(HOP);
    starts
        .map(|at| {
            let mut points = [(0.0, 0.0); POINTS];
            for i in 0..FRAME {
                points[i].0 = sound[at + i] * window[i];
            }
            transform(&mut points);
            edges.map(|(from, to)| {
                points[from..to].iter().map(|(re, im)| re * re + im * im).sum::<f64>().sqrt()
            })
        })
        .collect()
}

/// The Fourier transform of a power of two of points.
fn transform(points: &mut [(f64, f64)]) {
    let count = points.len();
    if count == 1 {
        return;
    }
    let (mut even, mut odd): (Vec<_>, Vec<_>) = points.chunks_exact(2).map(|pair| (pair[0], pair[1])).unzip();
    transform(&mut even);
    transform(&mut odd);
    for k in 0..count / 2 {
        let (sin, cos) = (-TAU * k as f64 / count as f64).sin_cos();
        let (re, im) = (odd[k].0 * cos - odd[k].1 * sin, odd[k].0 * sin + odd[k].1 * cos);
        points[k] = (even[k].0 + re, even[k].1 + im);
        points[k + count / 2] = (even[k].0 - re, even[k].1 - im);
    }
}

/// Sound at another rate, without what that cannot have.
pub fn resample(sound: &[f64], from: u32, to: u32) -> Vec<f64> {
    let step = f64::from(from) / f64::from(to);
    let cut = (1.0 / step).min(1.0) * 0.96;
    let reach = (24.0 / cut) as usize;
    // A sample lies between two others in one of so many ways.
    let divisor =
        (1..=from.min(to)).rev().find(|n| from.is_multiple_of(*n) && to.is_multiple_of(*n)).unwrap_or(1);
    let phases = (to / divisor) as usize;
    let kernel = |phase: usize| -> Vec<f64> {
        let tap = |i: usize| {
            let off = (phase as f64 * step).fract() + reach as f64 - i as f64;
            let x = PI * off * cut;
            let sinc = if x.abs() < 1e-9 { 1.0 } else { x.sin() / x };
            sinc * cut * (0.5 + 0.5 * (PI * off / (reach as f64 + 1.0)).cos())
        };
        (0..=2 * reach).map(tap).collect()
    };
    let kernels: Vec<_> = (0..phases).map(kernel).collect();
    let padded = [&vec![0.0; reach], sound, &vec![0.0; reach + 1]].concat();
    let at = |n: usize| n * (from / divisor) as usize / phases;
    (0..(sound.len() as f64 / step) as usize)
        .map(|n| padded[at(n)..].iter().zip(&kernels[n % phases]).map(|(sample, tap)| sample * tap).sum())
        .collect()
}
