//! The options of `isotherm score`, and what they ask for once they are understood.

use std::path::PathBuf;

use anyhow::bail;
use clap::Args;

use super::derived::Derived;
use super::measure::Measure;
use super::strata::By;
use crate::score::{PointwiseMetric, Region, Skill, Weighting};

/// Score a prediction against the truth: fields on one grid, of any length, with intervals.
#[derive(Debug, Args)]
pub struct ScoreCommand {
    /// NetCDF file with the truth.
    pub(super) truth: PathBuf,
    /// NetCDF file with the prediction, on the same grid.
    pub(super) prediction: PathBuf,
    /// The variable in every file; without it, the only gridded one of each.
    #[arg(long)]
    variable: Option<String>,
    /// The variable of the truth.
    #[arg(long)]
    truth_variable: Option<String>,
    /// The variable of the prediction.
    #[arg(long)]
    prediction_variable: Option<String>,
    /// NetCDF file with a reference prediction, for skill.
    #[arg(long)]
    pub(super) reference: Option<PathBuf>,
    /// The variable of the reference.
    #[arg(long)]
    reference_variable: Option<String>,
    /// Score only cells where this variable is valid and not 0 (one instant for all, or one for each).
    #[arg(long, value_name = "FILE:VARIABLE")]
    mask: Option<String>,
    /// Cloud fraction (0 to 1, or percent), for --by cloud.
    #[arg(long, value_name = "FILE:VARIABLE")]
    cloud: Option<String>,
    /// Score only this box, by cell centres: four numbers, or a name such as black_sea.
    #[arg(long, value_name = "WEST,SOUTH,EAST,NORTH", allow_hyphen_values = true)]
    region: Option<String>,
    /// One row for each: season, month, year, region, coast, gradient or cloud.
    #[arg(long)]
    by: Option<String>,
    /// time: a map with one number a cell; space: a series with one number a day.
    #[arg(long)]
    over: Option<String>,
    /// File for the map (NetCDF) or the series (CSV).
    #[arg(long)]
    output: Option<PathBuf>,
    /// Metrics, separated by commas (spearman, ssim and gradient_rmse take a pass more each); without it bias, mae, rmse, rmse_unbiased, pearson, nse (for --over: bias, rmse).
    #[arg(long, value_delimiter = ',')]
    metrics: Vec<String>,
    /// area: by the exact area of the cells; equal: every cell the same.
    #[arg(long, default_value = "area")]
    weighting: String,
    /// Range of the data in their unit, for ssim.
    #[arg(long)]
    data_range: Option<f64>,
    /// Days in one block of the bootstrap: more than the errors stay correlated.
    #[arg(long, default_value_t = 1)]
    block_days: u32,
    /// Cells along each side of one block; without it the whole grid, or 40 where there is one block of days only.
    #[arg(long)]
    block_cells: Option<usize>,
    /// Draws of the bootstrap.
    #[arg(long, default_value_t = 1000)]
    resamples: usize,
    /// Seed of the bootstrap.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Position along a further dimension (depth), 0 the first.
    #[arg(long)]
    level: Option<usize>,
    /// Megabytes for the values held at a time; a map takes the sums of its cells besides, spearman as much again.
    #[arg(long, default_value_t = 256)]
    memory: usize,
    /// Threads; without it, all processors. The result is the same to the last bit for any number.
    #[arg(long)]
    threads: Option<usize>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Print CSV.
    #[arg(long)]
    csv: bool,
    /// Write the rows to a Parquet file too.
    #[arg(long, value_name = "FILE")]
    parquet: Option<PathBuf>,
}

/// What comes out.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Output {
    /// Rows as a readable table.
    Table,
    /// Rows as JSON.
    Json,
    /// Rows as CSV.
    Csv,
    /// One number a cell.
    Map(PathBuf),
    /// One number a day, to a file or to standard output.
    Series(Option<PathBuf>),
}

/// The options, understood.
#[derive(Debug)]
pub(super) struct Plan {
    pub truth_variable: Option<String>,
    pub prediction_variable: Option<String>,
    pub reference_variable: Option<String>,
    pub mask: Option<(PathBuf, String)>,
    pub cloud: Option<(PathBuf, String)>,
    pub region: Option<Region>,
    pub by: By,
    pub measures: Vec<Measure>,
    pub weighting: Weighting,
    pub data_range: Option<f64>,
    pub block_days: u32,
    pub block_cells: Option<usize>,
    pub resamples: usize,
    pub seed: u64,
    pub level: Option<usize>,
    pub memory_bytes: usize,
    pub threads: usize,
    pub output: Output,
    pub parquet: Option<PathBuf>,
}

impl ScoreCommand {
    /// Understands the options, before any file is opened.
    ///
    /// # Errors
    /// One sentence: which option, what was found, what is wanted.
    pub(super) fn plan(&self) -> anyhow::Result<Plan> {
        let by = By::parse(self.by.as_deref())?;
        let output = self.output(by)?;
        let over = matches!(output, Output::Map(_) | Output::Series(_));
        let weighting = match self.weighting.as_str() {
            "area" => Weighting::Area,
            "equal" => Weighting::Equal,
            other => bail!("weighting '{other}' is not known; wanted one of: area, equal"),
        };
        for (option, found) in [
            ("--block-days", self.block_days as usize),
            ("--block-cells", self.block_cells.unwrap_or(1)),
            ("--memory", self.memory),
            ("--threads", self.threads.unwrap_or(1)),
        ] {
            if found == 0 {
                bail!("{option} 0 was asked for; at least 1 is wanted");
            }
        }
        if self.resamples < 2 {
            bail!("--resamples {} was asked for; at least 2 are wanted", self.resamples);
        }
        match (by, &self.cloud) {
            (By::Cloud, None) => bail!("--by cloud needs the cloud fraction; name it with --cloud FILE:VARIABLE"),
            (By::Cloud, Some(_)) | (_, None) => {}
            (_, Some(_)) => bail!("--cloud is for --by cloud; to leave cloudy cells out use --mask"),
        }
        let measures = self.measures(over)?;
        self.check_derived(&measures, by, &output)?;
        let variable = |own: &Option<String>| own.clone().or_else(|| self.variable.clone());
        Ok(Plan {
            truth_variable: variable(&self.truth_variable),
            prediction_variable: variable(&self.prediction_variable),
            reference_variable: variable(&self.reference_variable),
            mask: self.mask.as_deref().map(|text| file_and_variable("--mask", text)).transpose()?,
            cloud: self.cloud.as_deref().map(|text| file_and_variable("--cloud", text)).transpose()?,
            region: self.region.as_deref().map(Region::parse).transpose()?,
            by,
            measures,
            weighting,
            data_range: self.data_range,
            block_days: self.block_days,
            block_cells: self.block_cells,
            resamples: self.resamples,
            seed: self.seed,
            level: self.level,
            memory_bytes: self.memory.saturating_mul(1_000_000),
            threads: self.threads.unwrap_or(0),
            output,
            parquet: self.parquet.clone(),
        })
    }

    fn output(&self, by: By) -> anyhow::Result<Output> {
        if self.json && self.csv {
            bail!("--json and --csv were both asked for; choose one");
        }
        let (map, series) = match self.over.as_deref() {
            None => (false, false),
            Some("time") => (true, false),
            Some("space") => (false, true),
            Some(other) => bail!("--over '{other}' is not known; wanted one of: time (a map), space (a series)"),
        };
        if (map || series) && (self.json || self.parquet.is_some() || (map && self.csv)) {
            bail!("a map is written as NetCDF and a series as CSV; name the file with --output, without --json or --parquet");
        }
        match (&self.output, map, series) {
            (None, true, _) => bail!("a map goes to a file; name it with --output map.nc"),
            (Some(_), true, _) if by != By::Whole => {
                bail!("--over time gives one map; leave --by out, or choose the part with --region or --mask")
            }
            (Some(path), true, _) => Ok(Output::Map(path.clone())),
            (path, _, true) => Ok(Output::Series(path.clone())),
            (Some(_), ..) => bail!("--output goes with --over; rows are printed (--json, --csv) or written with --parquet"),
            (None, ..) if self.json => Ok(Output::Json),
            (None, ..) if self.csv => Ok(Output::Csv),
            (None, ..) => Ok(Output::Table),
        }
    }

    fn check_derived(&self, measures: &[Measure], by: By, output: &Output) -> anyhow::Result<()> {
        let derived: Vec<Derived> = measures.iter().filter_map(|m| m.derived()).collect();
        if let (Some(first), Output::Map(_)) = (derived.first(), output) {
            bail!("{} is not a number of single cells; leave it out of --over time", first.name());
        }
        let parts = by != By::Whole || matches!(output, Output::Series(_));
        if parts && derived.contains(&Derived::Spearman) {
            bail!("spearman ranks all pairs together; leave --by and --over out, or choose the part with --region or --mask");
        }
        match (derived.contains(&Derived::Ssim), self.data_range) {
            (true, None) => bail!("ssim depends on the range of the data, in their unit; state it with --data-range"),
            (true, Some(range)) if !(range > 0.0 && range.is_finite()) => {
                bail!("--data-range {range} was stated; a positive number is wanted")
            }
            (false, Some(_)) => bail!("--data-range is for ssim; ask for it in --metrics"),
            _ => Ok(()),
        }
    }

    fn measures(&self, over: bool) -> anyhow::Result<Vec<Measure>> {
        use PointwiseMetric::*;
        let usual: &[PointwiseMetric] = if over { &[Bias, Rmse] } else { &[Bias, Mae, Rmse, RmseUnbiased, Pearson, Nse] };
        let mut measures: Vec<Measure> = Vec::new();
        if self.metrics.is_empty() {
            measures.extend(usual.iter().map(|m| Measure::Pointwise(*m)));
            measures.extend(self.reference.is_some().then_some(Measure::Skill(Skill::Mse)));
        }
        for name in &self.metrics {
            let measure = Measure::parse(name.trim())?;
            if !measures.contains(&measure) {
                measures.push(measure);
            }
        }
        let skill = measures.iter().find(|m| matches!(m, Measure::Skill(_)));
        match (skill, &self.reference) {
            (Some(skill), None) => bail!("{} needs a prediction to beat; name it with --reference FILE", skill.name()),
            (None, Some(_)) => bail!("--reference is for skill; ask for skill_mse, skill_rmse or skill_mae in --metrics"),
            _ => Ok(measures),
        }
    }
}

fn file_and_variable(option: &str, text: &str) -> anyhow::Result<(PathBuf, String)> {
    // The last colon: a path may hold others.
    match text.rsplit_once(':') {
        Some((file, variable)) if !file.is_empty() && !variable.is_empty() => Ok((PathBuf::from(file), variable.to_string())),
        _ => bail!("{option} '{text}' is not FILE:VARIABLE"),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        command: ScoreCommand,
    }

    fn plan(options: &str) -> anyhow::Result<Plan> {
        let words = ["score", "t.nc", "p.nc"].into_iter().chain(options.split_whitespace());
        Line::try_parse_from(words).unwrap().command.plan()
    }

    #[test]
    fn defaults_are_those_told() {
        let plan = plan("").unwrap();
        let names: Vec<&str> = plan.measures.iter().map(|m| m.name()).collect();
        assert_eq!(names, ["bias", "mae", "rmse", "rmse_unbiased", "pearson", "nse"]);
        assert_eq!((plan.weighting, plan.output, plan.memory_bytes), (Weighting::Area, Output::Table, 256_000_000));
    }

    #[test]
    fn each_file_may_name_its_own_variable() {
        let plan = plan("--variable sst --prediction-variable analysed_sst --mask a:b.nc:sea").unwrap();
        assert_eq!(plan.truth_variable.as_deref(), Some("sst"));
        assert_eq!(plan.prediction_variable.as_deref(), Some("analysed_sst"));
        assert_eq!(plan.mask, Some((PathBuf::from("a:b.nc"), "sea".to_string())));
    }

    #[test]
    fn what_does_not_go_together_is_said() {
        for (options, word) in [
            ("--json --csv", "choose one"),
            ("--over depth", "space"),
            ("--over time", "--output"),
            ("--over time --output m.nc --by season", "one map"),
            ("--output m.nc", "--over"),
            ("--over space --json", "CSV"),
            ("--by moon", "season"),
            ("--by cloud", "--cloud"),
            ("--cloud a.nc:b", "--by cloud"),
            ("--mask a.nc", "FILE:VARIABLE"),
            ("--metrics rsme", "rmse"),
            ("--metrics kendall", "all pairs at once"),
            ("--metrics spearman --by season", "all pairs together"),
            ("--metrics ssim", "--data-range"),
            ("--metrics ssim --data-range=-1", "positive"),
            ("--data-range 3", "ssim"),
            ("--metrics ssim --data-range 3 --over time --output m.nc", "single cells"),
            ("--metrics skill_mse", "--reference"),
            ("--reference r.nc --metrics rmse", "skill_mse"),
            ("--weighting cosine", "area"),
            ("--block-days 0", "at least 1"),
            ("--resamples 1", "at least 2"),
            ("--region atlantis", "black_sea"),
        ] {
            let sentence = plan(options).unwrap_err().to_string();
            assert!(sentence.contains(word), "{options}: {sentence}");
        }
    }
}
