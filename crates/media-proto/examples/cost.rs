//! What a frame of 20 ms costs, to be counted by callgrind: run with two numbers of frames and divide the difference
//! (bench/README.md has the figures).
//!
//!     valgrind --tool=callgrind cost WAY FRAMES
//!
//! `opus`: libopus alone encodes and decodes. `transcode`: PCMU through the jitter buffer to Opus, and Opus through it to PCMU,
//! which is a call of such a pair for 20 ms. `law`: PCMU to PCMA and back, each one table. `copy`: the same bytes, as they are.
//! `none`: the sound is made and nothing else.

use media_proto::codec::{Codec, Encoder};
use media_proto::ear::Ear;
use media_proto::g711::Law;
use media_proto::opus;
use media_proto::resample::Resampler;
use media_proto::voice::{Arrival, Content, Voice};
use media_proto::{FRAME, FRAME_MICROS, WIDE_FRAME};
use std::hint::black_box;

/// A frame of something like speech, by its number.
fn frame(n: u32) -> [i16; FRAME] {
    let mut random = n.wrapping_mul(2_654_435_761) | 1;
    std::array::from_fn(|i| {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let at = ((n * FRAME as u32 + i as u32) % 64) as i16;
        let glottis = if at < 8 { at * 900 } else { (64 - at) * 110 };
        (glottis - 3_000) / 2 + (random >> 24) as i16
    })
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let way = arguments.next().unwrap_or_default();
    let frames: u32 = arguments.next().and_then(|count| count.parse().ok()).unwrap_or(1_000);
    let settings = opus::Settings { fec: true, ..Default::default() };
    let (Some(mut encoder), Some(mut decoder)) =
        (Encoder::new(Codec::Opus, settings), opus::Decoder::new(16_000))
    else {
        return;
    };
    let mut up = Resampler::new(8_000, 16_000);
    let (mut narrow, mut wide) = (Voice::default(), Voice::default());
    let (mut to_wide, mut to_narrow) = (Ear::default(), Ear::default());
    let mut payload = [0; opus::MAX_PAYLOAD];
    for n in 0..frames {
        let sound = frame(n);
        let mut law = [0; FRAME];
        Law::Mu.encode(&sound, &mut law);
        let now = u64::from(n) * FRAME_MICROS;
        let arrival = |content, clock: u32| Arrival {
            ssrc: 1,
            sequence: n as u16,
            timestamp: n * (clock / 50),
            content,
            payload: &[],
        };
        let mut samples = [0; WIDE_FRAME];
        match way.as_str() {
            "opus" => {
                // The same resampled sound, so that the difference is what is ours.
                up.process(&sound, &mut samples);
                let length = encoder.encode(&samples, &mut payload);
                black_box(decoder.decode(&payload[..length], &mut samples));
            }
            "transcode" => {
                let packet = Arrival { payload: &law, ..arrival(Content::Voice(Codec::Pcmu), 8_000) };
                narrow.put(now, &packet);
                to_wide.take(&mut narrow, now, &mut samples, 16_000);
                let length = encoder.encode(&samples, &mut payload);
                let packet =
                    Arrival { payload: &payload[..length], ..arrival(Content::Voice(Codec::Opus), 48_000) };
                wide.put(now, &packet);
                let mut back = [0; FRAME];
                to_narrow.take(&mut wide, now, &mut back, 8_000);
                Law::Mu.encode(&back, &mut law);
                black_box(law);
            }
            "law" => {
                Law::Mu.convert(Law::A, &mut law);
                Law::A.convert(Law::Mu, black_box(&mut law));
            }
            "copy" => {
                let mut copy = [0; FRAME];
                copy.copy_from_slice(black_box(&law));
                black_box(copy);
            }
            _ => {
                black_box(law);
            }
        }
    }
}
