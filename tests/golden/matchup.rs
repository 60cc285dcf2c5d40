//! Family `matchup`.
