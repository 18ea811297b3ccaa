//! A random chain, random endpoints and a sender that does what the engine says.

use proptest::prelude::*;

use super::*;

/// What happens to the sender's nonce between two looks.
#[derive(Debug, Clone, Copy)]
enum Happening {
    /// Nothing.
    Idle,
    /// One of the attempts that an endpoint took is mined.
    Mined(usize),
    /// Somebody else uses the nonce.
    Foreign,
    /// A reorg takes back what was mined.
    Reorg,
}

fn happenings() -> impl Strategy<Value = Happening> {
    prop_oneof![
        6 => Just(Happening::Idle),
        1 => (0..8_usize).prop_map(Happening::Mined),
        1 => Just(Happening::Foreign),
        1 => Just(Happening::Reorg),
    ]
}

fn answers() -> impl Strategy<Value = Result<(), TxRejection>> {
    prop_oneof![
        4 => Just(Ok(())),
        1 => Just(Err(TxRejection::ReplacementUnderpriced)),
        1 => Just(Err(TxRejection::FeeTooLow)),
        1 => Just(Err(TxRejection::InsufficientFunds)),
        1 => Just(Err(TxRejection::PoolFull)),
    ]
}

fn moments() -> impl Strategy<Value = Vec<Moment>> {
    let moment = (happenings(), answers(), 1..2_000_u128, 0..6_u64);
    proptest::collection::vec(moment, 1..60)
}

type Moment = (Happening, Result<(), TxRejection>, u128, u64);

/// The truth about the nonce, which the engine sees only through `Sight`.
struct World {
    taken: Vec<Attempt>,
    signed: Vec<Attempt>,
    mined: Option<(Attempt, u64)>,
    foreign: bool,
    head: u64,
}

impl World {
    fn happen(&mut self, happening: Happening) {
        self.head += 1;
        let free = self.mined.is_none() && !self.foreign;
        match happening {
            Happening::Mined(which) if free && !self.taken.is_empty() => {
                self.mined = Some((self.taken[which % self.taken.len()], self.head));
            }
            Happening::Foreign if free => self.foreign = true,
            Happening::Reorg => (self.mined, self.foreign) = (None, false),
            Happening::Idle | Happening::Mined(_) | Happening::Foreign => {}
        }
    }

    fn sight(&self, now: u64, market: u128) -> Sight {
        let used = self.mined.is_some() || self.foreign;
        let included = self.mined.map(|(attempt, block)| Included {
            receipt: TxReceipt {
                tx_hash: attempt.hash,
                ..receipt(0, block, true)
            },
            head: self.head,
        });
        Sight {
            now,
            next_nonce: 5 + u64::from(used),
            included,
            market: Some(fees(market, market / 3)),
        }
    }
}

proptest! {
    #[test]
    fn every_history_keeps_the_rules(first in 1..900_u128, moments in moments()) {
        let rules = rules();
        let attempt_at = |number: usize, fees| Attempt {
            hash: B256([u8::try_from(number + 1).unwrap(); 32]),
            fees,
        };
        let signed = attempt_at(0, fees(first, first / 2));
        let mut pursuit = Pursuit::new(5, signed, 0);
        let mut world = World {
            taken: Vec::new(),
            signed: vec![signed],
            mined: None,
            foreign: false,
            head: 100,
        };
        let mut now = 0;
        for (happening, answer, market, pause) in moments {
            now += pause;
            world.happen(happening);
            let sight = world.sight(now, market);
            let mut twin = pursuit.clone();
            let decision = pursuit.decide(&sight, &rules);
            prop_assert_eq!(twin.decide(&sight, &rules), decision, "same inputs, same decision");
            let newest = *pursuit.attempts().next().unwrap();
            match decision {
                Decision::Wait => continue,
                Decision::Offer => {}
                Decision::Reprice(new) => {
                    let old = newest.fees;
                    prop_assert!(new.max_fee.0 * 8 >= old.max_fee.0 * 9, "{:?} {:?}", old, new);
                    prop_assert!(new.tip.0 * 8 >= old.tip.0 * 9, "{:?} {:?}", old, new);
                    prop_assert!(new.tip <= new.max_fee && new.max_fee <= rules.max_fee_cap);
                    prop_assert!(sight.included.is_none() && sight.next_nonce == 5);
                    let attempt = attempt_at(world.signed.len(), new);
                    world.signed.push(attempt);
                    pursuit.add(attempt, now);
                }
                Decision::Final(Outcome::Confirmed(receipt) | Outcome::Reverted(receipt)) => {
                    let (mined, block) = world.mined.unwrap();
                    prop_assert_eq!(mined.hash, receipt.tx_hash);
                    prop_assert!(world.head >= block + rules.confirmations);
                    return Ok(());
                }
                Decision::Final(Outcome::Displaced) => {
                    prop_assert!(world.foreign && world.mined.is_none());
                    return Ok(());
                }
                Decision::Final(Outcome::GivenUp(_)) => {
                    prop_assert!(world.taken.is_empty(), "an attempt may still be mined");
                    return Ok(());
                }
            }
            if answer.is_ok() {
                world.taken.push(*pursuit.attempts().next().unwrap());
            }
            pursuit.note_offer(answer, now);
            prop_assert_eq!(pursuit.nonce(), 5);
            let watched: Vec<_> = pursuit.attempts().map(|a| a.hash).collect();
            prop_assert_eq!(watched.len(), world.signed.len(), "every hash is watched");
        }
    }

    #[test]
    fn a_raise_is_taken_by_every_pool_or_refused_by_the_cap(
        (max_fee, tip, cap) in any::<(u128, u128, u128)>(),
        market in any::<(u128, u128)>(),
    ) {
        let rules = Rules { max_fee_cap: Wei(cap), ..rules() };
        let old = fees(max_fee.max(tip), max_fee.min(tip));
        let market = fees(market.0.max(market.1), market.0.min(market.1));
        let Some(new) = rules.raised_fees(old, market) else {
            // Not even an eighth more fits under the cap.
            let eighth = old.max_fee.0.checked_add(old.max_fee.0.div_ceil(8) + 1);
            prop_assert!(eighth.is_none_or(|least| least > cap));
            return Ok(());
        };
        prop_assert!(new.max_fee.0 - old.max_fee.0 > old.max_fee.0 / 8);
        prop_assert!(new.tip.0 - old.tip.0 > old.tip.0 / 8);
        prop_assert!(new.tip <= new.max_fee && new.max_fee.0 <= cap);
        prop_assert!(new.max_fee.0 >= market.max_fee.0.min(cap));
        prop_assert!(new.tip.0 >= market.tip.0.min(cap));
    }
}
