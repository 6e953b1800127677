//! Who is heard in a room: the loudest few, by level alone, so that music and tones count like voices. In a small room that is
//! everybody.

use crate::WIDE_FRAME;

/// So many are heard at once.
pub const SEATS: usize = 8;

/// How much louder than one who is heard another must be to take his place: 6 dB.
const LOUDER: u32 = 2;

/// What one member has to say, and whether he is heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Claim {
    /// His level: at once when he gets louder, slowly when he gets quieter, so that a pause between words costs nobody his seat.
    level: u32,
    seated: bool,
}

impl Claim {
    /// Takes 20 ms of what he says.
    pub fn hear(&mut self, samples: &[i16]) {
        let sum: u32 = samples.iter().map(|sample| u32::from(sample.unsigned_abs())).sum();
        let level = (sum << 4) / samples.len().clamp(1, 2 * WIDE_FRAME) as u32;
        // He keeps a claim for a second or so behind his last sound.
        self.level = level.max(self.level.saturating_sub(self.level / 8 + 1));
    }

    /// Whether he is heard.
    pub fn is_seated(&self) -> bool {
        self.seated
    }
}

/// Gives out the seats anew, after every member was heard for 20 ms. At most one is displaced at a time.
pub fn seat(claims: &mut [Claim]) {
    let mut free = SEATS;
    for claim in claims.iter_mut() {
        claim.seated &= claim.level > 0;
        free = free.saturating_sub(usize::from(claim.seated));
    }
    while let Some(loudest) = (0..claims.len())
        .filter(|&at| !claims[at].seated && claims[at].level > 0)
        .max_by_key(|&at| claims[at].level)
    {
        if free == 0 {
            let seated = claims.iter_mut().filter(|claim| claim.seated);
            let Some(level) = seated.map(|claim| claim.level).min() else { return };
            if claims[loudest].level > level * LOUDER {
                claims[loudest].seated = true;
                if let Some(quietest) = claims.iter_mut().find(|claim| claim.seated && claim.level == level) {
                    quietest.seated = false;
                }
            }
            return;
        }
        claims[loudest].seated = true;
        free -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FRAME;
    use proptest::prelude::*;

    fn pass(claims: &mut [Claim], levels: &[i16]) -> Vec<bool> {
        for (claim, &level) in claims.iter_mut().zip(levels) {
            claim.hear(&[level; FRAME]);
        }
        seat(claims);
        claims.iter().map(Claim::is_seated).collect()
    }

    #[test]
    fn in_a_small_room_everybody_who_makes_a_sound_is_heard_at_once() {
        let mut claims = [Claim::default(); SEATS];
        assert_eq!(pass(&mut claims, &[1; SEATS]), [true; SEATS]);
        assert_eq!(pass(&mut claims[..2], &[0, 20_000]), [true, true]);
    }

    #[test]
    fn of_many_the_loudest_are_heard() {
        let mut claims = [Claim::default(); SEATS + 4];
        let levels: Vec<i16> = (0..claims.len() as i16).map(|n| 1_000 + 100 * n).collect();
        let heard = pass(&mut claims, &levels);
        assert_eq!(heard.iter().filter(|heard| **heard).count(), SEATS);
        assert!(heard[4..].iter().all(|heard| *heard));
    }

    #[test]
    fn who_is_heard_stays_so_until_somebody_clearly_louder_comes() {
        let mut claims = [Claim::default(); SEATS + 1];
        let mut levels = [1_000; SEATS + 1];
        levels[SEATS] = 0;
        pass(&mut claims, &levels);
        levels[SEATS] = 1_900;
        assert!(!pass(&mut claims, &levels)[SEATS], "not even twice as loud");
        levels[SEATS] = 2_500;
        let heard = pass(&mut claims, &levels);
        assert!(heard[SEATS]);
        assert_eq!(heard.iter().filter(|heard| **heard).count(), SEATS);
    }

    #[test]
    fn a_pause_between_words_costs_nobody_his_seat_and_silence_does() {
        let mut claims = [Claim::default(); SEATS + 1];
        let mut levels = [3_000; SEATS + 1];
        levels[SEATS] = 0;
        pass(&mut claims, &levels);
        levels[0] = 0;
        levels[SEATS] = 300;
        let frames = (1..500).find(|_| pass(&mut claims, &levels)[SEATS]).unwrap();
        assert!((20..60).contains(&frames), "the seat was lost after {} ms", frames * 20);
    }

    proptest! {
        #[test]
        fn never_more_than_the_seats_are_taken_and_none_is_empty_while_somebody_has_something_to_say(
            steps in prop::collection::vec(prop::collection::vec(0i16..20_000, 20), 1..60),
        ) {
            let mut claims = [Claim::default(); 20];
            for levels in steps {
                let heard = pass(&mut claims, &levels);
                let taken = heard.iter().filter(|heard| **heard).count();
                let claiming = claims.iter().filter(|claim| claim.level > 0).count();
                prop_assert_eq!(taken, claiming.min(SEATS));
            }
        }
    }
}
