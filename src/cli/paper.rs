//! `isotherm paper`: plan, why, verify, run, figure, notebooks.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Subcommand;

use crate::paper::{Notebook, State, Study, explain, notebooks};

/// The paper: what would run, where a figure comes from, whether it still holds.
#[derive(Debug, Subcommand)]
pub enum PaperCommand {
    /// Print what would run and why.
    Plan,
    /// Print the chain behind a published file: configuration, code, data.
    Why {
        /// For instance figures/scatter.png.
        file: String,
    },
    /// Fail if a published file is stale or altered.
    Verify,
    /// Run a step and all that it needs, as far as they are stale.
    Run {
        /// Name of the step; `plan` lists them.
        step: String,
    },
    /// Remake one figure or table by its name, without Jupyter.
    Figure {
        /// For instance scatter.
        name: String,
    },
    /// List the notebooks, one path a line.
    Notebooks {
        /// Only those that must be executed again.
        #[arg(long)]
        stale: bool,
    },
    /// Record that a notebook was executed to its end.
    Done {
        /// The notebook.
        notebook: PathBuf,
    },
}

/// Carries the command out.
///
/// # Errors
/// One sentence: what was found, what was wanted, what to do.
pub fn run(command: PaperCommand) -> anyhow::Result<()> {
    let study = Study::open()?;
    match command {
        PaperCommand::Plan => print!("{}", explain::plan(&study)?),
        PaperCommand::Why { file } => print!("{}", explain::why(&study, &file)?),
        PaperCommand::Verify => print!("{}", explain::verify(&study)?),
        PaperCommand::Run { step } => println!("{}", study.run(&step)?.display()),
        PaperCommand::Figure { name } => {
            let step = study.publisher(&name)?;
            study.run(step.name)?;
            for (_, published) in step.publishes {
                println!("{published}");
            }
        }
        PaperCommand::Notebooks { stale } => {
            for book in notebooks(&study)? {
                if !stale || book.state(&study)? != State::Fresh {
                    println!("{}", book.path().strip_prefix(study.root()).unwrap_or(book.path()).display());
                }
            }
        }
        PaperCommand::Done { notebook } => {
            let book = Notebook::read(&notebook).with_context(|| format!("cannot record {}", notebook.display()))?;
            if let State::ToRun(why) = book.state(&study)? {
                let open: Vec<_> = why.into_iter().filter(|w| w.contains("is to run")).collect();
                if !open.is_empty() {
                    bail!(
                        "{} ended, but {}; does it call the steps that its metadata names?",
                        notebook.display(),
                        open.join("; ")
                    );
                }
            }
            book.record(&study)?;
        }
    }
    Ok(())
}
