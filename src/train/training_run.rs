//! The state of a run: what is put into checkpoints and taken out again.

use candle_core::Device;
use serde_json::Value;

use super::checkpoint::{Checkpoint, CheckpointState};
use super::error::{TrainError, TrainResult};
use super::event_file::EventFile;
use super::iteration::finite;
use super::parameter_group::ParameterGroup;
use super::run_folder::RunFolder;
use super::training_options::TrainingOptions;
use crate::base::random::Random;
use crate::nn::{NnError, Plateau};

/// What a run trains, as its checkpoints say it.
#[derive(Clone, Copy, Debug)]
pub struct RunDescription<'a> {
    /// The method (`edsr`).
    pub method: &'a str,
    /// The method's settings.
    pub config: &'a Value,
    /// Seed of the training's random stream.
    pub seed: u64,
}

/// A run between two iterations.
pub(super) struct Run<'p, 'f> {
    pub folder: &'f RunFolder,
    pub groups: Vec<ParameterGroup<'p>>,
    pub random: Random,
    pub plateau: Option<Plateau>,
    pub state: CheckpointState,
    events: Option<EventFile>,
    /// The iteration of the newest checkpoint.
    saved: Option<u64>,
}

impl<'p, 'f> Run<'p, 'f> {
    /// A run as its folder left it, or a new one.
    pub fn open(
        groups: Vec<ParameterGroup<'p>>,
        description: RunDescription<'_>,
        options: &TrainingOptions,
        folder: &'f RunFolder,
    ) -> TrainResult<Run<'p, 'f>> {
        let Some(device) = groups.first().map(|group| group.parameters().device().clone()) else {
            return Err(TrainError::Argument("training: there is no group of parameters; at least one is wanted".to_string()));
        };
        let mut names: Vec<&str> = groups.iter().map(ParameterGroup::name).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) || (names.len() > 1 && names[0].is_empty()) {
            return Err(TrainError::Argument(format!(
                "training: the groups of parameters are named {names:?}; several groups want a name each"
            )));
        }
        let mut run = Run {
            folder,
            groups,
            random: Random::new(description.seed, "training"),
            plateau: options.plateau.map(Plateau::new).transpose()?,
            state: CheckpointState {
                method: description.method.to_string(),
                config: description.config.clone(),
                seed: description.seed,
                ..Default::default()
            },
            events: None,
            saved: None,
        };
        folder.sweep()?;
        run.resume(&device)?;
        folder.rewind_log(run.state.iteration)?;
        if options.event_file {
            let lines = folder.log_lines()?;
            let spent = lines.last().and_then(|line| line["seconds"].as_f64()).unwrap_or(0.0);
            let now = chrono::Utc::now().timestamp_millis() as f64 / 1000.0;
            run.events = Some(EventFile::create(&folder.events(), now - spent, &lines)?);
        }
        Ok(run)
    }

    fn resume(&mut self, device: &Device) -> TrainResult<()> {
        let path = self.folder.last();
        if !path.exists() {
            return Ok(());
        }
        let saved = Checkpoint::load(&path, device)?;
        if (&saved.state.method, &saved.state.config, saved.state.seed)
            != (&self.state.method, &self.state.config, self.state.seed)
        {
            return Err(TrainError::RunFolder {
                folder: self.folder.path().to_path_buf(),
                problem: "its last checkpoint is of another network or seed; give an empty folder".to_string(),
            });
        }
        for group in &mut self.groups {
            group.restore(&saved)?;
        }
        if let (Some(plateau), Some(state)) = (&mut self.plateau, saved.state.plateau) {
            plateau.restore(state);
        }
        self.random.restore(saved.state.random_position);
        self.state = saved.state;
        self.saved = Some(self.state.iteration);
        Ok(())
    }

    fn checkpoint(&self) -> Result<Checkpoint, NnError> {
        let mut state = self.state.clone();
        state.random_position = self.random.position();
        state.plateau = self.plateau.map(|plateau| plateau.state());
        let mut checkpoint =
            Checkpoint { state, model: Default::default(), ema: Default::default(), moments: Default::default() };
        for group in &self.groups {
            group.store(&mut checkpoint)?;
        }
        Ok(checkpoint)
    }

    /// Writes the newest state.
    pub fn save_last(&mut self) -> TrainResult<()> {
        self.checkpoint()?.save(&self.folder.last())?;
        self.saved = Some(self.state.iteration);
        Ok(())
    }

    /// Takes a validation score: keeps the state where it is the best so far, and tells the plateau.
    pub fn scored(&mut self, score: f64) -> TrainResult<()> {
        finite("validation score", score, self.state.iteration, &self.last_good())?;
        if let Some(plateau) = &mut self.plateau {
            plateau.observe(score);
        }
        if self.state.best.is_none_or(|(best, _)| score < best) {
            self.state.best = Some((score, self.state.iteration));
            self.checkpoint()?.save(&self.folder.best())?;
        }
        Ok(())
    }

    /// Runs `work` with the moving averages in place of the parameters, then puts the parameters back, also where `work`
    /// failed.
    pub fn with_averages<T>(&self, work: impl FnOnce() -> TrainResult<T>) -> TrainResult<T> {
        let mut own = Vec::new();
        for group in &self.groups {
            if let Some(ema) = group.ema() {
                own.push((group.parameters(), group.parameters().snapshot()?));
                group.parameters().set(ema.averages())?;
            }
        }
        let outcome = work();
        for (parameters, values) in own {
            parameters.set(&values)?;
        }
        outcome
    }

    /// Adds a line to the log and the event file.
    pub fn log(&self, line: &Value) -> TrainResult<()> {
        self.folder.append_log(line)?;
        self.events.as_ref().map_or(Ok(()), |events| events.append(line))
    }

    /// Where the last good state lies, in words.
    pub fn last_good(&self) -> String {
        match self.saved {
            Some(iteration) => format!("that of iteration {iteration} in {}", self.folder.last().display()),
            None => "the start of the run".to_string(),
        }
    }
}
