//! Speech over a network that loses packets: how much of it can still be understood (STOI), and how long nothing is heard.
//!
//! espeak-ng says the sentences; a network in virtual time loses some of the packets. Beside what the engine makes of it each
//! test measures what would be heard without concealment (silence where a packet is missing), which must fail:
//! `cargo test -p media-proto --test intelligibility -- --nocapture` prints the figures.

mod simulated;
mod stoi;

use media_proto::codec::{Codec, Decoder};
use simulated::{Network, PERFECT, Sender, hear, send};
use std::process::Command;
use std::sync::LazyLock;

/// Of the list of Harvard sentences (IEEE 1969), which have the sounds of English as often as speech does.
const SENTENCES: &str = "The birch canoe slid on the smooth planks. Glue the sheet to the dark blue background. \
    It's easy to tell the depth of a well. These days a chicken leg is a rare dish. Rice is often served in round bowls. \
    The juice of lemons makes fine punch. The box was thrown beside the parked truck. The hogs were fed chopped corn and garbage. \
    Four hours of steady work faced us. A large size in stockings is hard to sell. The boy was there when the sun rose. \
    A rod is used to catch pink salmon. The source of the huge river is the clear spring.";
const SECONDS: u32 = 26;
/// What is not measured: the delay settles.
const SETTLED: u32 = 6;

/// The sentences at 8 and at 16 kHz.
static SPEECH: LazyLock<[Vec<f64>; 2]> = LazyLock::new(|| {
    let said = Command::new("espeak-ng").args(["-v", "en-gb", "-s", "150", "--stdout", SENTENCES]).output();
    let wav = said.expect("espeak-ng is installed (make setup does it)").stdout;
    assert!(wav.len() > 1_000_000, "espeak-ng said nothing");
    let rate = u32::from_le_bytes(wav[24..28].try_into().unwrap());
    let samples = wav[44..].chunks_exact(2).map(|two| f64::from(i16::from_le_bytes([two[0], two[1]])));
    let samples: Vec<f64> = samples.collect();
    [8_000, 16_000].map(|to| stoi::resample(&samples, rate, to))
});

fn narrow(at: f64) -> f64 {
    let speech = &SPEECH[0];
    speech[(at * 8_000.0).round() as usize % speech.len()] * 0.7
}

fn wide(at: f64) -> f64 {
    let speech = &SPEECH[1];
    speech[(at * 16_000.0).round() as usize % speech.len()] * 0.7
}

fn sender(codec: Codec, fec: bool) -> Sender {
    let sound = if codec.rate() == 8_000 { narrow } else { wide };
    Sender { codec, fec, ppm: 0.0, seconds: SECONDS, sound, sends: |_| true }
}

/// What would be heard if nothing stood in for what is missing.
fn hear_holes(sender: &Sender, network: Network, seed: u64) -> Vec<i16> {
    let (packets, _) = send(sender, network, seed);
    let frame = sender.codec.rate() as usize / 50;
    let mut decoder = Decoder::new(sender.codec).unwrap();
    let mut sound = vec![0; sender.seconds as usize * 50 * frame];
    let first = 65_001u16;
    for (_, sequence, _, payload) in &packets {
        let at = usize::from(sequence.wrapping_sub(first)) * frame;
        decoder.decode(payload, &mut sound[at..at + frame]);
    }
    sound
}

/// What was said and what was heard of it, in step and at the rate of STOI.
fn in_step(sender: &Sender, sound: &[i16]) -> (Vec<f64>, Vec<f64>) {
    let rate = sender.codec.rate() as usize;
    let from = SETTLED as usize * rate;
    let said: Vec<f64> = (0..sound.len()).map(|i| (sender.sound)(i as f64 / rate as f64)).collect();
    let heard: Vec<f64> = sound.iter().map(|&sample| f64::from(sample)).collect();
    let likeness = |lag: usize| -> f64 {
        said[from..from + 2 * rate].iter().zip(&heard[from + lag..]).map(|(a, b)| a * b).sum()
    };
    let most = rate / 5;
    let lag = (0..most).max_by(|a, b| likeness(*a).total_cmp(&likeness(*b))).unwrap();
    let end = said.len() - most;
    let at_rate = |sound: &[f64]| stoi::resample(sound, rate as u32, stoi::RATE);
    (at_rate(&said[from..end]), at_rate(&heard[from + lag..end + lag]))
}

/// How much is understood, and how much of the time in which something is said it is not heard (softer by 20 dB), in 10 ms pieces.
fn measure(sender: &Sender, sound: &[i16]) -> (f64, f64) {
    let (said, heard) = in_step(sender, sound);
    let level =
        |piece: &[f64]| (piece.iter().map(|sample| sample * sample).sum::<f64>() / piece.len() as f64).sqrt();
    let (mut spoken, mut missed) = (0, 0);
    for (said, heard) in said.chunks_exact(100).zip(heard.chunks_exact(100)) {
        if level(said) > 300.0 {
            spoken += 1;
            missed += u32::from(level(heard) < level(said) / 10.0);
        }
    }
    (stoi::stoi(&said, &heard), f64::from(missed) / f64::from(spoken))
}

/// Loses 5, 10 and 20 % of the packets. At least so much is understood, and at most such a share is not heard; of what is heard
/// `otherwise`, less is understood.
fn check(codec: Codec, fec: bool, bounds: [(f64, f64); 3], otherwise: impl Fn(Network) -> Vec<i16>) {
    let sender = sender(codec, fec);
    for (loss, (least, most)) in [0.05, 0.1, 0.2].into_iter().zip(bounds) {
        let network = Network { loss, burst: 1.0 / (1.0 - loss), ..PERFECT };
        let result = hear(&sender, network, SEED);
        let (understood, missed) = measure(&sender, &result.sound);
        let (without, missed_without) = measure(&sender, &otherwise(network));
        println!(
            "{codec:?}, fec {fec}: {loss} lost ({:.3}): understood {understood:.4} (else {without:.4}), not heard {missed:.4} (else {missed_without:.4})",
            result.lost,
        );
        assert!(understood > least, "{codec:?}, {loss}: {understood:.4}");
        assert!(missed < most, "{codec:?}, {loss}: {missed:.4}");
        assert!(without < least, "{codec:?}, {loss}: the bound is no bound: {without:.4}");
    }
}

const SEED: u64 = 1;

#[test]
fn pcmu_is_understood_when_packets_are_lost() {
    let bounds = [(0.978, 0.01), (0.950, 0.02), (0.905, 0.03)];
    check(Codec::Pcmu, false, bounds, |network| hear_holes(&sender(Codec::Pcmu, false), network, SEED));
}

#[test]
fn g722_is_understood_when_packets_are_lost() {
    let bounds = [(0.970, 0.01), (0.918, 0.02), (0.855, 0.03)];
    check(Codec::G722, false, bounds, |network| hear_holes(&sender(Codec::G722, false), network, SEED));
}

#[test]
fn opus_is_understood_when_packets_are_lost() {
    let bounds = [(0.957, 0.01), (0.895, 0.02), (0.822, 0.03)];
    check(Codec::Opus, false, bounds, |network| hear_holes(&sender(Codec::Opus, false), network, SEED));
}

#[test]
fn opus_that_is_repeated_is_understood_better_than_what_is_only_concealed() {
    let bounds = [(0.974, 0.003), (0.945, 0.006), (0.92, 0.01)];
    check(Codec::Opus, true, bounds, |network| hear(&sender(Codec::Opus, false), network, SEED).sound);
}

#[test]
fn the_measure_knows_speech_from_noise() {
    let sender = sender(Codec::Pcmu, false);
    let perfect = hear(&sender, PERFECT, SEED).sound;
    let (understood, missed) = measure(&sender, &perfect);
    assert!(understood > 0.995 && missed < 0.002, "{understood}, {missed}");
    let mut seed = 7u32;
    let noise = perfect.iter().map(|_| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 18) as i16 - 8_192
    });
    let (understood, _) = measure(&sender, &noise.collect::<Vec<_>>());
    assert!(understood < 0.5, "{understood}");
}
