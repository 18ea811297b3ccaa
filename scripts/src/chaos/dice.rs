//! Dice that fall the same way for the same seed (splitmix64).

/// The state of the dice.
#[derive(Debug, Clone)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `limit`, or 0.
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)).checked_rem(limit).unwrap_or(0)
    }

    /// Heads or tails.
    pub(super) fn coin(&mut self) -> bool {
        self.below(2) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::Dice;

    #[test]
    fn falls_alike_for_a_seed_and_reaches_everything_below_the_limit() {
        let (mut one, mut other) = (Dice::new(7), Dice::new(7));
        let mut seen = [0; 6];
        for _ in 0..200 {
            let face = one.below(6);
            assert_eq!(face, other.below(6));
            seen[usize::try_from(face).unwrap()] += 1;
        }
        assert!(seen.iter().all(|times| *times > 0), "{seen:?}");
        assert_eq!(one.below(0), 0);
        assert_ne!(Dice::new(8).below(1 << 40), Dice::new(9).below(1 << 40));
    }
}
