//! What lies beyond the border of a plane.

use serde::{Deserialize, Serialize};

/// How a filter sees cells beyond the ends of an axis `a b c d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Edge {
    /// `a a a | a b c d | d d d`: the outer cell again (PyTorch; SciPy's `nearest`).
    Clamp,
    /// `d c b | a b c d | c b a`: reflected about the outer cell's centre (SciPy's `mirror`, scikit-image's `reflect`).
    Mirror,
    /// `c b a | a b c d | d c b`: reflected about the outer cell's edge (SciPy's `reflect` and `grid-mirror`).
    Reflect,
    /// `b c d | a b c d | a b c`: around the globe.
    Wrap,
    /// Nothing: weights that fall outside are left out and the rest renormalised (Pillow).
    Drop,
}

impl Edge {
    /// The cell that stands at position `index` of an axis of `length` cells; `None` where there is none.
    ///
    /// # Example
    /// ```
    /// use isotherm::grid::Edge;
    /// assert_eq!(Edge::Mirror.fold(-1, 4), Some(1));
    /// assert_eq!(Edge::Reflect.fold(-1, 4), Some(0));
    /// assert_eq!(Edge::Wrap.fold(-1, 4), Some(3));
    /// assert_eq!(Edge::Drop.fold(-1, 4), None);
    /// ```
    pub fn fold(self, index: isize, length: usize) -> Option<usize> {
        if length == 0 {
            return None;
        }
        let n = length as isize;
        if (0..n).contains(&index) {
            return Some(index as usize);
        }
        match self {
            Edge::Clamp => Some(index.clamp(0, n - 1) as usize),
            Edge::Wrap => Some(index.rem_euclid(n) as usize),
            Edge::Mirror if n == 1 => Some(0),
            Edge::Mirror => {
                let period = 2 * n - 2;
                let i = index.rem_euclid(period);
                Some(i.min(period - i) as usize)
            }
            Edge::Reflect => {
                let i = index.rem_euclid(2 * n);
                Some(i.min(2 * n - 1 - i) as usize)
            }
            Edge::Drop => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extended(edge: Edge) -> Vec<Option<usize>> {
        (-5..9).map(|i| edge.fold(i, 4)).collect()
    }

    #[test]
    fn the_extensions_read_as_their_pictures() {
        // SciPy's table of boundary modes for the axis a b c d, five cells either side
        let want = |text: &str| text.bytes().map(|b| Some(usize::from(b - b'a'))).collect::<Vec<_>>();
        assert_eq!(extended(Edge::Clamp), want("aaaaaabcdddddd"));
        assert_eq!(extended(Edge::Mirror), want("bcdcbabcdcbabc"));
        assert_eq!(extended(Edge::Reflect), want("ddcbaabcddcbaa"));
        assert_eq!(extended(Edge::Wrap), want("dabcdabcdabcda"));
        assert_eq!(extended(Edge::Drop).iter().flatten().count(), 4);
    }

    #[test]
    fn an_axis_of_one_cell_has_only_that_cell() {
        for edge in [Edge::Clamp, Edge::Mirror, Edge::Reflect, Edge::Wrap] {
            assert_eq!(edge.fold(-7, 1), Some(0));
        }
        assert_eq!(Edge::Clamp.fold(0, 0), None);
    }
}
