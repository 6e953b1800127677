//! A voice over a simulated network: seeded, in virtual time.
//!
//! Every test sends a tone or a synthetic voice through a network that loses, delays, reorders and bunches packets, hears it by
//! its own clock, and looks at what was heard. `cargo test -p media-proto --test network -- --nocapture` prints the figures.

mod simulated;

use media_proto::MS;
use media_proto::codec::Codec;
use media_proto::voice::Heard;
use simulated::{Network, PERFECT, Result, Sender, hear, hear_at, hear_for_hours};
use std::f64::consts::TAU;

fn tone(at: f64) -> f64 {
    (at * 440.0 * TAU).sin() * 8e3
}

/// Something like a voice: words of half a second, a pitch that glides between 100 and 140 Hz, formants that move.
fn voice(at: f64) -> f64 {
    let word = at % 0.7;
    if word > 0.5 {
        return (at * 12_345.678).sin() * 12.0;
    }
    let envelope = (word / 0.5 * std::f64::consts::PI).sin().sqrt();
    let phase = TAU * (120.0 * at + 20.0 / (TAU * 0.9) * (TAU * 0.9 * at).sin());
    let (first, second) = (550.0 + 250.0 * (at * 5.0).sin(), 1_500.0 + 500.0 * (at * 3.1).sin());
    let formant = |f: f64, center: f64, width: f64| (-((f - center) / width).powi(2)).exp();
    (1..25)
        .map(|n| {
            let f = 120.0 * f64::from(n);
            let strength = 0.02 + formant(f, first, 180.0) + 0.5 * formant(f, second, 220.0);
            (phase * f64::from(n)).sin() * strength / (1.0 + f64::from(n) * 0.05)
        })
        .sum::<f64>()
        * 4_500.0
        * envelope
}

fn always(_: f64) -> bool {
    true
}

/// The mean delay in the second half, in ms.
fn mean_delay(result: &Result) -> f64 {
    let half = &result.delay[result.delay.len() / 2..];
    half.iter().sum::<u64>() as f64 / half.len() as f64 / 1e3
}

/// The share of what was heard that stood in for something lost or late.
fn concealed(result: &Result) -> f64 {
    result.heard.concealed as f64 / result.heard.taken as f64
}

/// The share of 10 ms pieces (behind the first second) in which a tone of 440 Hz is what is heard: at least 85 % of the energy,
/// and at least half its level.
fn continuity(sound: &[i16], rate: u32) -> f64 {
    let piece = rate as usize / 100;
    let pieces: Vec<_> = sound[rate as usize..].chunks_exact(2 * piece).collect();
    let good = pieces.iter().filter(|piece| {
        let step = TAU * 440.0 / f64::from(rate);
        let (mut re, mut im, mut energy) = (0.0, 0.0, 0.0);
        for (i, &sample) in piece.iter().enumerate() {
            let sample = f64::from(sample);
            re += sample * (step * i as f64).cos();
            im += sample * (step * i as f64).sin();
            energy += sample * sample;
        }
        let power = 2.0 * (re * re + im * im) / piece.len() as f64;
        power > 0.85 * energy && energy / piece.len() as f64 > (8e3f64 / 2.0).powi(2) / 2.0
    });
    good.count() as f64 / pieces.len() as f64
}

fn print(name: &str, sender: &Sender, result: &Result) {
    println!(
        "{name:28} {:5} lost {:5.2} % concealed {:5.2} % late {:4} delay {:5.1} ms left out {:6} ms repeated {:6} ms",
        sender.codec.name(),
        result.lost * 100.0,
        concealed(result) * 100.0,
        result.heard.late,
        mean_delay(result),
        result.heard.left_out / MS,
        result.heard.repeated / MS,
    );
}

fn sender(codec: Codec, seconds: u32) -> Sender {
    Sender { codec, fec: true, ppm: 0.0, seconds, sound: tone, sends: always }
}

#[test]
fn a_perfect_network_costs_little_delay_and_no_sound() {
    for codec in Codec::ALL {
        let sender = sender(codec, 20);
        let result = hear(&sender, PERFECT, 1);
        print("perfect", &sender, &result);
        assert_eq!((result.heard.concealed, result.heard.late), (0, 0));
        assert!(mean_delay(&result) < 45.0, "{} ms", mean_delay(&result));
        assert!(continuity(&result.sound, codec.rate()) > 0.99);
    }
}

#[test]
fn lost_packets_are_concealed_and_the_tone_goes_on() {
    for codec in Codec::ALL {
        for (loss, burst, good, of_opus) in
            [(0.05, 1.0, 0.99, 0.83), (0.1, 1.0, 0.98, 0.66), (0.2, 1.0, 0.97, 0.42), (0.1, 3.0, 0.91, 0.80)]
        {
            let sender = sender(codec, 60);
            let result = hear(&sender, Network { loss, burst, jitter: 3.0, ..PERFECT }, 7);
            print(&format!("loss {loss} in bursts of {burst}"), &sender, &result);
            let tone = continuity(&result.sound, codec.rate());
            println!("{:28} tone in {:.1} % of the pieces", "", tone * 100.0);
            // Opus does not repeat a tone (speech it does), and conceals it less purely than by repeating its periods.
            let good = if codec == Codec::Opus { of_opus } else { good };
            let hidden = concealed(&result) / result.lost;
            assert!((0.9..1.1).contains(&hidden), "{codec:?}: {hidden:.3} of what was lost");
            assert!(tone > good, "{codec:?}, {loss}: {tone:.3}");
        }
    }
}

#[test]
fn what_repairs_a_loss_is_waited_for_also_where_the_delay_is_small() {
    // Whenever the listener's clock ticks beside the sender's: sometimes the packet behind came just after it was needed.
    for phase in [1, 5, 9, 13, 17] {
        let sender = Sender { sound: voice, ..sender(Codec::Opus, 30) };
        let network = Network { loss: 0.1, ..PERFECT };
        let result = hear_at(&sender, network, 7, phase * MS);
        print(&format!("10 % lost, phase {phase} ms"), &sender, &result);
        // Without two losses in a row all of the voice can be repaired, but for those before the delay has grown. The pauses
        // between the words, a quarter of the time, are not repeated.
        assert!(concealed(&result) < 0.035, "{phase} ms: {:.4}", concealed(&result));
        assert!(mean_delay(&result) < 75.0, "{phase} ms: {}", mean_delay(&result));
    }
}

#[test]
fn the_delay_follows_the_jitter_of_the_network() {
    let mut delays = Vec::new();
    for jitter in [0.0, 5.0, 15.0, 40.0] {
        let sender = sender(Codec::Pcma, 60);
        let result = hear(&sender, Network { jitter, ..PERFECT }, 3);
        print(&format!("jitter {jitter} ms"), &sender, &result);
        assert!(concealed(&result) < 0.03, "{:.4}", concealed(&result));
        delays.push(mean_delay(&result));
    }
    assert!(delays.windows(2).all(|pair| pair[0] < pair[1]), "{delays:?}");
}

#[test]
fn reordered_packets_are_put_in_order() {
    for codec in Codec::ALL {
        let sender = sender(codec, 60);
        let result = hear(&sender, Network { reordered: 0.05, jitter: 2.0, ..PERFECT }, 5);
        print("5 % reordered by 50 ms", &sender, &result);
        assert!(concealed(&result) < 0.01, "{:.4}", concealed(&result));
        assert!(continuity(&result.sound, codec.rate()) > 0.97);
    }
}

#[test]
fn a_stalled_network_is_waited_for_and_caught_up_with() {
    let sender = Sender { sound: voice, ..sender(Codec::Pcmu, 60) };
    let result = hear(&sender, Network { stall: (15_000.0, 200.0), jitter: 3.0, ..PERFECT }, 9);
    print("stalls of 200 ms", &sender, &result);
    assert!(result.heard.late < 20);
    assert!(mean_delay(&result) < 120.0);
}

/// The clocks of two parties differ by 200 millionths, which is 0.72 s an hour, for a long morning.
fn drift_for_hours(codec: Codec, ppm: f64) {
    const HOURS: u32 = 3;
    let sender = Sender { ppm, ..sender(codec, 10) };
    let per_hour = 3_600 * 50;
    let (mut piece, mut frames) = (Vec::new(), 0u32);
    let (mut worst, mut mean, mut tone) = ([0; HOURS as usize], [0; HOURS as usize], [0.0; HOURS as usize]);
    let heard = hear_for_hours(&sender, 2.0, HOURS, |frame, delay| {
        let hour = (frames / per_hour) as usize;
        frames += 1;
        if frames > 500 {
            worst[hour] = delay.max(worst[hour]);
        }
        mean[hour] += delay;
        // ten seconds of each minute are listened to
        if frames % 3_000 >= 2_500 || frames.is_multiple_of(3_000) {
            piece.extend_from_slice(frame);
        }
        if frames.is_multiple_of(3_000) {
            tone[hour] += continuity(&piece, codec.rate()) / 60.0;
            piece.clear();
        }
    });
    let mean = mean.map(|delay| delay / u64::from(per_hour));
    let Heard { left_out, repeated, concealed, taken, late, .. } = heard;
    println!(
        "{HOURS} hours of {ppm:4} ppm {:5} concealed {concealed} µs late {late} left out {} ms repeated {} ms; by the hour: delay \
         {:?} ms, at most {:?} ms, tone {tone:.4?}",
        codec.name(),
        left_out / MS,
        repeated / MS,
        mean.map(|delay| delay / MS),
        worst.map(|delay| delay / MS),
    );
    assert!((concealed as f64) < 0.002 * taken as f64, "{concealed} of {taken}");
    assert!(worst.iter().all(|delay| *delay < 120 * MS), "{worst:?}");
    assert!(mean[HOURS as usize - 1] < mean[0] + 10 * MS, "the delay grows: {mean:?}");
    let net = left_out as f64 - repeated as f64 - concealed as f64;
    assert!((net / 1e6 - ppm * 1e-6 * 3_600.0 * f64::from(HOURS)).abs() < 0.2, "{net}");
    assert!(tone.iter().all(|tone| *tone > 0.995), "{tone:?}");
}

#[test]
fn a_fast_clock_costs_neither_sound_nor_delay_in_hours_of_g711() {
    drift_for_hours(Codec::Pcmu, 200.0);
}

#[test]
fn a_slow_clock_costs_neither_sound_nor_delay_in_hours_of_g711() {
    drift_for_hours(Codec::Pcma, -200.0);
}

#[test]
fn a_fast_clock_costs_neither_sound_nor_delay_in_hours_of_g722() {
    drift_for_hours(Codec::G722, 200.0);
}

#[test]
fn a_slow_clock_costs_neither_sound_nor_delay_in_hours_of_g722() {
    drift_for_hours(Codec::G722, -200.0);
}

#[test]
fn a_fast_clock_costs_neither_sound_nor_delay_in_hours_of_opus() {
    drift_for_hours(Codec::Opus, 200.0);
}

#[test]
fn a_slow_clock_costs_neither_sound_nor_delay_in_hours_of_opus() {
    drift_for_hours(Codec::Opus, -200.0);
}

#[test]
fn pauses_that_are_not_sent_are_no_loss() {
    fn sends(at: f64) -> bool {
        at % 3.0 < 2.0
    }
    for codec in Codec::ALL {
        let sender = Sender { sends, ..sender(codec, 60) };
        let result = hear(&sender, Network { jitter: 3.0, ..PERFECT }, 13);
        print("1 of 3 s not sent", &sender, &result);
        assert!(concealed(&result) < 0.01, "{:.4}", concealed(&result));
        assert!(mean_delay(&result) < 70.0);
        // Two of three seconds are tone.
        let loud =
            result.sound.chunks(codec.rate() as usize / 50).filter(|frame| frame.iter().any(|&x| x > 4_000));
        let share = loud.count() as f64 / 3_000.0;
        assert!((0.64..0.72).contains(&share), "{share}");
    }
}
