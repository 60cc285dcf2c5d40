//! Floor 6: the command line.

mod apply;
mod catalogue;
mod coarsen;
mod data;
mod device;
mod fill;
mod inspect;
mod matchup;
mod paper;
mod score;
mod variable;

use clap::{Parser, Subcommand};

/// An executable paper: four published ways to see the sea surface (and dust) finer.
#[derive(Debug, Parser)]
#[command(name = "isotherm", version, about)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The rooms of the command line.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Refine a field by a method of the ladder.
    Apply(apply::ApplyCommand),
    /// Bring a fine field to larger cells by block means.
    Coarsen(coarsen::CoarsenCommand),
    /// Fill the gaps of a field.
    Fill(fill::FillCommand),
    /// What a NetCDF file holds.
    Inspect(inspect::InspectCommand),
    /// A field at the places of observations.
    #[command(name = "match")]
    Match(matchup::MatchCommand),
    /// A prediction against the truth.
    Score(Box<score::ScoreCommand>),
    /// Products: list, show, fetch, verify.
    Data(data::DataCommand),
    /// The paper: plan, why, verify, run, figure, notebooks.
    #[command(subcommand)]
    Paper(paper::PaperCommand),
}

/// Carries a parsed command line out.
///
/// # Errors
/// One sentence for the user.
pub fn run(arguments: Arguments) -> anyhow::Result<()> {
    match arguments.command {
        Command::Apply(command) => apply::run(command),
        Command::Coarsen(command) => coarsen::run(command),
        Command::Fill(command) => fill::run(command),
        Command::Inspect(command) => inspect::run(command),
        Command::Match(command) => matchup::run(command),
        Command::Score(command) => score::run(*command),
        Command::Data(command) => data::run(command),
        Command::Paper(command) => paper::run(command),
    }
}
