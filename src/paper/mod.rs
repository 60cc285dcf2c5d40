//! Floor 5: steps and their cache, tables, the report.
