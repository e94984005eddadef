//! Decides which cells a row keeps because its file lost lines, its session meta or its history. Pure.

use super::columns::{Col, Row};
use super::times::Times;
use super::{Millis, ThreadMetadata, equivalence, folder};

/// Returns true if a cell stays because the file lost what may have set it.
pub(super) fn is_known_to_row(col: Col, file: &ThreadMetadata, row: &Row, times: Times) -> bool {
    is_of_lost_part(col, file, row.text(col))
        || (col == Col::TokensUsed && is_of_lost_count(file, row))
        || (file.lacks_last_lines && is_of_lost_end(col, file, row, times))
}

/// Returns true if a value of a file that lost a part is only a default, or may have been set in that part: in its
/// session meta, in the rollout that it continues, or for the first message in a line before it. The row then knows
/// more. The first of several messages counts, but the last turn, so what the file says about turns is certain.
fn is_of_lost_part(col: Col, file: &ThreadMetadata, existing: Option<&str>) -> bool {
    let (history, meta) = (file.lacks_history, file.lacks_meta);
    match col {
        Col::Title | Col::FirstUserMessage | Col::Preview => history || meta || file.lacks_first_lines,
        Col::Source => meta,
        Col::CreatedAt | Col::CreatedAtMs | Col::ModelProvider | Col::MemoryMode => history || meta,
        Col::Cwd => (history || meta) && existing.is_some_and(folder::is_absolute),
        Col::Model | Col::ReasoningEffort | Col::ApprovalMode => history && file.model.is_none(),
        Col::SandboxPolicy => {
            history && file.model.is_none() && existing.is_some_and(equivalence::is_readable_sandbox)
        }
        Col::TokensUsed => history && file.tokens_used == 0,
        _ => false,
    }
}

/// Returns true if a line after the last count, or the end of the file, is lost, and the row has a greater count: counts
/// only grow. Codex writes a count within milliseconds of what stands before it, so the row's time may be no later.
fn is_of_lost_count(file: &ThreadMetadata, row: &Row) -> bool {
    (file.lacks_last_count || file.lacks_last_lines)
        && row.integer(Col::TokensUsed).is_some_and(|count| count > file.tokens_used)
}

/// Returns true if a row has a later time than everything that can be read of a file that lost its end. Then the row
/// knows what the last lines said.
fn is_of_lost_end(col: Col, file: &ThreadMetadata, row: &Row, times: Times) -> bool {
    let millis = row.integer(Col::UpdatedAtMs).map(equivalence::read_milliseconds);
    let time = millis.or_else(|| row.integer(Col::UpdatedAt)?.checked_mul(1000));
    let is_later =
        |than: Millis| time.is_some_and(|time| time > than.saturating_add(equivalence::TIME_TOLERANCE));
    is_later(file.last_event_at)
        && match col {
            // The time of the lost last line is unknown.
            Col::UpdatedAt | Col::UpdatedAtMs if times == Times::Events => is_later(file.modified_at),
            Col::UpdatedAt | Col::UpdatedAtMs => times.accepts_both() && is_later(file.updated_at),
            Col::Model | Col::ReasoningEffort | Col::ApprovalMode | Col::ModelProvider | Col::MemoryMode => {
                true
            }
            Col::SandboxPolicy => row.text(col).is_some_and(equivalence::is_readable_sandbox),
            _ => false,
        }
}
