//! Sorting many short columns of numbers side by side, four at a time.

/// Columns that are sorted at once.
pub(super) const COLUMNS: usize = 4;
/// Rows that are sorted in registers.
pub(super) const ROWS: usize = 8;

/// The numbers of one row.
pub(super) type Row = [f64; COLUMNS];
/// Some rows; a column goes on through as many blocks as it needs.
pub(super) type Block = [Row; ROWS];

/// A row in a register. All kinds give the same bits.
pub(super) trait Lanes: Copy {
    fn of(row: Row) -> Self;
    fn row(self) -> Row;
    /// The smaller and the larger of each two; where these do not compare (NaN) the two change places, so that none is lost.
    fn ordered(self, other: Self) -> (Self, Self);
}

impl Lanes for Row {
    #[inline(always)]
    fn of(row: Row) -> Row {
        row
    }

    #[inline(always)]
    fn row(self) -> Row {
        self
    }

    #[inline(always)]
    fn ordered(self, other: Row) -> (Row, Row) {
        let (mut low, mut high) = (other, self);
        for (lane, (x, y)) in self.into_iter().zip(other).enumerate() {
            if x < y {
                (low[lane], high[lane]) = (x, y);
            }
        }
        (low, high)
    }
}

/// Written with the processor's own names: from plain loops the compiler makes one comparison a number here.
#[cfg(target_arch = "x86_64")]
impl Lanes for std::arch::x86_64::__m256d {
    #[inline(always)]
    fn of(row: Row) -> Self {
        // SAFETY: both are four numbers, and any bits are a number.
        unsafe { std::mem::transmute::<Row, Self>(row) }
    }

    #[inline(always)]
    fn row(self) -> Row {
        // SAFETY: as above.
        unsafe { std::mem::transmute::<Self, Row>(self) }
    }

    #[inline(always)]
    fn ordered(self, other: Self) -> (Self, Self) {
        use std::arch::x86_64::{_mm256_max_pd, _mm256_min_pd};
        // SAFETY: `in_widest_lanes` takes these lanes only where the processor has AVX2. Each gives its second argument where
        // the two do not compare.
        unsafe { (_mm256_min_pd(self, other), _mm256_max_pd(other, self)) }
    }
}

/// Work that sorts columns.
pub(super) trait ColumnWork {
    /// Does the work. Write `#[inline(always)]` on it and on what it calls.
    fn run<L: Lanes>(self);
}

/// Runs `work` with the widest lanes of the processor.
pub(super) fn in_widest_lanes<W: ColumnWork>(work: W) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        #[target_feature(enable = "avx2")]
        fn with_avx2<W: ColumnWork>(work: W) {
            work.run::<std::arch::x86_64::__m256d>();
        }
        // SAFETY: the processor was asked for AVX2 in the line above.
        return unsafe { with_avx2(work) };
    }
    work.run::<Row>();
}

/// How to sort columns of one length: the same steps for all, whatever they hold.
///
/// Each block is sorted by itself in registers; then the steps of a sorting network are done with whole blocks, of which two
/// are merged and split where the network compares two numbers. That sorts because the network does.
///
/// # Reference
/// Knuth (1998), The Art of Computer Programming 3, section 5.3.4 (the best network of 8; blocks in place of numbers)
pub(super) struct ColumnSort {
    rows: usize,
    merges: Vec<(usize, usize)>,
}

impl ColumnSort {
    pub(super) fn new(rows: usize) -> ColumnSort {
        ColumnSort { rows, merges: sorting_network(rows.div_ceil(ROWS)) }
    }

    /// Room for the columns. Rows beyond their length must hold infinities when they are sorted.
    pub(super) fn room(&self) -> Vec<Block> {
        vec![[[f64::INFINITY; COLUMNS]; ROWS]; self.rows.div_ceil(ROWS)]
    }

    /// Sorts every column.
    #[inline(always)]
    pub(super) fn sort<L: Lanes>(&self, blocks: &mut [Block]) {
        blocks.iter_mut().for_each(sort_eight::<L>);
        for (low, high) in &self.merges {
            // The network's pairs ascend and lie within the room.
            let (head, tail) = blocks.split_at_mut(*high);
            merge_and_split::<L>(&mut head[*low], &mut tail[0]);
        }
    }
}

/// Orders the pairs of rows one after the other.
macro_rules! exchange {
    ($rows:expr, $($low:literal $high:literal),*) => {
        $( ($rows[$low], $rows[$high]) = $rows[$low].ordered($rows[$high]); )*
    };
}

#[inline(always)]
fn sort_eight<L: Lanes>(block: &mut Block) {
    let mut r = load::<L>(block);
    exchange!(r, 0 2, 1 3, 4 6, 5 7, 0 4, 1 5, 2 6, 3 7, 0 1, 2 3, 4 5, 6 7, 2 4, 3 5, 1 4, 3 6, 1 2, 3 4, 5 6);
    store(r, block);
}

/// Two sorted blocks: the smaller half of their numbers into the first, the larger into the second, each sorted (bitonic).
#[inline(always)]
fn merge_and_split<L: Lanes>(first: &mut Block, second: &mut Block) {
    let (mut low, mut high) = (load::<L>(first), load::<L>(second));
    for i in 0..ROWS {
        (low[i], high[ROWS - 1 - i]) = low[i].ordered(high[ROWS - 1 - i]);
    }
    exchange!(low, 0 4, 1 5, 2 6, 3 7, 0 2, 1 3, 4 6, 5 7, 0 1, 2 3, 4 5, 6 7);
    store(low, first);
    exchange!(high, 0 4, 1 5, 2 6, 3 7, 0 2, 1 3, 4 6, 5 7, 0 1, 2 3, 4 5, 6 7);
    store(high, second);
}

#[inline(always)]
fn load<L: Lanes>(block: &Block) -> [L; ROWS] {
    // Written out: a closure would be compiled without the wide lanes.
    let b = block;
    [L::of(b[0]), L::of(b[1]), L::of(b[2]), L::of(b[3]), L::of(b[4]), L::of(b[5]), L::of(b[6]), L::of(b[7])]
}

#[inline(always)]
fn store<L: Lanes>(rows: [L; ROWS], block: &mut Block) {
    for i in 0..ROWS {
        block[i] = rows[i].row();
    }
}

/// Pairs of positions whose ordering, one after the other, sorts any `count` values.
///
/// # Reference
/// Batcher (1968), doi:10.1145/1468075.1468121 (odd-even merge exchange)
fn sorting_network(count: usize) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    let top = count.next_power_of_two() / 2;
    let mut p = top;
    while p > 0 {
        let (mut q, mut r, mut d) = (top, 0, p);
        loop {
            pairs.extend((0..count.saturating_sub(d)).filter(|i| i & p == r).map(|i| (i, i + d)));
            if q == p {
                break;
            }
            (d, q, r) = (q - p, q / 2, p);
        }
        p /= 2;
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;

    /// By the zero-one principle a network that sorts all sequences of zeros and ones sorts everything.
    #[test]
    fn the_network_sorts() {
        for count in 1..=14 {
            let network = sorting_network(count);
            assert!(network.iter().all(|(low, high)| low < high && *high < count));
            for bits in 0u32..1 << count {
                let mut values: Vec<u32> = (0..count).map(|i| bits >> i & 1).collect();
                for (low, high) in &network {
                    if values[*low] > values[*high] {
                        values.swap(*low, *high);
                    }
                }
                assert!(values.is_sorted(), "{count} {bits:b}");
            }
        }
    }

    struct Sorting<'a>(&'a ColumnSort, &'a mut [Block]);

    impl ColumnWork for Sorting<'_> {
        #[inline(always)]
        fn run<L: Lanes>(self) {
            self.0.sort::<L>(self.1);
        }
    }

    fn column(blocks: &[Block], column: usize) -> Vec<f64> {
        blocks.as_flattened().iter().map(|row| row[column]).collect()
    }

    /// All columns of zeros and ones that a block and two merged blocks can hold: the former all, the latter as sorted halves.
    #[test]
    fn blocks_sort_and_merge() {
        for bits in 0u32..1 << ROWS {
            let mut block: Block = std::array::from_fn(|i| [f64::from(bits >> i & 1); COLUMNS]);
            sort_eight::<Row>(&mut block);
            assert!(column(&[block], 2).is_sorted(), "{bits:b}");
        }
        let step = |zeros: usize| -> Block { std::array::from_fn(|i| [f64::from(u8::from(i >= zeros)); COLUMNS]) };
        for (a, b) in (0..=ROWS).flat_map(|a| (0..=ROWS).map(move |b| (a, b))) {
            let (mut first, mut second) = (step(a), step(b));
            merge_and_split::<Row>(&mut first, &mut second);
            assert!(column(&[first, second], 1).is_sorted(), "{a} {b}");
        }
    }

    #[test]
    fn columns_are_sorted_each_by_itself_with_any_lanes() {
        let mut random = Random::new(9, "column sort");
        for rows in [1, 7, 8, 9, 32, 50, 100] {
            let sort = ColumnSort::new(rows);
            let mut blocks = sort.room();
            blocks.as_flattened_mut()[..rows].iter_mut().flatten().for_each(|v| *v = (4.0 * random.normal()).round() / 4.0);
            let before = blocks.clone();
            let mut plain = blocks.clone();
            Sorting(&sort, &mut plain).run::<Row>();
            in_widest_lanes(Sorting(&sort, &mut blocks));
            for k in 0..COLUMNS {
                let mut want = column(&before, k);
                want.sort_by(f64::total_cmp);
                assert!(column(&blocks, k).iter().zip(&want).all(|(a, b)| a == b), "{rows} {k}");
            }
            let bits = |blocks: &[Block]| blocks.as_flattened().as_flattened().iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&blocks), bits(&plain));
        }
    }

    #[test]
    fn what_does_not_compare_is_not_lost() {
        let sort = ColumnSort::new(9);
        let mut blocks = sort.room();
        for (i, row) in blocks.as_flattened_mut()[..9].iter_mut().enumerate() {
            *row = [if i == 3 { f64::NAN } else { -(i as f64) }; COLUMNS];
        }
        in_widest_lanes(Sorting(&sort, &mut blocks));
        let all = column(&blocks, 0);
        assert_eq!(all.iter().filter(|v| v.is_nan()).count(), 1);
        assert_eq!(all.iter().filter(|v| v.is_finite()).count(), 8);
        // so what stands in the place of a finite number is not finite
        assert!(all[..9].iter().any(|v| !v.is_finite()));
    }
}
