//! [`RankTable`]: the ranks of more numbers than fit into memory.

use super::error::{ScoreError, ScoreResult};

/// Numbers whose counts lie side by side: those that differ in their last eight bits only.
const PAGE: usize = 256;
/// Pages that hang on one branch, and branches on the root.
const BRANCH: usize = 4096;
/// No page yet.
const NONE: u32 = u32::MAX;

/// How often each single-precision number occurs, as a tree over its bits; from that the rank of each, exactly.
///
/// Memory grows with the numbers that differ (2 kB for up to 256 neighbours), not with how often they occur. Numbers are taken
/// in on a first pass over the data, and their ranks asked for on a second.
///
/// # Example
/// ```
/// use isotherm::score::RankTable;
/// let mut table = RankTable::new(1 << 20);
/// table.add(&[10.0, 20.0, 0.0], &[true, true, false]).unwrap();
/// table.add(&[10.0], &[true]).unwrap();
/// let ranks = table.ranks();
/// // as `average_ranks(&[10.0, 20.0, 10.0])`
/// assert_eq!((ranks.of(10.0), ranks.of(20.0), ranks.of(5.0)), (Some(1.5), Some(3.0), None));
/// ```
#[derive(Clone, Debug)]
pub struct RankTable {
    root: Vec<Option<Box<[u32]>>>,
    pages: Vec<[u64; PAGE]>,
    most_pages: usize,
}

/// The rank of each number of a [`RankTable`], from 1; equal numbers share the mean of their ranks.
#[derive(Clone, Debug)]
pub struct Ranks {
    root: Vec<Option<Box<[u32]>>>,
    /// The rank; 0 where the number does not occur.
    pages: Vec<[f64; PAGE]>,
}

impl RankTable {
    /// An empty table that may grow to about `memory` bytes.
    pub fn new(memory: usize) -> RankTable {
        let most_pages = (memory / size_of::<[u64; PAGE]>()).clamp(1, NONE as usize);
        RankTable { root: vec![None; BRANCH], pages: Vec::new(), most_pages }
    }

    /// Takes in the valid ones of `values`.
    ///
    /// # Errors
    /// [`ScoreError::NotFinite`] for a valid infinity or NaN; [`ScoreError::Argument`] for a mask that does not fit, and where
    /// the numbers that differ take more than the memory granted.
    pub fn add(&mut self, values: &[f32], valid: &[bool]) -> ScoreResult<()> {
        if values.len() != valid.len() {
            return Err(ScoreError::Argument(format!("{} values with a mask of {} to rank", values.len(), valid.len())));
        }
        for (position, value) in values.iter().enumerate().filter(|(i, _)| valid[*i]) {
            if !value.is_finite() {
                return Err(ScoreError::NotFinite { what: "the list to rank", position });
            }
            let (branch, twig, leaf) = place(*value);
            let page = &mut self.root[branch].get_or_insert_with(|| vec![NONE; BRANCH].into())[twig];
            if *page == NONE {
                if self.pages.len() == self.most_pages {
                    return Err(ScoreError::Argument(format!(
                        "ranks take more than the {} kB granted: too many values differ",
                        self.most_pages * size_of::<[u64; PAGE]>() / 1000
                    )));
                }
                *page = self.pages.len() as u32;
                self.pages.push([0; PAGE]);
            }
            self.pages[*page as usize][leaf] += 1;
        }
        Ok(())
    }

    /// The ranks of all that was taken in.
    pub fn ranks(self) -> Ranks {
        let mut before = 0u64;
        let mut pages = vec![[0.0; PAGE]; self.pages.len()];
        // Branches, pages and places within a page all ascend with the numbers.
        for page in self.root.iter().flatten().flat_map(|branch| branch.iter()).filter(|page| **page != NONE) {
            for (rank, count) in pages[*page as usize].iter_mut().zip(&self.pages[*page as usize]) {
                if *count > 0 {
                    *rank = before as f64 + 0.5 * (*count as f64 + 1.0);
                    before += count;
                }
            }
        }
        Ranks { root: self.root, pages }
    }
}

impl Ranks {
    /// The rank of a number; `None` where it was not taken in.
    pub fn of(&self, value: f32) -> Option<f64> {
        let (branch, twig, leaf) = place(value);
        let page = self.root[branch].as_ref()?[twig];
        let rank = self.pages.get(page as usize)?[leaf];
        (rank > 0.0).then_some(rank)
    }
}

/// Where a number is kept: its bits, turned so that they order as the numbers do. −0 and 0 are one number.
fn place(value: f32) -> (usize, usize, usize) {
    let bits = (value + 0.0).to_bits();
    let key = bits ^ (((bits as i32 >> 31) as u32) | 1 << 31);
    ((key >> 20) as usize, (key >> 8) as usize & (BRANCH - 1), key as usize & (PAGE - 1))
}

#[cfg(test)]
mod tests {
    use super::super::rank::average_ranks;
    use super::*;
    use crate::base::random::Random;

    #[test]
    fn the_ranks_are_those_of_a_sort() {
        let mut random = Random::new(4, "rank table");
        for rounding in [1e-9, 0.01, 1.0] {
            let mut values: Vec<f32> =
                (0..3000).map(|i| ((random.normal() * 10f64.powi(i % 7 - 3) / rounding).round() * rounding) as f32).collect();
            values.extend([0.0, -0.0, f32::MIN_POSITIVE, -1e-42, f32::MAX, f32::MIN]);
            let valid: Vec<bool> = (0..values.len()).map(|_| random.uniform() < 0.8).collect();
            let mut table = RankTable::new(1 << 24);
            for (values, valid) in values.chunks(700).zip(valid.chunks(700)) {
                table.add(values, valid).unwrap();
            }
            let ranks = table.ranks();
            let kept: Vec<f32> = values.iter().zip(&valid).filter(|(_, v)| **v).map(|(v, _)| *v).collect();
            // A plain sort tells −0 from 0 by their signs; as numbers they are equal.
            let wanted = average_ranks(&kept.iter().map(|v| f64::from(*v + 0.0)).collect::<Vec<_>>());
            for (value, wanted) in kept.iter().zip(wanted) {
                assert_eq!(ranks.of(*value), Some(wanted), "{value}");
            }
        }
    }

    #[test]
    fn what_cannot_be_ranked_is_named() {
        let mut table = RankTable::new(1);
        assert!(matches!(table.add(&[1.0, f32::NAN], &[true, true]), Err(ScoreError::NotFinite { position: 1, .. })));
        assert!(table.add(&[1.0], &[]).is_err());
        // the one page is taken by 1.0
        let sentence = table.add(&[f32::NAN, 2.0], &[false, true]).unwrap_err().to_string();
        assert!(sentence.contains("too many values differ"), "{sentence}");
        assert_eq!(table.ranks().of(2.0), None);
    }
}
