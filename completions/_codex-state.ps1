# Completion for powershell, written by: codex-state completions powershell

using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'codex-state' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'codex-state'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'codex-state' {
            [CompletionResult]::new('--codex-home', '--codex-home', [CompletionResultType]::ParameterName, 'The Codex home [default: $CODEX_HOME, else ~/.codex]')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use exactly this database, which must exist')
            [CompletionResult]::new('--sqlite-home', '--sqlite-home', [CompletionResultType]::ParameterName, 'The folder of the database')
            [CompletionResult]::new('--default-provider', '--default-provider', [CompletionResultType]::ParameterName, 'The provider of threads whose rollout names none')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write the output')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'How long to wait for another program''s lock on the database')
            [CompletionResult]::new('--metrics', '--metrics', [CompletionResultType]::ParameterName, 'Write the counts of this run to FILE, for Prometheus'' textfile collector')
            [CompletionResult]::new('--no-header', '--no-header', [CompletionResultType]::ParameterName, 'Leave out the header line of TSV and CSV')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress bar')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but errors on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but errors on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on standard error: which files, and why')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on standard error: which files, and why')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show where the conversations are, and the one thing to do next')
            [CompletionResult]::new('doctor', 'doctor', [CompletionResultType]::ParameterValue, 'Show where the conversations are, and the one thing to do next')
            [CompletionResult]::new('verify', 'verify', [CompletionResultType]::ParameterValue, 'Name every difference between the database and the rollouts')
            [CompletionResult]::new('backfill', 'backfill', [CompletionResultType]::ParameterValue, 'Repair the index from the rollouts (conversation files)')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List threads, the latest first')
            [CompletionResult]::new('ls', 'ls', [CompletionResultType]::ParameterValue, 'List threads, the latest first')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show everything that the database knows of threads')
            [CompletionResult]::new('path', 'path', [CompletionResultType]::ParameterValue, 'Print the paths of threads'' rollouts')
            [CompletionResult]::new('archive', 'archive', [CompletionResultType]::ParameterValue, 'Move threads to the archive')
            [CompletionResult]::new('unarchive', 'unarchive', [CompletionResultType]::ParameterValue, 'Move threads back from the archive')
            [CompletionResult]::new('relink', 'relink', [CompletionResultType]::ParameterValue, 'Tell the database that a project moved')
            [CompletionResult]::new('prune', 'prune', [CompletionResultType]::ParameterValue, 'Delete the rows of threads whose rollout is gone')
            [CompletionResult]::new('backup', 'backup', [CompletionResultType]::ParameterValue, 'Copy the database to a file')
            [CompletionResult]::new('restore', 'restore', [CompletionResultType]::ParameterValue, 'Bring the database back from a backup')
            [CompletionResult]::new('rebuild', 'rebuild', [CompletionResultType]::ParameterValue, 'Make a new database in place of one that is damaged, refused by Codex or lost')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print or install the completion script for a shell')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Print the man page, or write all man pages to a folder')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'codex-state;status' {
            [CompletionResult]::new('--codex-home', '--codex-home', [CompletionResultType]::ParameterName, 'The Codex home [default: $CODEX_HOME, else ~/.codex]')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use exactly this database, which must exist')
            [CompletionResult]::new('--sqlite-home', '--sqlite-home', [CompletionResultType]::ParameterName, 'The folder of the database')
            [CompletionResult]::new('--default-provider', '--default-provider', [CompletionResultType]::ParameterName, 'The provider of threads whose rollout names none')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write the output')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'How long to wait for another program''s lock on the database')
            [CompletionResult]::new('--metrics', '--metrics', [CompletionResultType]::ParameterName, 'Write the counts of this run to FILE, for Prometheus'' textfile collector')
            [CompletionResult]::new('--no-header', '--no-header', [CompletionResultType]::ParameterName, 'Leave out the header line of TSV and CSV')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress bar')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but errors on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but errors on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on standard error: which files, and why')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on standard error: which files, and why')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'codex-state;doctor' {
            [CompletionResult]::new('--codex-home', '--codex-home', [CompletionResultType]::ParameterName, 'The Codex home [default: $CODEX_HOME, else ~/.codex]')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use exactly this database, which must exist')
            [CompletionResult]::new('--sqlite-home', '--sqlite-home', [CompletionResultType]::ParameterName, 'The folder of the database')
            [CompletionResult]::new('--default-provider', '--default-provider', [CompletionResultType]::ParameterName, 'The provider of threads whose rollout names none')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write the output')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'How long to wait for another program''s lock on the database')
            [CompletionResult]::new('--metrics', '--metrics', [CompletionResultType]::ParameterName, 'Write the counts of this run to FILE, for Prometheus'' textfile collector')
            [CompletionResult]::new('--no-header', '--no-header', [CompletionResultType]::ParameterName, 'Leave out the header line of TSV and CSV')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress bar')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but errors on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but errors on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on standard error: which files, and why')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on standard error: which files, and why')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'codex-state;verify' {
            [CompletionResult]::new('--ignore', '--ignore', [CompletionResultType]::ParameterName, 'Leave out a kind of finding (missing_row, damaged_lines, ...) or a column (updated_at, ...) (repeatable)')
            [CompletionResult]::new('--max-findings', '--max-findings', [CompletionResultType]::ParameterName, 'Print the first N findings only; all are counted')
            [CompletionResult]::new('--junit', '--junit', [CompletionResultType]::ParameterName, 'Write a JUnit report to FILE, with a test case for each kind of finding')
            [CompletionResult]::new('-j', '-j', [CompletionResultType]::ParameterName, 'How many rollouts to read at once [default: one for each processor]')
            [CompletionResult]::new('--jobs', '--jobs', [CompletionResultType]::ParameterName, 'How many rollouts to read at once [default: one for each processor]')
            [CompletionResult]::new('--codex-home', '--codex-home', [CompletionResultType]::ParameterName, 'The Codex home [default: $CODEX_HOME, else ~/.codex]')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use exactly this database, which must exist')
            [CompletionResult]::new('--sqlite-home', '--sqlite-home', [CompletionResultType]::ParameterName, 'The folder of the database')
            [CompletionResult]::new('--default-provider', '--default-provider', [CompletionResultType]::ParameterName, 'The provider of threads whose rollout names none')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write the output')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'How long to wait for another program''s lock on the database')
            [CompletionResult]::new('--metrics', '--metrics', [CompletionResultType]::ParameterName, 'Write the counts of this run to FILE, for Prometheus'' textfile collector')
            [CompletionResult]::new('--quick', '--quick', [CompletionResultType]::ParameterName, 'Compare only presence, paths, archive flags and times, without opening a rollout')
            [CompletionResult]::new('--deep', '--deep', [CompletionResultType]::ParameterName, 'Also check that every line of every rollout is JSON, and that the database file is sound')
            [CompletionResult]::new('--strict', '--strict', [CompletionResultType]::ParameterName, 'Exit with 1 for warnings too')
            [CompletionResult]::new('--no-header', '--no-header', [CompletionResultType]::ParameterName, 'Leave out the header line of TSV and CSV')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress bar')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but errors on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but errors on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on standard error: which files, and why')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on standard error: which files, and why')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'codex-state;backfill' {
            [CompletionResult]::new('-j', '-j', [CompletionResultType]::ParameterName, 'How many rollouts to read at once [default: one for each processor]')
            [CompletionResult]::new('--jobs', '--jobs', [CompletionResultType]::ParameterName, 'How many rollouts to read at once [default: one for each processor]')
            [CompletionResult]::new('--times', '--times', [CompletionResultType]::ParameterName, 'Where updated_at comes from')
            [CompletionResult]::new('--facts-from', '--facts-from', [CompletionResultType]::ParameterName, 'Fill what only a database knows (names, pins, sections, git edits) from another state database, even a damaged one')
            [CompletionResult]::new('--schema', '--schema', [CompletionResultType]::ParameterName, 'Which database to create if none exists [default: the one that the Codex of this home reads]')
            [CompletionResult]::new('--codex-home', '--codex-home', [CompletionResultType]::ParameterName, 'The Codex home [default: $CODEX_HOME, else ~/.codex]')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use exactly this database, which must exist')
            [CompletionResult]::new('--sqlite-home', '--sqlite-home', [CompletionResultType]::ParameterName, 'The folder of the database')
            [CompletionResult]::new('--default-provider', '--default-provider', [CompletionResultType]::ParameterName, 'The provider of threads whose rollout names none')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write the output')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'How long to wait for another program''s lock on the database')
            [CompletionResult]::new('--metrics', '--metrics', [CompletionResultType]::ParameterName, 'Write the counts of this run to FILE, for Prometheus'' textfile collector')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Write nothing, and print the planned changes')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Write nothing, and print the planned changes')
            [CompletionResult]::new('--no-backup', '--no-backup', [CompletionResultType]::ParameterName, 'Keep no backup of the database before the first change')
            [CompletionResult]::new('--quick', '--quick', [CompletionResultType]::ParameterName, 'Skip rollouts that have not changed since their row was written')
            [CompletionResult]::new('--index', '--index', [CompletionResultType]::ParameterName, 'Then append to session_index.jsonl the names of threads that it lacks; older versions of Codex find threads by it')
            [CompletionResult]::new('--prune', '--prune', [CompletionResultType]::ParameterName, 'Then delete the rows whose rollout is gone, as prune does; without a terminal it needs --yes')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Do not ask before deleting rows')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask before deleting rows')
            [CompletionResult]::new('--all-missing', '--all-missing', [CompletionResultType]::ParameterName, 'Delete rows even if most of all rows would go')
            [CompletionResult]::new('--no-header', '--no-header', [CompletionResultType]::ParameterName, 'Leave out the header line of TSV and CSV')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress bar')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but errors on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but errors on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on standard error: which files, and why')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on standard error: which files, and why')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'codex-state;list' {
            [CompletionResult]::new('--sort', '--sort', [CompletionResultType]::ParameterName, 'The order; recency means updated if the database does not have it')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'List at most N threads; 0 is all [default: 50 for a table on a terminal, else all]')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'List at most N threads; 0 is all [default: 50 for a table on a terminal, else all]')
            [CompletionResult]::new('--after', '--after', [CompletionResultType]::ParameterName, 'Continue after a page: CURSOR is its next_cursor in --format json; --sort and --reverse must be the same')
            [CompletionResult]::new('--source', '--source', [CompletionResultType]::ParameterName, 'Only threads of this source, such as cli, vscode or exec; subagent means all sub-agents (repeatable)')
            [CompletionResult]::new('--provider', '--provider', [CompletionResultType]::ParameterName, 'Only threads of this model provider (repeatable)')
            [CompletionResult]::new('--cwd', '--cwd', [CompletionResultType]::ParameterName, 'Only threads that began in this folder (repeatable)')
            [CompletionResult]::new('--search', '--search', [CompletionResultType]::ParameterName, 'Only threads with this text in title, name, preview or first message; upper and lower case are the same, but letters with and without accents are not (repeatable: each must be found)')
            [CompletionResult]::new('--model', '--model', [CompletionResultType]::ParameterName, 'Only threads of this model (repeatable)')
            [CompletionResult]::new('--branch', '--branch', [CompletionResultType]::ParameterName, 'Only threads that began on this git branch (repeatable)')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Only threads of this time or later, by the time of --sort: RFC 3339, a date (local midnight), today, yesterday, or an age: 30s 10m 2h 7d 4w 3mo 1y "2 weeks ago"')
            [CompletionResult]::new('--until', '--until', [CompletionResultType]::ParameterName, 'Only threads before this time, in the same forms')
            [CompletionResult]::new('--columns', '--columns', [CompletionResultType]::ParameterName, 'Which columns to print, in this order: those of the table, hidden_by and size')
            [CompletionResult]::new('--codex-home', '--codex-home', [CompletionResultType]::ParameterName, 'The Codex home [default: $CODEX_HOME, else ~/.codex]')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use exactly this database, which must exist')
            [CompletionResult]::new('--sqlite-home', '--sqlite-home', [CompletionResultType]::ParameterName, 'The folder of the database')
            [CompletionResult]::new('--default-provider', '--default-provider', [CompletionResultType]::ParameterName, 'The provider of threads whose rollout names none')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write the output')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'How long to wait for another program''s lock on the database')
            [CompletionResult]::new('--metrics', '--metrics', [CompletionResultType]::ParameterName, 'Write the counts of this run to FILE, for Prometheus'' textfile collector')
            [CompletionResult]::new('--reverse', '--reverse', [CompletionResultType]::ParameterName, 'The oldest or smallest first')
            [CompletionResult]::new('--archived', '--archived', [CompletionResultType]::ParameterName, 'Only archived threads')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'Also archived threads')
            [CompletionResult]::new('--hidden', '--hidden', [CompletionResultType]::ParameterName, 'Also threads without a user message, which Codex hides')
            [CompletionResult]::new('--shown', '--shown', [CompletionResultType]::ParameterName, 'Only threads that Codex''s default list shows')
            [CompletionResult]::new('--hidden-only', '--hidden-only', [CompletionResultType]::ParameterName, 'Only threads that Codex''s default list hides, archived or not; the column hidden_by says why')
            [CompletionResult]::new('--recursive', '--recursive', [CompletionResultType]::ParameterName, 'With --cwd: also threads that began in a folder below it')
            [CompletionResult]::new('--pinned', '--pinned', [CompletionResultType]::ParameterName, 'Only threads that are pinned')
            [CompletionResult]::new('--ids', '--ids', [CompletionResultType]::ParameterName, 'Print only the ids, one a line')
            [CompletionResult]::new('--no-header', '--no-header', [CompletionResultType]::ParameterName, 'Leave out the header line of TSV and CSV')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress bar')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but errors on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but errors on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on standard error: which files, and why')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on standard error: which files, and why')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'codex-state;ls' {
            [CompletionResult]::new('--sort', '--sort', [CompletionResultType]::ParameterName, 'The order; recency means updated if the database does not have it')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'List at most N threads; 0 is all [default: 50 for a table on a terminal, else all]')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'List at most N threads; 0 is all [default: 50 for a table on a terminal, else all]')
            [CompletionResult]::new('--after', '--after', [CompletionResultType]::ParameterName, 'Continue after a page: CURSOR is its next_cursor in --format json; --sort and --reverse must be the same')
            [CompletionResult]::new('--source', '--source', [CompletionResultType]::ParameterName, 'Only threads of this source, such as cli, vscode or exec; subagent means all sub-agents (repeatable)')
            [CompletionResult]::new('--provider', '--provider', [CompletionResultType]::ParameterName, 'Only threads of this model provider (repeatable)')
            [CompletionResult]::new('--cwd', '--cwd', [CompletionResultType]::ParameterName, 'Only threads that began in this folder (repeatable)')
            [CompletionResult]::new('--search', '--search', [CompletionResultType]::ParameterName, 'Only threads with this text in title, name, preview or first message; upper and lower case are the same, but letters with and without accents are not (repeatable: each must be found)')
            [CompletionResult]::new('--model', '--model', [CompletionResultType]::ParameterName, 'Only threads of this model (repeatable)')
            [CompletionResult]::new('--branch', '--branch', [CompletionResultType]::ParameterName, 'Only threads that began on this git branch (repeatable)')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Only threads of this time or later, by the time of --sort: RFC 3339, a date (local midnight), today, yesterday, or an age: 30s 10m 2h 7d 4w 3mo 1y "2 weeks ago"')
            [CompletionResult]::new('--until', '--until', [CompletionResultType]::ParameterName, 'Only threads before this time, in the same forms')
            [CompletionResult]::new('--columns', '--columns', [CompletionResultType]::ParameterName, 'Which columns to print, in this order: those of the table, hidden_by and size')
            [CompletionResult]::new('--codex-home', '--codex-home', [CompletionResultType]::ParameterName, 'The Codex home [default: $CODEX_HOME, else ~/.codex]')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use exactly this database, which must exist')
            [CompletionResult]::new('--sqlite-home', '--sqlite-home', [CompletionResultType]::ParameterName, 'The folder of the database')
            [CompletionResult]::new('--default-provider', '--default-provider', [CompletionResultType]::ParameterName, 'The provider of threads whose rollout names none')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write the output')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'How long to wait for another program''s lock on the database')
            [CompletionResult]::new('--metrics', '--metrics', [CompletionResultType]::ParameterName, 'Write the counts of this run to FILE, for Prometheus'' textfile collector')
            [CompletionResult]::new('--reverse', '--reverse', [CompletionResultType]::ParameterName, 'The oldest or smallest first')
            [CompletionResult]::new('--archived', '--archived', [CompletionResultType]::ParameterName, 'Only archived threads')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'Also archived threads')
            [CompletionResult]::new('--hidden', '--hidden', [CompletionResultType]::ParameterName, 'Also threads without a user message, which Codex hides')
            [CompletionResult]::new('--shown', '--shown', [CompletionResultType]::ParameterName, 'Only threads that Codex''s default list shows')
            [CompletionResult]::new('--hidden-only', '--hidden-only', [CompletionResultType]::ParameterName, 'Only threads that Codex''s default list hides, archived or not; the column hidden_by says why')
            [CompletionResult]::new('--recursive', '--recursive', [CompletionResultType]::ParameterName, 'With --cwd: also threads that began in a folder below it')
            [CompletionResult]::new('--pinned', '--pinned', [CompletionResultType]::ParameterName, 'Only threads that are pinned')
            [CompletionResult]::new('--ids', '--ids', [CompletionResultType]::ParameterName, 'Print only the ids, one a line')
            [CompletionResult]::new('--no-header', '--no-header', [CompletionResultType]::ParameterName, 'Leave out the header line of TSV and CSV')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress bar')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but errors on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but errors on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on standard error: which files, and why')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on standard error: which files, and why')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'codex-state;show' {
            [CompletionResult]::new('--columns', '--columns', [CompletionResultType]::ParameterName, 'Which columns to print, in this order')
            [CompletionResult]::new('--codex-home', '--codex-home', [CompletionResultType]::ParameterName, 'The Codex home [default: $CODEX_HOME, else ~/.codex]')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use exactly this database, which must exist')
            [CompletionResult]::new('--sqlite-home', '--sqlite-home', [CompletionResultType]::ParameterName, 'The folder of the database')
            [CompletionResult]::new('--default-provider', '--default-provider', [CompletionResultType]::ParameterName, 'The provider of threads whose rollout names none')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write the output')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'How long to wait for another program''s lock on the database')
            [CompletionResult]::new('--metrics', '--metrics', [CompletionResultType]::ParameterName, 'Write the counts of this run to FILE, for Prometheus'' textfile collector')
            [CompletionResult]::new('--compare', '--compare', [CompletionResultType]::ParameterName, 'Compare each row with its rollout, column by column, and mark the differences')
            [CompletionResult]::new('--no-header', '--no-header', [CompletionResultType]::ParameterName, 'Leave out the header line of TSV and CSV')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress bar')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but errors on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but errors on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on standard error: which files, and why')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on standard error: which files, and why')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'codex-state;path' {
            [CompletionResult]::new('--codex-home', '--codex-home', [CompletionResultType]::ParameterName, 'The Codex home [default: $CODEX_HOME, else ~/.codex]')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use exactly this database, which must exist')
            [CompletionResult]::new('--sqlite-home', '--sqlite-home', [CompletionResultType]::ParameterName, 'The folder of the database')
            [CompletionResult]::new('--default-provider', '--default-provider', [CompletionResultType]::ParameterName, 'The provider of threads whose rollout names none')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write the output')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'How long to wait for another program''s lock on the database')
            [CompletionResult]::new('--metrics', '--metrics', [CompletionResultType]::ParameterName, 'Write the counts of this run to FILE, for Prometheus'' textfile collector')
            [CompletionResult]::new('--archived', '--archived', [CompletionResultType]::ParameterName, 'Only those that are archived')
            [CompletionResult]::new('--active', '--active', [CompletionResultType]::ParameterName, 'Only those that are not archived')
            [CompletionResult]::new('--no-header', '--no-header', [CompletionResultType]::ParameterName, 'Leave out the header line of TSV and CSV')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress bar')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but errors on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but errors on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on standard error: which files, and why')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on standard error: which files, and why')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'codex-state;archive' {
            [CompletionResult]::new('--ids-to', '--ids-to', [CompletionResultType]::ParameterName, 'Write the ids of the threads that were moved to FILE, one a line; to undo the run, give them to the other command with - < FILE')
            [CompletionResult]::new('--codex-home', '--codex-home', [CompletionResultType]::ParameterName, 'The Codex home [default: $CODEX_HOME, else ~/.codex]')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use exactly this database, which must exist')
            [CompletionResult]::new('--sqlite-home', '--sqlite-home', [CompletionResultType]::ParameterName, 'The folder of the database')
            [CompletionResult]::new('--default-provider', '--default-provider', [CompletionResultType]::ParameterName, 'The provider of threads whose rollout names none')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write the output')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'How long to wait for another program''s lock on the database')
            [CompletionResult]::new('--metrics', '--metrics', [CompletionResultType]::ParameterName, 'Write the counts of this run to FILE, for Prometheus'' textfile collector')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Move and write nothing, and print the planned changes')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Move and write nothing, and print the planned changes')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Also move the threads that these spawned, and those that they spawned in turn')
            [CompletionResult]::new('--recursive', '--recursive', [CompletionResultType]::ParameterName, 'Also move the threads that these spawned, and those that they spawned in turn')
            [CompletionResult]::new('--no-backup', '--no-backup', [CompletionResultType]::ParameterName, 'Keep no backup of the database')
            [CompletionResult]::new('--no-header', '--no-header', [CompletionResultType]::ParameterName, 'Leave out the header line of TSV and CSV')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress bar')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but errors on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but errors on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on standard error: which files, and why')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on standard error: which files, and why')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'codex-state;unarchive' {
            [CompletionResult]::new('--ids-to', '--ids-to', [CompletionResultType]::ParameterName, 'Write the ids of the threads that were moved to FILE, one a line; to undo the run, give them to the other command with - < FILE')
            [CompletionResult]::new('--codex-home', '--codex-home', [CompletionResultType]::ParameterName, 'The Codex home [default: $CODEX_HOME, else ~/.codex]')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use exactly this database, which must exist')
            [CompletionResult]::new('--sqlite-home', '--sqlite-home', [CompletionResultType]::ParameterName, 'The folder of the database')
            [CompletionResult]::new('--default-provider', '--default-provider', [CompletionResultType]::ParameterName, 'The provider of threads whose rollout names none')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write the output')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'How long to wait for another program''s lock on the database')
            [CompletionResult]::new('--metrics', '--metrics', [CompletionResultType]::ParameterName, 'Write the counts of this run to FILE, for Prometheus'' textfile collector')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Move and write nothing, and print the planned changes')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Move and write nothing, and print the planned changes')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Also move the threads that these spawned, and those that they spawned in turn')
            [CompletionResult]::new('--recursive', '--recursive', [CompletionResultType]::ParameterName, 'Also move the threads that these spawned, and those that they spawned in turn')
            [CompletionResult]::new('--no-backup', '--no-backup', [CompletionResultType]::ParameterName, 'Keep no backup of the database')
            [CompletionResult]::new('--no-header', '--no-header', [CompletionResultType]::ParameterName, 'Leave out the header line of TSV and CSV')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress bar')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but errors on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but errors on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on standard error: which files, and why')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on standard error: which files, and why')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'codex-state;relink' {
            [CompletionResult]::new('--codex-home', '--codex-home', [CompletionResultType]::ParameterName, 'The Codex home [default: $CODEX_HOME, else ~/.codex]')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use exactly this database, which must exist')
            [CompletionResult]::new('--sqlite-home', '--sqlite-home', [CompletionResultType]::ParameterName, 'The folder of the database')
            [CompletionResult]::new('--default-provider', '--default-provider', [CompletionResultType]::ParameterName, 'The provider of threads whose rollout names none')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write the output')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'How long to wait for another program''s lock on the database')
            [CompletionResult]::new('--metrics', '--metrics', [CompletionResultType]::ParameterName, 'Write the counts of this run to FILE, for Prometheus'' textfile collector')
            [CompletionResult]::new('--missing-ok', '--missing-ok', [CompletionResultType]::ParameterName, 'Accept a NEW that does not exist, as on another machine or a drive that is not mounted')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Write nothing, and print the planned changes')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Write nothing, and print the planned changes')
            [CompletionResult]::new('--no-backup', '--no-backup', [CompletionResultType]::ParameterName, 'Keep no backup of the database before the first change')
            [CompletionResult]::new('--no-header', '--no-header', [CompletionResultType]::ParameterName, 'Leave out the header line of TSV and CSV')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress bar')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but errors on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but errors on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on standard error: which files, and why')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on standard error: which files, and why')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'codex-state;prune' {
            [CompletionResult]::new('-j', '-j', [CompletionResultType]::ParameterName, 'How many rollouts to read at once [default: one for each processor]')
            [CompletionResult]::new('--jobs', '--jobs', [CompletionResultType]::ParameterName, 'How many rollouts to read at once [default: one for each processor]')
            [CompletionResult]::new('--codex-home', '--codex-home', [CompletionResultType]::ParameterName, 'The Codex home [default: $CODEX_HOME, else ~/.codex]')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use exactly this database, which must exist')
            [CompletionResult]::new('--sqlite-home', '--sqlite-home', [CompletionResultType]::ParameterName, 'The folder of the database')
            [CompletionResult]::new('--default-provider', '--default-provider', [CompletionResultType]::ParameterName, 'The provider of threads whose rollout names none')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write the output')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'How long to wait for another program''s lock on the database')
            [CompletionResult]::new('--metrics', '--metrics', [CompletionResultType]::ParameterName, 'Write the counts of this run to FILE, for Prometheus'' textfile collector')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Delete nothing, and print the planned changes')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Delete nothing, and print the planned changes')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Do not ask before deleting')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask before deleting')
            [CompletionResult]::new('--all-missing', '--all-missing', [CompletionResultType]::ParameterName, 'Delete rows even if most of all rows would go')
            [CompletionResult]::new('--no-backup', '--no-backup', [CompletionResultType]::ParameterName, 'Keep no backup of the database (the deleted rows are saved in any case)')
            [CompletionResult]::new('--no-header', '--no-header', [CompletionResultType]::ParameterName, 'Leave out the header line of TSV and CSV')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress bar')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but errors on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but errors on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on standard error: which files, and why')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on standard error: which files, and why')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'codex-state;backup' {
            [CompletionResult]::new('--codex-home', '--codex-home', [CompletionResultType]::ParameterName, 'The Codex home [default: $CODEX_HOME, else ~/.codex]')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use exactly this database, which must exist')
            [CompletionResult]::new('--sqlite-home', '--sqlite-home', [CompletionResultType]::ParameterName, 'The folder of the database')
            [CompletionResult]::new('--default-provider', '--default-provider', [CompletionResultType]::ParameterName, 'The provider of threads whose rollout names none')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write the output')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'How long to wait for another program''s lock on the database')
            [CompletionResult]::new('--metrics', '--metrics', [CompletionResultType]::ParameterName, 'Write the counts of this run to FILE, for Prometheus'' textfile collector')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Write nothing, and print the planned changes')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Write nothing, and print the planned changes')
            [CompletionResult]::new('--no-header', '--no-header', [CompletionResultType]::ParameterName, 'Leave out the header line of TSV and CSV')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress bar')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but errors on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but errors on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on standard error: which files, and why')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on standard error: which files, and why')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'codex-state;restore' {
            [CompletionResult]::new('--codex-home', '--codex-home', [CompletionResultType]::ParameterName, 'The Codex home [default: $CODEX_HOME, else ~/.codex]')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use exactly this database, which must exist')
            [CompletionResult]::new('--sqlite-home', '--sqlite-home', [CompletionResultType]::ParameterName, 'The folder of the database')
            [CompletionResult]::new('--default-provider', '--default-provider', [CompletionResultType]::ParameterName, 'The provider of threads whose rollout names none')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write the output')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'How long to wait for another program''s lock on the database')
            [CompletionResult]::new('--metrics', '--metrics', [CompletionResultType]::ParameterName, 'Write the counts of this run to FILE, for Prometheus'' textfile collector')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Write nothing, and print the planned changes')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Write nothing, and print the planned changes')
            [CompletionResult]::new('--no-backup', '--no-backup', [CompletionResultType]::ParameterName, 'Keep no backup of the database before the first change')
            [CompletionResult]::new('--no-header', '--no-header', [CompletionResultType]::ParameterName, 'Leave out the header line of TSV and CSV')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress bar')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but errors on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but errors on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on standard error: which files, and why')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on standard error: which files, and why')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'codex-state;rebuild' {
            [CompletionResult]::new('--undo', '--undo', [CompletionResultType]::ParameterName, 'Put a database that rebuild replaced back in its place, even if it is damaged')
            [CompletionResult]::new('-j', '-j', [CompletionResultType]::ParameterName, 'How many rollouts to read at once [default: one for each processor]')
            [CompletionResult]::new('--jobs', '--jobs', [CompletionResultType]::ParameterName, 'How many rollouts to read at once [default: one for each processor]')
            [CompletionResult]::new('--codex-home', '--codex-home', [CompletionResultType]::ParameterName, 'The Codex home [default: $CODEX_HOME, else ~/.codex]')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use exactly this database, which must exist')
            [CompletionResult]::new('--sqlite-home', '--sqlite-home', [CompletionResultType]::ParameterName, 'The folder of the database')
            [CompletionResult]::new('--default-provider', '--default-provider', [CompletionResultType]::ParameterName, 'The provider of threads whose rollout names none')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write the output')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'How long to wait for another program''s lock on the database')
            [CompletionResult]::new('--metrics', '--metrics', [CompletionResultType]::ParameterName, 'Write the counts of this run to FILE, for Prometheus'' textfile collector')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Write nothing, and print the planned changes')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Write nothing, and print the planned changes')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Replace even a sound database, drop tables and columns that do not fit, and skip threads that cannot be read')
            [CompletionResult]::new('--no-header', '--no-header', [CompletionResultType]::ParameterName, 'Leave out the header line of TSV and CSV')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress bar')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but errors on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but errors on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on standard error: which files, and why')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on standard error: which files, and why')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'codex-state;completions' {
            [CompletionResult]::new('--codex-home', '--codex-home', [CompletionResultType]::ParameterName, 'The Codex home [default: $CODEX_HOME, else ~/.codex]')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use exactly this database, which must exist')
            [CompletionResult]::new('--sqlite-home', '--sqlite-home', [CompletionResultType]::ParameterName, 'The folder of the database')
            [CompletionResult]::new('--default-provider', '--default-provider', [CompletionResultType]::ParameterName, 'The provider of threads whose rollout names none')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write the output')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'How long to wait for another program''s lock on the database')
            [CompletionResult]::new('--metrics', '--metrics', [CompletionResultType]::ParameterName, 'Write the counts of this run to FILE, for Prometheus'' textfile collector')
            [CompletionResult]::new('--install', '--install', [CompletionResultType]::ParameterName, 'Install the script for this user')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Install nothing, and print the planned changes')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Install nothing, and print the planned changes')
            [CompletionResult]::new('--no-header', '--no-header', [CompletionResultType]::ParameterName, 'Leave out the header line of TSV and CSV')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress bar')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but errors on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but errors on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on standard error: which files, and why')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on standard error: which files, and why')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'codex-state;man' {
            [CompletionResult]::new('--codex-home', '--codex-home', [CompletionResultType]::ParameterName, 'The Codex home [default: $CODEX_HOME, else ~/.codex]')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use exactly this database, which must exist')
            [CompletionResult]::new('--sqlite-home', '--sqlite-home', [CompletionResultType]::ParameterName, 'The folder of the database')
            [CompletionResult]::new('--default-provider', '--default-provider', [CompletionResultType]::ParameterName, 'The provider of threads whose rollout names none')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write the output')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'How long to wait for another program''s lock on the database')
            [CompletionResult]::new('--metrics', '--metrics', [CompletionResultType]::ParameterName, 'Write the counts of this run to FILE, for Prometheus'' textfile collector')
            [CompletionResult]::new('--no-header', '--no-header', [CompletionResultType]::ParameterName, 'Leave out the header line of TSV and CSV')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress bar')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but errors on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but errors on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on standard error: which files, and why')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on standard error: which files, and why')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'codex-state;help' {
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show where the conversations are, and the one thing to do next')
            [CompletionResult]::new('verify', 'verify', [CompletionResultType]::ParameterValue, 'Name every difference between the database and the rollouts')
            [CompletionResult]::new('backfill', 'backfill', [CompletionResultType]::ParameterValue, 'Repair the index from the rollouts (conversation files)')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List threads, the latest first')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show everything that the database knows of threads')
            [CompletionResult]::new('path', 'path', [CompletionResultType]::ParameterValue, 'Print the paths of threads'' rollouts')
            [CompletionResult]::new('archive', 'archive', [CompletionResultType]::ParameterValue, 'Move threads to the archive')
            [CompletionResult]::new('unarchive', 'unarchive', [CompletionResultType]::ParameterValue, 'Move threads back from the archive')
            [CompletionResult]::new('relink', 'relink', [CompletionResultType]::ParameterValue, 'Tell the database that a project moved')
            [CompletionResult]::new('prune', 'prune', [CompletionResultType]::ParameterValue, 'Delete the rows of threads whose rollout is gone')
            [CompletionResult]::new('backup', 'backup', [CompletionResultType]::ParameterValue, 'Copy the database to a file')
            [CompletionResult]::new('restore', 'restore', [CompletionResultType]::ParameterValue, 'Bring the database back from a backup')
            [CompletionResult]::new('rebuild', 'rebuild', [CompletionResultType]::ParameterValue, 'Make a new database in place of one that is damaged, refused by Codex or lost')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print or install the completion script for a shell')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Print the man page, or write all man pages to a folder')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'codex-state;help;status' {
            break
        }
        'codex-state;help;verify' {
            break
        }
        'codex-state;help;backfill' {
            break
        }
        'codex-state;help;list' {
            break
        }
        'codex-state;help;show' {
            break
        }
        'codex-state;help;path' {
            break
        }
        'codex-state;help;archive' {
            break
        }
        'codex-state;help;unarchive' {
            break
        }
        'codex-state;help;relink' {
            break
        }
        'codex-state;help;prune' {
            break
        }
        'codex-state;help;backup' {
            break
        }
        'codex-state;help;restore' {
            break
        }
        'codex-state;help;rebuild' {
            break
        }
        'codex-state;help;completions' {
            break
        }
        'codex-state;help;man' {
            break
        }
        'codex-state;help;help' {
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
