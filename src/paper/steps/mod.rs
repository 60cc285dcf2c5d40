//! The steps of the paper, in an order in which they can run.

mod bar_range;
mod contests;
pub mod diagnostics;
mod diagnostics_bootstrap;
mod diagnostics_errors;
mod diagnostics_figure;
mod diagnostics_spectra;
mod diagnostics_triplets;
pub mod kiost_bay;
pub mod kiost_figures;
pub mod kiost_forecast_figures;
mod kiost_forecast_file;
pub mod kiost_forecast_scores;
pub mod kiost_forecasts;
pub mod kiost_gan;
pub mod kiost_methods;
pub mod kiost_scales;
pub mod kiost_scores;
pub mod kiost_twin;
pub mod ladder;
pub mod ladder_training;
mod land_free_square;
pub mod matchups;
pub mod overview;
pub mod scatter;
pub mod split;
pub mod training;
pub mod training_ground;
mod transfer_areas;
mod transfer_domain;
pub mod transfer_dust;
pub mod transfer_figures;
pub mod transfer_ground;
pub mod transfer_predictions;
pub mod transfer_proxy;
pub mod transfer_scores;
pub mod transfer_series;
pub mod transfer_spectra;
mod transfer_statistics;
pub mod transfer_stitching;
pub mod transfer_training;
pub mod twin;
pub mod uadm_ablation;
mod uadm_ablation_variants;
pub mod uadm_ensembles;
pub mod uadm_figures;
pub mod uadm_methods;
pub mod uadm_predictions;
pub mod uadm_published;
mod uadm_scale_panels;
pub mod uadm_scores;
pub mod uadm_spread;
mod uadm_spread_bins;
pub mod unisst_animation;
mod unisst_cloudy_twin;
pub mod unisst_figures;
mod unisst_gaps;
pub mod unisst_methods;
pub mod unisst_predictions;
pub mod unisst_published;
pub mod unisst_scores;
pub mod unisst_sequences;
mod unisst_structure;
pub mod unisst_training;
mod weights;

use super::step::Step;

/// What a step reads the twin and its split by.
const TWIN_AND_SPLIT: &[&str] = &["src/paper/steps/split.rs", "src/paper/steps/twin.rs"];

/// What the steps stand on that apply the ladder's methods to products and score them.
const SCORED_LADDER: &[&str] = &[
    "src/base/",
    "src/grid/",
    "src/cf/",
    "src/score/",
    "src/nn/",
    "src/train/",
    "src/data/",
    "src/methods/refinement/",
    "src/methods/regression/",
    "src/methods/super_resolution.rs",
    "src/methods/error.rs",
    "src/paper/products.rs",
    "src/paper/table",
    "src/paper/steps/weights.rs",
    "src/paper/steps/training_ground.rs",
];

/// How many times finer the ladder makes a field: 0.25 to 0.05 degree.
pub const FACTOR: usize = 5;

/// All steps.
pub static ALL: &[Step] = &[
    twin::STEP,
    ladder_training::EDSR,
    training::STEP,
    ladder::STEP,
    ladder_training::SRCNN,
    ladder_training::RRDB,
    ladder_training::SWIN_LIGHT,
    ladder_training::ESRGAN,
    ladder_training::RESSHIFT,
    ladder_training::UPSR,
    ladder_training::UADM_PLAIN,
    ladder_training::UADM,
    uadm_predictions::STEP,
    uadm_scores::STEP,
    uadm_spread::STEP,
    uadm_figures::MAPS,
    uadm_figures::SCALES,
    uadm_figures::ENSEMBLE,
    uadm_figures::BUDGET,
    uadm_ablation::STEP,
    transfer_dust::STEP,
    transfer_training::SOURCE,
    transfer_training::UNET,
    transfer_training::VAE,
    transfer_training::DDPM,
    transfer_training::ENCODER_ALONE,
    transfer_training::RAW_LAGS,
    transfer_training::NO_TRANSFER,
    transfer_training::RANDOM_ENCODER,
    transfer_training::TRAINABLE_ENCODER,
    transfer_training::SHUFFLED,
    transfer_predictions::STEP,
    transfer_scores::STEP,
    transfer_figures::MAPS,
    transfer_figures::VARIOGRAMS,
    transfer_series::STEP,
    transfer_spectra::STEP,
    transfer_stitching::STEP,
    transfer_proxy::STEP,
    matchups::STEP,
    uadm_published::STEP,
    scatter::STEP,
    diagnostics::STEP,
    unisst_sequences::STEP,
    unisst_training::UNISST,
    unisst_training::BEST,
    unisst_training::SUPERVISED,
    unisst_predictions::STEP,
    unisst_scores::STEP,
    unisst_published::STEP,
    unisst_figures::SCORES,
    unisst_figures::STRIPS,
    unisst_animation::STEP,
    overview::STEP,
    kiost_twin::STEP,
    kiost_gan::GAN_PURE,
    kiost_gan::GAN,
    kiost_gan::GAN_INSITU,
    kiost_gan::GAN_GLOBAL,
    kiost_scores::STEP,
    kiost_scales::STEP,
    kiost_figures::MAPS,
    kiost_figures::TRAINING,
    kiost_forecasts::STEP,
    kiost_forecast_scores::STEP,
    kiost_forecast_figures::SCORES,
    kiost_forecast_figures::EXTREMES,
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Rooms of the paper floor that are machinery: what they do to a step's outputs is in its receipt.
    const MACHINERY: [&str; 4] = ["step", "study", "error", "steps"];

    /// The modules named after `prefix` in a source file (`use super::weights;`, `super::split::CONFIGURATION`, braces too).
    fn named_after(source: &str, prefix: &str) -> Vec<String> {
        let mut names = Vec::new();
        for (at, _) in source.match_indices(prefix) {
            let rest = &source[at + prefix.len()..];
            let list = match rest.strip_prefix('{') {
                Some(inner) => inner.split('}').next().unwrap_or_default(),
                None => rest.split(';').next().unwrap_or_default(),
            };
            for item in list.split(',') {
                let name: String = item.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                if name.chars().next().is_some_and(char::is_lowercase) {
                    names.push(name);
                }
                if !rest.starts_with('{') {
                    break;
                }
            }
        }
        names
    }

    #[test]
    fn a_step_declares_the_rooms_that_its_own_file_names() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut checked = 0;
        for step in ALL {
            let rooms = step.rooms.concat();
            let own = rooms.iter().filter(|r| r.starts_with("src/paper/") && r.ends_with(".rs"));
            for file in own {
                let source = std::fs::read_to_string(root.join(file)).unwrap();
                let source = source.split("#[cfg(test)]").next().unwrap();
                let floor = |name: String| format!("src/{name}");
                let paper = |name: String| format!("src/paper/{name}");
                let beside = |name: String| format!("src/paper/steps/{name}");
                let lies_in_steps = file.contains("/steps/");
                let mut wanted: Vec<String> =
                    named_after(source, "crate::").into_iter().filter(|n| n != "paper").map(floor).collect();
                wanted.extend(named_after(source, "crate::paper::").into_iter().map(paper));
                wanted.extend(named_after(source, "super::").into_iter().map(if lies_in_steps { beside } else { paper }));
                for path in wanted {
                    let name = path.rsplit('/').next().unwrap();
                    let covered = rooms.iter().any(|r| r.starts_with(&path) || path.starts_with(r.trim_end_matches('/')));
                    assert!(
                        covered || MACHINERY.contains(&name) || name.starts_with("publish"),
                        "step {}: {file} uses {path}, which its rooms do not hold",
                        step.name
                    );
                    checked += 1;
                }
            }
        }
        assert!(checked > 40, "only {checked} uses were found");
    }
}
