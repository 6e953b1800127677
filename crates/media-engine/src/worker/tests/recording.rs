//! What becomes of a recording when the disk or the worker stands still.

use super::Stage;
use crate::notes::Recorded;
use crate::orders::{Order, Record};
use crate::wire::{Direction, RecordEnd};
use crate::writer::Job;
use media_proto::MS;
use media_proto::codec::Codec;
use media_proto::recording::Limits;

/// A session that is recorded for as long as one likes.
fn recorded() -> Stage {
    let mut stage = Stage::new();
    stage.open(0);
    stage.remote(0, Direction::Sendrecv, true, Codec::Pcmu);
    let limits = Limits { max_ms: u32::MAX, silence_ms: None };
    let record = Record { limits, ..stage.record(false) };
    stage.order(Order::Record { slot: 0, record });
    stage
}

#[test]
fn a_disk_that_stands_still_ends_the_recording_and_nothing_else() {
    let mut stage = recorded();
    let pass = |stage: &mut Stage, frames: usize| {
        for _ in 0..frames {
            stage.now += 20 * MS;
            stage.world.tick(stage.now);
        }
    };
    pass(&mut stage, 21_000);
    assert!(stage.world.session(0).is_some_and(|session| session.recorder.is_some()), "7 minutes may wait");
    pass(&mut stage, 2_000);
    assert!(stage.world.session(0).is_some_and(|session| session.recorder.is_none()));
    let waiting: Vec<Job> = stage.to_do[0].try_iter().collect();
    let ends = |job: &Job| matches!(job, Job::Finish(Recorded { reason: RecordEnd::Disk, .. }));
    assert_eq!(waiting.iter().position(ends), Some(waiting.len() - 1), "it is told behind what waits");
    let sent = stage.sent(0);
    pass(&mut stage, 5);
    assert_eq!(stage.sent(0), sent + 5, "the call goes on");
}

#[test]
fn nothing_that_came_in_a_pause_is_recorded_however_long_the_worker_stood_still_around_it() {
    const SAID: u8 = 0xa0; // 7932
    const CARD: u8 = 0x80; // 32124, the loudest
    for held_up in [0, 1, 5, 15] {
        let mut stage = recorded();
        let say = |stage: &mut Stage, voice: u8, packets: usize| {
            for _ in 0..packets {
                stage.now += 20 * MS;
                stage.send_unread(0, 0, voice);
                stage.look(0);
                stage.world.tick(stage.now);
            }
        };
        // Orders go first when it moves again, and packets that came before them wait.
        let stand_still = |stage: &mut Stage, paused: bool| {
            for _ in 0..held_up {
                stage.now += 20 * MS;
                stage.send_unread(0, 0, CARD);
            }
            stage.order(Order::PauseRecord { slot: 0, record: None, paused });
            stage.look(0);
            stage.world.tick(stage.now);
        };
        say(&mut stage, SAID, 50);
        stand_still(&mut stage, true);
        say(&mut stage, CARD, 40);
        stand_still(&mut stage, false);
        say(&mut stage, SAID, 50);
        stage.order(Order::StopRecord { slot: 0, record: None });
        let written = stage.to_do[0].try_iter().filter_map(|job| match job {
            Job::Write { samples, .. } => Some(samples),
            Job::Finish(_) => None,
        });
        let sound: Vec<i16> = written.flatten().collect();
        assert_eq!(sound.iter().max(), Some(&7932), "{held_up} packets: the card number is recorded");
        let said = sound.iter().filter(|sample| **sample == 7932).count() / 160;
        // At its end it lacks what still waits in the jitter buffer, which a machine that stands still has made longer.
        assert!((90 - held_up..=98).contains(&said), "{held_up} packets: {said} of 100 frames are recorded");
    }
}
