//! Output of any command: escaping of untrusted text, tables, records, style and progress bars.

pub mod cells;
pub mod chart;
pub mod error;
pub mod human;
pub mod lines;
pub mod members;
pub mod messages;
pub mod metrics;
pub mod progress;
pub mod records;
pub mod report;
pub mod shown;
pub mod stdout;
pub mod style;
pub mod table;
pub mod terminal;
pub mod text;

pub use lines::in_lines;
pub use members::{LongList, Member, Members};
pub use records::{Format, value::Value};
pub use report::{ListReport, OutputForm, Report, ReportRows};
pub use style::{Style, Tone};
pub use table::{Table, TableCell, TableColumn, write_fields};
