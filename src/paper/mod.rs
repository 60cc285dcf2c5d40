//! Floor 5: steps and their cache, tables, the report.

mod error;
mod table;
mod table_publish;
mod table_render;

pub use error::{PaperError, PaperResult};
pub use table::{TidyRow, TidyTable};
pub use table_publish::publish_table;
pub use table_render::TableRender;
