//! Floor 5: steps and their cache, tables, the chain behind each figure.

mod code;
mod display;
mod error;
pub mod explain;
pub mod matchup_table;
mod notebook;
mod products;
mod products_table;
mod provenance;
mod receipt;
mod recovery;
mod step;
mod steps;
mod study;
mod table;
mod table_publish;
mod table_render;
mod verdict;

pub use display::{ShownFigure, ShownHtml};
pub use error::{PaperError, PaperResult};
pub use notebook::{Notebook, all as notebooks};
pub use recovery::{Recoveries, Recovery};
pub use step::{DataFile, Step, StepContext, read_configuration};
pub use steps::split::StudySplit;
pub use steps::training_ground::WEIGHTS as TRAINED_WEIGHTS;
pub use steps::uadm_methods::REGRESSIONS as TRAINED_NETWORKS;
pub use study::{State, Study};
pub use table::{TidyRow, TidyTable};
pub use table_publish::publish_table;
pub use table_render::TableRender;
pub use verdict::{Verdict, Verdicts};
