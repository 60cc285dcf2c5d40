//! Floor 4: the learned methods and their baselines.
