//! How deep a hidden cell lies: the length of its gap in time, and its distance to the cloud's edge.

/// Lower ends of the classes of gap length in frames, and of distance in cells; the last class is open.
pub const CLASSES: [usize; 5] = [1, 3, 6, 12, 20];

/// The class of a length or distance; none for 0.
pub fn class(size: usize) -> Option<usize> {
    CLASSES.iter().rposition(|low| size >= *low)
}

/// What a class is called in tables: `3_to_5`, `20_up`.
pub fn class_name(class: usize) -> String {
    match CLASSES.get(class + 1) {
        Some(next) => format!("{}_to_{}", CLASSES[class], next - 1),
        None => format!("{}_up", CLASSES[class]),
    }
}

/// Of each hidden cell the number of frames in a row in which its pixel is hidden; 0 elsewhere.
pub fn gap_lengths(hidden: &[bool], [frames, rows, columns]: [usize; 3]) -> Vec<usize> {
    let pixels = rows * columns;
    let mut lengths = vec![0; hidden.len()];
    for p in 0..pixels {
        let mut start = 0;
        for t in 0..=frames {
            if t < frames && hidden[t * pixels + p] {
                continue;
            }
            (start..t).for_each(|k| lengths[k * pixels + p] = t - start);
            start = t + 1;
        }
    }
    lengths
}

/// Of each hidden cell the number of steps along rows and columns to the nearest seen cell of its frame: 1 at the edge; 0 for
/// cells that are not hidden. Where a frame shows nothing, the largest number.
pub fn edge_distances(hidden: &[bool], [frames, rows, columns]: [usize; 3]) -> Vec<usize> {
    let pixels = rows * columns;
    let mut distances = vec![usize::MAX; hidden.len()];
    for t in 0..frames {
        let frame = t * pixels..(t + 1) * pixels;
        let mut edge: Vec<usize> = frame.filter(|i| !hidden[*i]).collect();
        edge.iter().for_each(|i| distances[*i] = 0);
        let mut steps = 0;
        while !edge.is_empty() {
            steps += 1;
            let mut next = Vec::new();
            for i in edge {
                let (y, x) = (i % pixels / columns, i % columns);
                let beside = [
                    (x > 0).then(|| i - 1),
                    (x + 1 < columns).then(|| i + 1),
                    (y > 0).then(|| i - columns),
                    (y + 1 < rows).then(|| i + columns),
                ];
                for j in beside.into_iter().flatten() {
                    if distances[j] == usize::MAX {
                        distances[j] = steps;
                        next.push(j);
                    }
                }
            }
            edge = next;
        }
    }
    distances
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_distances_by_hand() {
        // One row of five pixels, three frames.
        let hidden = [
            [false, true, true, true, false], //
            [false, true, true, false, false],
            [true, true, false, false, true],
        ]
        .concat();
        let lengths = gap_lengths(&hidden, [3, 1, 5]);
        assert_eq!(lengths[..5], [0, 3, 2, 1, 0]);
        assert_eq!(lengths[10..], [1, 3, 0, 0, 1]);
        let distances = edge_distances(&hidden, [3, 1, 5]);
        assert_eq!(distances[..5], [0, 1, 2, 1, 0]);
        assert_eq!(distances[10..], [2, 1, 0, 0, 1]);
        assert_eq!(edge_distances(&[true; 4], [1, 2, 2]), [usize::MAX; 4]);
    }

    #[test]
    fn distances_are_those_of_every_pair() {
        let mut random = crate::base::random::Random::new(2, "gaps");
        let hidden: Vec<bool> = (0..63).map(|_| random.uniform() < 0.9).collect();
        let distances = edge_distances(&hidden, [1, 7, 9]);
        for (i, found) in distances.iter().enumerate() {
            let to = |j: usize| (i / 9).abs_diff(j / 9) + (i % 9).abs_diff(j % 9);
            let wanted = (0..63).filter(|j| !hidden[*j]).map(to).min().unwrap();
            assert_eq!(*found, wanted, "{i}");
        }
    }

    #[test]
    fn classes_have_names() {
        assert_eq!((class(0), class(1), class(2), class(5), class(500)), (None, Some(0), Some(0), Some(1), Some(4)));
        assert_eq!((class_name(0), class_name(4)), ("1_to_2".to_string(), "20_up".to_string()));
    }
}
