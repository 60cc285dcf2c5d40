//! The downhill simplex method in two dimensions.

/// Steps at most.
const STEPS: usize = 400;

/// The lowest place that the simplex method of Nelder and Mead reaches from `start`, and the value there.
///
/// The first simplex has the edges `steps`; with 0 for the second the search stays on a line. It ends when the simplex is
/// smaller than 10⁻¹⁰ and its values agree to rounding.
///
/// # Reference
/// Nelder, Mead (1965), doi:10.1093/comjnl/7.4.308
pub(super) fn lowest(start: [f64; 2], steps: [f64; 2], value: impl Fn([f64; 2]) -> f64) -> ([f64; 2], f64) {
    let mut corners = vec![start, [start[0] + steps[0], start[1]]];
    if steps[1] != 0.0 {
        corners.push([start[0], start[1] + steps[1]]);
    }
    let mut simplex: Vec<([f64; 2], f64)> = corners.into_iter().map(|p| (p, value(p))).collect();
    let worst = simplex.len() - 1;
    for _ in 0..STEPS {
        simplex.sort_by(|a, b| a.1.total_cmp(&b.1));
        let size = simplex[1..].iter().flat_map(|(p, _)| (0..2).map(|k| (p[k] - simplex[0].0[k]).abs())).fold(0.0, f64::max);
        if size < 1e-10 && simplex[worst].1 - simplex[0].1 <= 1e-12 * simplex[0].1.abs() {
            break;
        }
        // The middle of all but the worst.
        let middle = [0, 1].map(|k| simplex[..worst].iter().map(|(p, _)| p[k]).sum::<f64>() / worst as f64);
        let at = |factor: f64| {
            let p = [0, 1].map(|k| middle[k] + factor * (simplex[worst].0[k] - middle[k]));
            (p, value(p))
        };
        let reflected = at(-1.0);
        let next = if reflected.1 < simplex[0].1 {
            let expanded = at(-2.0);
            if expanded.1 < reflected.1 { Some(expanded) } else { Some(reflected) }
        } else if worst > 1 && reflected.1 < simplex[worst - 1].1 {
            Some(reflected)
        } else if reflected.1 < simplex[worst].1 {
            Some(at(-0.5)).filter(|p| p.1 <= reflected.1)
        } else {
            Some(at(0.5)).filter(|p| p.1 < simplex[worst].1)
        };
        match next {
            Some(next) => simplex[worst] = next,
            None => {
                let best = simplex[0].0;
                for corner in &mut simplex[1..] {
                    let p = [0, 1].map(|k| 0.5 * (corner.0[k] + best[k]));
                    *corner = (p, value(p));
                }
            }
        }
    }
    simplex.into_iter().min_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((start, f64::INFINITY))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_valleys() {
        // Rosenbrock's, whose floor is bent: lowest at (1, 1)
        let (p, low) = lowest([-1.2, 1.0], [0.5, 0.5], |[x, y]| 100.0 * (y - x * x).powi(2) + (1.0 - x).powi(2));
        assert!((p[0] - 1.0).abs() < 1e-6 && (p[1] - 1.0).abs() < 1e-6 && low < 1e-12);
        // on a line: (x - 3)² with the second coordinate left alone
        let (p, _) = lowest([0.0, 7.0], [1.0, 0.0], |[x, y]| (x - 3.0).powi(2) + y);
        assert!((p[0] - 3.0).abs() < 1e-5);
        assert_eq!(p[1], 7.0);
    }
}
