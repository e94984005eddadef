# Completion for fish, written by: codex-state completions fish
# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_codex_state_global_optspecs
    string join \n codex-home= db= sqlite-home= default-provider= format= no-header color= no-progress q/quiet v/verbose busy-timeout= metrics= h/help V/version
end

function __fish_codex_state_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_codex_state_global_optspecs) -- $cmd 2>/dev/null
    or argparse -s (__fish_codex_state_global_optspecs) -- $cmd value 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_codex_state_using_subcommand
    set -l cmd (__fish_codex_state_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c codex-state -n "__fish_codex_state_needs_command" -l codex-home -d 'The Codex home [default: $CODEX_HOME, else ~/.codex]' -r -f -a "(__fish_complete_directories)"
complete -c codex-state -n "__fish_codex_state_needs_command" -l db -d 'Use exactly this database, which must exist' -r -F
complete -c codex-state -n "__fish_codex_state_needs_command" -l sqlite-home -d 'The folder of the database' -r -f -a "(__fish_complete_directories)"
complete -c codex-state -n "__fish_codex_state_needs_command" -l default-provider -d 'The provider of threads whose rollout names none' -r
complete -c codex-state -n "__fish_codex_state_needs_command" -l format -d 'How to write the output' -r -f -a "auto\t'A table on a terminal, TSV for lists in a pipe, plain text otherwise'
table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON record per line'
tsv\t'Tab-separated values'
csv\t'Comma-separated values'
github\t'Annotations of a GitHub workflow (verify only)'"
complete -c codex-state -n "__fish_codex_state_needs_command" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal that can show it'
always\t'Even into a pipe or a file'
never\t'Not at all'"
complete -c codex-state -n "__fish_codex_state_needs_command" -l busy-timeout -d 'How long to wait for another program\'s lock on the database' -r
complete -c codex-state -n "__fish_codex_state_needs_command" -l metrics -d 'Write the counts of this run to FILE, for Prometheus\' textfile collector' -r -F
complete -c codex-state -n "__fish_codex_state_needs_command" -l no-header -d 'Leave out the header line of TSV and CSV'
complete -c codex-state -n "__fish_codex_state_needs_command" -l no-progress -d 'Show no progress bar'
complete -c codex-state -n "__fish_codex_state_needs_command" -s q -l quiet -d 'Print nothing but errors on standard error'
complete -c codex-state -n "__fish_codex_state_needs_command" -s v -l verbose -d 'Print more on standard error: which files, and why'
complete -c codex-state -n "__fish_codex_state_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c codex-state -n "__fish_codex_state_needs_command" -s V -l version -d 'Print version'
complete -c codex-state -n "__fish_codex_state_needs_command" -f -a "status" -d 'Show where the conversations are, and the one thing to do next'
complete -c codex-state -n "__fish_codex_state_needs_command" -f -a "doctor" -d 'Show where the conversations are, and the one thing to do next'
complete -c codex-state -n "__fish_codex_state_needs_command" -f -a "verify" -d 'Name every difference between the database and the rollouts'
complete -c codex-state -n "__fish_codex_state_needs_command" -f -a "backfill" -d 'Repair the index from the rollouts (conversation files)'
complete -c codex-state -n "__fish_codex_state_needs_command" -f -a "list" -d 'List threads, the latest first'
complete -c codex-state -n "__fish_codex_state_needs_command" -f -a "ls" -d 'List threads, the latest first'
complete -c codex-state -n "__fish_codex_state_needs_command" -f -a "show" -d 'Show everything that the database knows of threads'
complete -c codex-state -n "__fish_codex_state_needs_command" -f -a "path" -d 'Print the paths of threads\' rollouts'
complete -c codex-state -n "__fish_codex_state_needs_command" -f -a "archive" -d 'Move threads to the archive'
complete -c codex-state -n "__fish_codex_state_needs_command" -f -a "unarchive" -d 'Move threads back from the archive'
complete -c codex-state -n "__fish_codex_state_needs_command" -f -a "relink" -d 'Tell the database that a project moved'
complete -c codex-state -n "__fish_codex_state_needs_command" -f -a "prune" -d 'Delete the rows of threads whose rollout is gone'
complete -c codex-state -n "__fish_codex_state_needs_command" -f -a "backup" -d 'Copy the database to a file'
complete -c codex-state -n "__fish_codex_state_needs_command" -f -a "restore" -d 'Bring the database back from a backup'
complete -c codex-state -n "__fish_codex_state_needs_command" -f -a "rebuild" -d 'Make a new database in place of one that is damaged, refused by Codex or lost'
complete -c codex-state -n "__fish_codex_state_needs_command" -f -a "completions" -d 'Print or install the completion script for a shell'
complete -c codex-state -n "__fish_codex_state_needs_command" -f -a "man" -d 'Print the man page, or write all man pages to a folder'
complete -c codex-state -n "__fish_codex_state_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c codex-state -n "__fish_codex_state_using_subcommand status" -l codex-home -d 'The Codex home [default: $CODEX_HOME, else ~/.codex]' -r -f -a "(__fish_complete_directories)"
complete -c codex-state -n "__fish_codex_state_using_subcommand status" -l db -d 'Use exactly this database, which must exist' -r -F
complete -c codex-state -n "__fish_codex_state_using_subcommand status" -l sqlite-home -d 'The folder of the database' -r -f -a "(__fish_complete_directories)"
complete -c codex-state -n "__fish_codex_state_using_subcommand status" -l default-provider -d 'The provider of threads whose rollout names none' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand status" -l format -d 'How to write the output' -r -f -a "auto\t'A table on a terminal, TSV for lists in a pipe, plain text otherwise'
table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON record per line'
tsv\t'Tab-separated values'
csv\t'Comma-separated values'
github\t'Annotations of a GitHub workflow (verify only)'"
complete -c codex-state -n "__fish_codex_state_using_subcommand status" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal that can show it'
always\t'Even into a pipe or a file'
never\t'Not at all'"
complete -c codex-state -n "__fish_codex_state_using_subcommand status" -l busy-timeout -d 'How long to wait for another program\'s lock on the database' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand status" -l metrics -d 'Write the counts of this run to FILE, for Prometheus\' textfile collector' -r -F
complete -c codex-state -n "__fish_codex_state_using_subcommand status" -l no-header -d 'Leave out the header line of TSV and CSV'
complete -c codex-state -n "__fish_codex_state_using_subcommand status" -l no-progress -d 'Show no progress bar'
complete -c codex-state -n "__fish_codex_state_using_subcommand status" -s q -l quiet -d 'Print nothing but errors on standard error'
complete -c codex-state -n "__fish_codex_state_using_subcommand status" -s v -l verbose -d 'Print more on standard error: which files, and why'
complete -c codex-state -n "__fish_codex_state_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c codex-state -n "__fish_codex_state_using_subcommand status" -s V -l version -d 'Print version'
complete -c codex-state -n "__fish_codex_state_using_subcommand doctor" -l codex-home -d 'The Codex home [default: $CODEX_HOME, else ~/.codex]' -r -f -a "(__fish_complete_directories)"
complete -c codex-state -n "__fish_codex_state_using_subcommand doctor" -l db -d 'Use exactly this database, which must exist' -r -F
complete -c codex-state -n "__fish_codex_state_using_subcommand doctor" -l sqlite-home -d 'The folder of the database' -r -f -a "(__fish_complete_directories)"
complete -c codex-state -n "__fish_codex_state_using_subcommand doctor" -l default-provider -d 'The provider of threads whose rollout names none' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand doctor" -l format -d 'How to write the output' -r -f -a "auto\t'A table on a terminal, TSV for lists in a pipe, plain text otherwise'
table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON record per line'
tsv\t'Tab-separated values'
csv\t'Comma-separated values'
github\t'Annotations of a GitHub workflow (verify only)'"
complete -c codex-state -n "__fish_codex_state_using_subcommand doctor" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal that can show it'
always\t'Even into a pipe or a file'
never\t'Not at all'"
complete -c codex-state -n "__fish_codex_state_using_subcommand doctor" -l busy-timeout -d 'How long to wait for another program\'s lock on the database' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand doctor" -l metrics -d 'Write the counts of this run to FILE, for Prometheus\' textfile collector' -r -F
complete -c codex-state -n "__fish_codex_state_using_subcommand doctor" -l no-header -d 'Leave out the header line of TSV and CSV'
complete -c codex-state -n "__fish_codex_state_using_subcommand doctor" -l no-progress -d 'Show no progress bar'
complete -c codex-state -n "__fish_codex_state_using_subcommand doctor" -s q -l quiet -d 'Print nothing but errors on standard error'
complete -c codex-state -n "__fish_codex_state_using_subcommand doctor" -s v -l verbose -d 'Print more on standard error: which files, and why'
complete -c codex-state -n "__fish_codex_state_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c codex-state -n "__fish_codex_state_using_subcommand doctor" -s V -l version -d 'Print version'
complete -c codex-state -n "__fish_codex_state_using_subcommand verify" -l ignore -d 'Leave out a kind of finding (missing_row, damaged_lines, …) or a column (updated_at, …) (repeatable)' -r -f -a "missing_row\t''
missing_file\t''
archive_mismatch\t''
moved_file\t''
moved_home\t''
field_mismatch\t''
duplicate_path\t''
duplicate_rollout\t''
outside_home\t''
unreadable_file\t''
empty_file\t''
malformed_name\t''
damaged_lines\t''
index_orphan\t''
backfill_incomplete\t''
database_damaged\t''
missing_folder\t''
ledger_mismatch\t''
sibling_damaged\t''
codex_cannot_open\t''
history_behind\t''
unknown_provider\t''
unassigned_project\t''
index_missing\t''
id\t''
rollout_path\t''
created_at\t''
updated_at\t''
source\t''
model_provider\t''
cwd\t''
title\t''
sandbox_policy\t''
approval_mode\t''
tokens_used\t''
has_user_event\t''
archived\t''
archived_at\t''
git_sha\t''
git_branch\t''
git_origin_url\t''
cli_version\t''
first_user_message\t''
agent_nickname\t''
agent_role\t''
memory_mode\t''
model\t''
reasoning_effort\t''
agent_path\t''
created_at_ms\t''
updated_at_ms\t''
thread_source\t''
preview\t''
recency_at\t''
recency_at_ms\t''
history_mode\t''
name\t''
is_pinned\t''
thread_section_id\t''
section_position\t''
section_entered_at_ms\t''
project_id\t''
originator\t''
daybreak_enabled\t''
creator_user_id\t''
creator_account_id\t''"
complete -c codex-state -n "__fish_codex_state_using_subcommand verify" -l max-findings -d 'Print the first N findings only; all are counted' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand verify" -l junit -d 'Write a JUnit report to FILE, with a test case for each kind of finding' -r -F
complete -c codex-state -n "__fish_codex_state_using_subcommand verify" -s j -l jobs -d 'How many rollouts to read at once [default: one for each processor]' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand verify" -l codex-home -d 'The Codex home [default: $CODEX_HOME, else ~/.codex]' -r -f -a "(__fish_complete_directories)"
complete -c codex-state -n "__fish_codex_state_using_subcommand verify" -l db -d 'Use exactly this database, which must exist' -r -F
complete -c codex-state -n "__fish_codex_state_using_subcommand verify" -l sqlite-home -d 'The folder of the database' -r -f -a "(__fish_complete_directories)"
complete -c codex-state -n "__fish_codex_state_using_subcommand verify" -l default-provider -d 'The provider of threads whose rollout names none' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand verify" -l format -d 'How to write the output' -r -f -a "auto\t'A table on a terminal, TSV for lists in a pipe, plain text otherwise'
table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON record per line'
tsv\t'Tab-separated values'
csv\t'Comma-separated values'
github\t'Annotations of a GitHub workflow (verify only)'"
complete -c codex-state -n "__fish_codex_state_using_subcommand verify" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal that can show it'
always\t'Even into a pipe or a file'
never\t'Not at all'"
complete -c codex-state -n "__fish_codex_state_using_subcommand verify" -l busy-timeout -d 'How long to wait for another program\'s lock on the database' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand verify" -l metrics -d 'Write the counts of this run to FILE, for Prometheus\' textfile collector' -r -F
complete -c codex-state -n "__fish_codex_state_using_subcommand verify" -l quick -d 'Compare only presence, paths, archive flags and times, without opening a rollout'
complete -c codex-state -n "__fish_codex_state_using_subcommand verify" -l deep -d 'Also check that every line of every rollout is JSON, and that the database file is sound'
complete -c codex-state -n "__fish_codex_state_using_subcommand verify" -l strict -d 'Exit with 1 for warnings too'
complete -c codex-state -n "__fish_codex_state_using_subcommand verify" -l no-header -d 'Leave out the header line of TSV and CSV'
complete -c codex-state -n "__fish_codex_state_using_subcommand verify" -l no-progress -d 'Show no progress bar'
complete -c codex-state -n "__fish_codex_state_using_subcommand verify" -s q -l quiet -d 'Print nothing but errors on standard error'
complete -c codex-state -n "__fish_codex_state_using_subcommand verify" -s v -l verbose -d 'Print more on standard error: which files, and why'
complete -c codex-state -n "__fish_codex_state_using_subcommand verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c codex-state -n "__fish_codex_state_using_subcommand verify" -s V -l version -d 'Print version'
complete -c codex-state -n "__fish_codex_state_using_subcommand backfill" -s j -l jobs -d 'How many rollouts to read at once [default: one for each processor]' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand backfill" -l times -d 'Where updated_at comes from' -r -f -a "auto\t'The file\'s modification time, or the time of its last line if the file was copied or lost its time; a row that has one of the two keeps it'
mtime\t'The file\'s modification time, unless it was lost (before 2020)'
events\t'The time of the file\'s last line, unless its clock was wrong (before 2020)'
keep\t'Like auto, but never write a row only because its time differs'"
complete -c codex-state -n "__fish_codex_state_using_subcommand backfill" -l facts-from -d 'Fill what only a database knows (names, pins, sections, git edits) from another state database, even a damaged one' -r -F
complete -c codex-state -n "__fish_codex_state_using_subcommand backfill" -l schema -d 'Which database to create if none exists [default: the one that the Codex of this home reads]' -r -f -a "phase-1\t'state.sqlite, for Codex 0.93 to 0.95'
state-5\t'state_5.sqlite, for Codex 0.119 and later'"
complete -c codex-state -n "__fish_codex_state_using_subcommand backfill" -l codex-home -d 'The Codex home [default: $CODEX_HOME, else ~/.codex]' -r -f -a "(__fish_complete_directories)"
complete -c codex-state -n "__fish_codex_state_using_subcommand backfill" -l db -d 'Use exactly this database, which must exist' -r -F
complete -c codex-state -n "__fish_codex_state_using_subcommand backfill" -l sqlite-home -d 'The folder of the database' -r -f -a "(__fish_complete_directories)"
complete -c codex-state -n "__fish_codex_state_using_subcommand backfill" -l default-provider -d 'The provider of threads whose rollout names none' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand backfill" -l format -d 'How to write the output' -r -f -a "auto\t'A table on a terminal, TSV for lists in a pipe, plain text otherwise'
table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON record per line'
tsv\t'Tab-separated values'
csv\t'Comma-separated values'
github\t'Annotations of a GitHub workflow (verify only)'"
complete -c codex-state -n "__fish_codex_state_using_subcommand backfill" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal that can show it'
always\t'Even into a pipe or a file'
never\t'Not at all'"
complete -c codex-state -n "__fish_codex_state_using_subcommand backfill" -l busy-timeout -d 'How long to wait for another program\'s lock on the database' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand backfill" -l metrics -d 'Write the counts of this run to FILE, for Prometheus\' textfile collector' -r -F
complete -c codex-state -n "__fish_codex_state_using_subcommand backfill" -s n -l dry-run -d 'Write nothing, and print the planned changes'
complete -c codex-state -n "__fish_codex_state_using_subcommand backfill" -l no-backup -d 'Keep no backup of the database before the first change'
complete -c codex-state -n "__fish_codex_state_using_subcommand backfill" -l quick -d 'Skip rollouts that have not changed since their row was written'
complete -c codex-state -n "__fish_codex_state_using_subcommand backfill" -l index -d 'Then append to session_index.jsonl the names of threads that it lacks; older versions of Codex find threads by it'
complete -c codex-state -n "__fish_codex_state_using_subcommand backfill" -l prune -d 'Then delete the rows whose rollout is gone, as prune does; without a terminal it needs --yes'
complete -c codex-state -n "__fish_codex_state_using_subcommand backfill" -s y -l yes -d 'Do not ask before deleting rows'
complete -c codex-state -n "__fish_codex_state_using_subcommand backfill" -l all-missing -d 'Delete rows even if most of all rows would go'
complete -c codex-state -n "__fish_codex_state_using_subcommand backfill" -l no-header -d 'Leave out the header line of TSV and CSV'
complete -c codex-state -n "__fish_codex_state_using_subcommand backfill" -l no-progress -d 'Show no progress bar'
complete -c codex-state -n "__fish_codex_state_using_subcommand backfill" -s q -l quiet -d 'Print nothing but errors on standard error'
complete -c codex-state -n "__fish_codex_state_using_subcommand backfill" -s v -l verbose -d 'Print more on standard error: which files, and why'
complete -c codex-state -n "__fish_codex_state_using_subcommand backfill" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c codex-state -n "__fish_codex_state_using_subcommand backfill" -s V -l version -d 'Print version'
complete -c codex-state -n "__fish_codex_state_using_subcommand list" -l sort -d 'The order; recency means updated if the database does not have it' -r -f -a "created\t'When the thread began'
updated\t'When it was last written'
recency\t'When it was last used'
size\t'Bytes of the rollout on disk, the largest first; --since and --until then go by updated'"
complete -c codex-state -n "__fish_codex_state_using_subcommand list" -s n -l limit -d 'List at most N threads; 0 is all [default: 50 for a table on a terminal, else all]' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand list" -l after -d 'Continue after a page: CURSOR is its next_cursor in --format json; --sort and --reverse must be the same' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand list" -l source -d 'Only threads of this source, such as cli, vscode or exec; subagent means all sub-agents (repeatable)' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand list" -l provider -d 'Only threads of this model provider (repeatable)' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand list" -l cwd -d 'Only threads that began in this folder (repeatable)' -r -f -a "(__fish_complete_directories)"
complete -c codex-state -n "__fish_codex_state_using_subcommand list" -l search -d 'Only threads with this text in title, name, preview or first message; upper and lower case are the same, but letters with and without accents are not (repeatable: each must be found)' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand list" -l model -d 'Only threads of this model (repeatable)' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand list" -l branch -d 'Only threads that began on this git branch (repeatable)' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand list" -l since -d 'Only threads of this time or later, by the time of --sort: RFC 3339, a date (local midnight), today, yesterday, or an age: 30s 10m 2h 7d 4w 3mo 1y "2 weeks ago"' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand list" -l until -d 'Only threads before this time, in the same forms' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand list" -l columns -d 'Which columns to print, in this order: those of the table, hidden_by and size' -r -f -a "id\t'thread id'
rollout_path\t'absolute path of the rollout that counts'
created_at\t'when the thread began'
updated_at\t'when the rollout was last written'
source\t'where the thread came from: a word or JSON'
model_provider\t'provider of the model'
cwd\t'working directory'
title\t'first text of the user, or the name a person gave'
sandbox_policy\t'the last turn\'s permission profile or sandbox policy, as JSON'
approval_mode\t'the last turn\'s approval policy: a word or JSON'
tokens_used\t'tokens of the last count'
has_user_event\t'whether the user said anything (0 in later schemas)'
archived\t'whether the rollout lies under archived_sessions/'
archived_at\t'when the thread was archived'
git_sha\t'commit of the working tree'
git_branch\t'branch of the working tree'
git_origin_url\t'where the working tree was cloned from'
cli_version\t'version of Codex that wrote the rollout'
first_user_message\t'the user\'s first message'
agent_nickname\t'nickname of a spawned agent'
agent_role\t'role of a spawned agent'
memory_mode\t'whether memories may be taken from the thread'
model\t'the last turn\'s model'
reasoning_effort\t'the last turn\'s reasoning effort'
agent_path\t'path of a spawned agent among the agents'
created_at_ms\t'when the thread began, to the millisecond'
updated_at_ms\t'when the rollout was last written, to the millisecond'
thread_source\t'who asked for the thread'
preview\t'what a listing shows; empty hides the thread'
recency_at\t'when the thread was last used'
recency_at_ms\t'when the thread was last used, to the millisecond'
history_mode\t'how the history is kept: legacy or paginated'
name\t'name given by a person'
is_pinned\t'whether the thread is pinned'
thread_section_id\t'section of the sidebar'
section_position\t'position within the section'
section_entered_at_ms\t'when the thread entered the section'
project_id\t'project of the thread'
originator\t'program that began the thread'
daybreak_enabled\t'a choice of the user that Codex keeps with the thread'
creator_user_id\t'user who began the thread'
creator_account_id\t'account of that user'
hidden_by\t'why Codex\'s list hides it: archived, no_message, provider, source; empty if it shows it'
size\t'bytes of the rollout on disk'"
complete -c codex-state -n "__fish_codex_state_using_subcommand list" -l codex-home -d 'The Codex home [default: $CODEX_HOME, else ~/.codex]' -r -f -a "(__fish_complete_directories)"
complete -c codex-state -n "__fish_codex_state_using_subcommand list" -l db -d 'Use exactly this database, which must exist' -r -F
complete -c codex-state -n "__fish_codex_state_using_subcommand list" -l sqlite-home -d 'The folder of the database' -r -f -a "(__fish_complete_directories)"
complete -c codex-state -n "__fish_codex_state_using_subcommand list" -l default-provider -d 'The provider of threads whose rollout names none' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand list" -l format -d 'How to write the output' -r -f -a "auto\t'A table on a terminal, TSV for lists in a pipe, plain text otherwise'
table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON record per line'
tsv\t'Tab-separated values'
csv\t'Comma-separated values'
github\t'Annotations of a GitHub workflow (verify only)'"
complete -c codex-state -n "__fish_codex_state_using_subcommand list" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal that can show it'
always\t'Even into a pipe or a file'
never\t'Not at all'"
complete -c codex-state -n "__fish_codex_state_using_subcommand list" -l busy-timeout -d 'How long to wait for another program\'s lock on the database' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand list" -l metrics -d 'Write the counts of this run to FILE, for Prometheus\' textfile collector' -r -F
complete -c codex-state -n "__fish_codex_state_using_subcommand list" -l reverse -d 'The oldest or smallest first'
complete -c codex-state -n "__fish_codex_state_using_subcommand list" -l archived -d 'Only archived threads'
complete -c codex-state -n "__fish_codex_state_using_subcommand list" -l all -d 'Also archived threads'
complete -c codex-state -n "__fish_codex_state_using_subcommand list" -l hidden -d 'Also threads without a user message, which Codex hides'
complete -c codex-state -n "__fish_codex_state_using_subcommand list" -l shown -d 'Only threads that Codex\'s default list shows'
complete -c codex-state -n "__fish_codex_state_using_subcommand list" -l hidden-only -d 'Only threads that Codex\'s default list hides, archived or not; the column hidden_by says why'
complete -c codex-state -n "__fish_codex_state_using_subcommand list" -l recursive -d 'With --cwd: also threads that began in a folder below it'
complete -c codex-state -n "__fish_codex_state_using_subcommand list" -l pinned -d 'Only threads that are pinned'
complete -c codex-state -n "__fish_codex_state_using_subcommand list" -l ids -d 'Print only the ids, one a line'
complete -c codex-state -n "__fish_codex_state_using_subcommand list" -l no-header -d 'Leave out the header line of TSV and CSV'
complete -c codex-state -n "__fish_codex_state_using_subcommand list" -l no-progress -d 'Show no progress bar'
complete -c codex-state -n "__fish_codex_state_using_subcommand list" -s q -l quiet -d 'Print nothing but errors on standard error'
complete -c codex-state -n "__fish_codex_state_using_subcommand list" -s v -l verbose -d 'Print more on standard error: which files, and why'
complete -c codex-state -n "__fish_codex_state_using_subcommand list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c codex-state -n "__fish_codex_state_using_subcommand list" -s V -l version -d 'Print version'
complete -c codex-state -n "__fish_codex_state_using_subcommand ls" -l sort -d 'The order; recency means updated if the database does not have it' -r -f -a "created\t'When the thread began'
updated\t'When it was last written'
recency\t'When it was last used'
size\t'Bytes of the rollout on disk, the largest first; --since and --until then go by updated'"
complete -c codex-state -n "__fish_codex_state_using_subcommand ls" -s n -l limit -d 'List at most N threads; 0 is all [default: 50 for a table on a terminal, else all]' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand ls" -l after -d 'Continue after a page: CURSOR is its next_cursor in --format json; --sort and --reverse must be the same' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand ls" -l source -d 'Only threads of this source, such as cli, vscode or exec; subagent means all sub-agents (repeatable)' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand ls" -l provider -d 'Only threads of this model provider (repeatable)' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand ls" -l cwd -d 'Only threads that began in this folder (repeatable)' -r -f -a "(__fish_complete_directories)"
complete -c codex-state -n "__fish_codex_state_using_subcommand ls" -l search -d 'Only threads with this text in title, name, preview or first message; upper and lower case are the same, but letters with and without accents are not (repeatable: each must be found)' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand ls" -l model -d 'Only threads of this model (repeatable)' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand ls" -l branch -d 'Only threads that began on this git branch (repeatable)' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand ls" -l since -d 'Only threads of this time or later, by the time of --sort: RFC 3339, a date (local midnight), today, yesterday, or an age: 30s 10m 2h 7d 4w 3mo 1y "2 weeks ago"' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand ls" -l until -d 'Only threads before this time, in the same forms' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand ls" -l columns -d 'Which columns to print, in this order: those of the table, hidden_by and size' -r -f -a "id\t'thread id'
rollout_path\t'absolute path of the rollout that counts'
created_at\t'when the thread began'
updated_at\t'when the rollout was last written'
source\t'where the thread came from: a word or JSON'
model_provider\t'provider of the model'
cwd\t'working directory'
title\t'first text of the user, or the name a person gave'
sandbox_policy\t'the last turn\'s permission profile or sandbox policy, as JSON'
approval_mode\t'the last turn\'s approval policy: a word or JSON'
tokens_used\t'tokens of the last count'
has_user_event\t'whether the user said anything (0 in later schemas)'
archived\t'whether the rollout lies under archived_sessions/'
archived_at\t'when the thread was archived'
git_sha\t'commit of the working tree'
git_branch\t'branch of the working tree'
git_origin_url\t'where the working tree was cloned from'
cli_version\t'version of Codex that wrote the rollout'
first_user_message\t'the user\'s first message'
agent_nickname\t'nickname of a spawned agent'
agent_role\t'role of a spawned agent'
memory_mode\t'whether memories may be taken from the thread'
model\t'the last turn\'s model'
reasoning_effort\t'the last turn\'s reasoning effort'
agent_path\t'path of a spawned agent among the agents'
created_at_ms\t'when the thread began, to the millisecond'
updated_at_ms\t'when the rollout was last written, to the millisecond'
thread_source\t'who asked for the thread'
preview\t'what a listing shows; empty hides the thread'
recency_at\t'when the thread was last used'
recency_at_ms\t'when the thread was last used, to the millisecond'
history_mode\t'how the history is kept: legacy or paginated'
name\t'name given by a person'
is_pinned\t'whether the thread is pinned'
thread_section_id\t'section of the sidebar'
section_position\t'position within the section'
section_entered_at_ms\t'when the thread entered the section'
project_id\t'project of the thread'
originator\t'program that began the thread'
daybreak_enabled\t'a choice of the user that Codex keeps with the thread'
creator_user_id\t'user who began the thread'
creator_account_id\t'account of that user'
hidden_by\t'why Codex\'s list hides it: archived, no_message, provider, source; empty if it shows it'
size\t'bytes of the rollout on disk'"
complete -c codex-state -n "__fish_codex_state_using_subcommand ls" -l codex-home -d 'The Codex home [default: $CODEX_HOME, else ~/.codex]' -r -f -a "(__fish_complete_directories)"
complete -c codex-state -n "__fish_codex_state_using_subcommand ls" -l db -d 'Use exactly this database, which must exist' -r -F
complete -c codex-state -n "__fish_codex_state_using_subcommand ls" -l sqlite-home -d 'The folder of the database' -r -f -a "(__fish_complete_directories)"
complete -c codex-state -n "__fish_codex_state_using_subcommand ls" -l default-provider -d 'The provider of threads whose rollout names none' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand ls" -l format -d 'How to write the output' -r -f -a "auto\t'A table on a terminal, TSV for lists in a pipe, plain text otherwise'
table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON record per line'
tsv\t'Tab-separated values'
csv\t'Comma-separated values'
github\t'Annotations of a GitHub workflow (verify only)'"
complete -c codex-state -n "__fish_codex_state_using_subcommand ls" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal that can show it'
always\t'Even into a pipe or a file'
never\t'Not at all'"
complete -c codex-state -n "__fish_codex_state_using_subcommand ls" -l busy-timeout -d 'How long to wait for another program\'s lock on the database' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand ls" -l metrics -d 'Write the counts of this run to FILE, for Prometheus\' textfile collector' -r -F
complete -c codex-state -n "__fish_codex_state_using_subcommand ls" -l reverse -d 'The oldest or smallest first'
complete -c codex-state -n "__fish_codex_state_using_subcommand ls" -l archived -d 'Only archived threads'
complete -c codex-state -n "__fish_codex_state_using_subcommand ls" -l all -d 'Also archived threads'
complete -c codex-state -n "__fish_codex_state_using_subcommand ls" -l hidden -d 'Also threads without a user message, which Codex hides'
complete -c codex-state -n "__fish_codex_state_using_subcommand ls" -l shown -d 'Only threads that Codex\'s default list shows'
complete -c codex-state -n "__fish_codex_state_using_subcommand ls" -l hidden-only -d 'Only threads that Codex\'s default list hides, archived or not; the column hidden_by says why'
complete -c codex-state -n "__fish_codex_state_using_subcommand ls" -l recursive -d 'With --cwd: also threads that began in a folder below it'
complete -c codex-state -n "__fish_codex_state_using_subcommand ls" -l pinned -d 'Only threads that are pinned'
complete -c codex-state -n "__fish_codex_state_using_subcommand ls" -l ids -d 'Print only the ids, one a line'
complete -c codex-state -n "__fish_codex_state_using_subcommand ls" -l no-header -d 'Leave out the header line of TSV and CSV'
complete -c codex-state -n "__fish_codex_state_using_subcommand ls" -l no-progress -d 'Show no progress bar'
complete -c codex-state -n "__fish_codex_state_using_subcommand ls" -s q -l quiet -d 'Print nothing but errors on standard error'
complete -c codex-state -n "__fish_codex_state_using_subcommand ls" -s v -l verbose -d 'Print more on standard error: which files, and why'
complete -c codex-state -n "__fish_codex_state_using_subcommand ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c codex-state -n "__fish_codex_state_using_subcommand ls" -s V -l version -d 'Print version'
complete -c codex-state -n "__fish_codex_state_using_subcommand show" -l columns -d 'Which columns to print, in this order' -r -f -a "id\t'thread id'
rollout_path\t'absolute path of the rollout that counts'
created_at\t'when the thread began'
updated_at\t'when the rollout was last written'
source\t'where the thread came from: a word or JSON'
model_provider\t'provider of the model'
cwd\t'working directory'
title\t'first text of the user, or the name a person gave'
sandbox_policy\t'the last turn\'s permission profile or sandbox policy, as JSON'
approval_mode\t'the last turn\'s approval policy: a word or JSON'
tokens_used\t'tokens of the last count'
has_user_event\t'whether the user said anything (0 in later schemas)'
archived\t'whether the rollout lies under archived_sessions/'
archived_at\t'when the thread was archived'
git_sha\t'commit of the working tree'
git_branch\t'branch of the working tree'
git_origin_url\t'where the working tree was cloned from'
cli_version\t'version of Codex that wrote the rollout'
first_user_message\t'the user\'s first message'
agent_nickname\t'nickname of a spawned agent'
agent_role\t'role of a spawned agent'
memory_mode\t'whether memories may be taken from the thread'
model\t'the last turn\'s model'
reasoning_effort\t'the last turn\'s reasoning effort'
agent_path\t'path of a spawned agent among the agents'
created_at_ms\t'when the thread began, to the millisecond'
updated_at_ms\t'when the rollout was last written, to the millisecond'
thread_source\t'who asked for the thread'
preview\t'what a listing shows; empty hides the thread'
recency_at\t'when the thread was last used'
recency_at_ms\t'when the thread was last used, to the millisecond'
history_mode\t'how the history is kept: legacy or paginated'
name\t'name given by a person'
is_pinned\t'whether the thread is pinned'
thread_section_id\t'section of the sidebar'
section_position\t'position within the section'
section_entered_at_ms\t'when the thread entered the section'
project_id\t'project of the thread'
originator\t'program that began the thread'
daybreak_enabled\t'a choice of the user that Codex keeps with the thread'
creator_user_id\t'user who began the thread'
creator_account_id\t'account of that user'"
complete -c codex-state -n "__fish_codex_state_using_subcommand show" -l codex-home -d 'The Codex home [default: $CODEX_HOME, else ~/.codex]' -r -f -a "(__fish_complete_directories)"
complete -c codex-state -n "__fish_codex_state_using_subcommand show" -l db -d 'Use exactly this database, which must exist' -r -F
complete -c codex-state -n "__fish_codex_state_using_subcommand show" -l sqlite-home -d 'The folder of the database' -r -f -a "(__fish_complete_directories)"
complete -c codex-state -n "__fish_codex_state_using_subcommand show" -l default-provider -d 'The provider of threads whose rollout names none' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand show" -l format -d 'How to write the output' -r -f -a "auto\t'A table on a terminal, TSV for lists in a pipe, plain text otherwise'
table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON record per line'
tsv\t'Tab-separated values'
csv\t'Comma-separated values'
github\t'Annotations of a GitHub workflow (verify only)'"
complete -c codex-state -n "__fish_codex_state_using_subcommand show" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal that can show it'
always\t'Even into a pipe or a file'
never\t'Not at all'"
complete -c codex-state -n "__fish_codex_state_using_subcommand show" -l busy-timeout -d 'How long to wait for another program\'s lock on the database' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand show" -l metrics -d 'Write the counts of this run to FILE, for Prometheus\' textfile collector' -r -F
complete -c codex-state -n "__fish_codex_state_using_subcommand show" -l compare -d 'Compare each row with its rollout, column by column, and mark the differences'
complete -c codex-state -n "__fish_codex_state_using_subcommand show" -l no-header -d 'Leave out the header line of TSV and CSV'
complete -c codex-state -n "__fish_codex_state_using_subcommand show" -l no-progress -d 'Show no progress bar'
complete -c codex-state -n "__fish_codex_state_using_subcommand show" -s q -l quiet -d 'Print nothing but errors on standard error'
complete -c codex-state -n "__fish_codex_state_using_subcommand show" -s v -l verbose -d 'Print more on standard error: which files, and why'
complete -c codex-state -n "__fish_codex_state_using_subcommand show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c codex-state -n "__fish_codex_state_using_subcommand show" -s V -l version -d 'Print version'
complete -c codex-state -n "__fish_codex_state_using_subcommand path" -l codex-home -d 'The Codex home [default: $CODEX_HOME, else ~/.codex]' -r -f -a "(__fish_complete_directories)"
complete -c codex-state -n "__fish_codex_state_using_subcommand path" -l db -d 'Use exactly this database, which must exist' -r -F
complete -c codex-state -n "__fish_codex_state_using_subcommand path" -l sqlite-home -d 'The folder of the database' -r -f -a "(__fish_complete_directories)"
complete -c codex-state -n "__fish_codex_state_using_subcommand path" -l default-provider -d 'The provider of threads whose rollout names none' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand path" -l format -d 'How to write the output' -r -f -a "auto\t'A table on a terminal, TSV for lists in a pipe, plain text otherwise'
table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON record per line'
tsv\t'Tab-separated values'
csv\t'Comma-separated values'
github\t'Annotations of a GitHub workflow (verify only)'"
complete -c codex-state -n "__fish_codex_state_using_subcommand path" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal that can show it'
always\t'Even into a pipe or a file'
never\t'Not at all'"
complete -c codex-state -n "__fish_codex_state_using_subcommand path" -l busy-timeout -d 'How long to wait for another program\'s lock on the database' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand path" -l metrics -d 'Write the counts of this run to FILE, for Prometheus\' textfile collector' -r -F
complete -c codex-state -n "__fish_codex_state_using_subcommand path" -l archived -d 'Only those that are archived'
complete -c codex-state -n "__fish_codex_state_using_subcommand path" -l active -d 'Only those that are not archived'
complete -c codex-state -n "__fish_codex_state_using_subcommand path" -l no-header -d 'Leave out the header line of TSV and CSV'
complete -c codex-state -n "__fish_codex_state_using_subcommand path" -l no-progress -d 'Show no progress bar'
complete -c codex-state -n "__fish_codex_state_using_subcommand path" -s q -l quiet -d 'Print nothing but errors on standard error'
complete -c codex-state -n "__fish_codex_state_using_subcommand path" -s v -l verbose -d 'Print more on standard error: which files, and why'
complete -c codex-state -n "__fish_codex_state_using_subcommand path" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c codex-state -n "__fish_codex_state_using_subcommand path" -s V -l version -d 'Print version'
complete -c codex-state -n "__fish_codex_state_using_subcommand archive" -l ids-to -d 'Write the ids of the threads that were moved to FILE, one a line; to undo the run, give them to the other command with - < FILE' -r -F
complete -c codex-state -n "__fish_codex_state_using_subcommand archive" -l codex-home -d 'The Codex home [default: $CODEX_HOME, else ~/.codex]' -r -f -a "(__fish_complete_directories)"
complete -c codex-state -n "__fish_codex_state_using_subcommand archive" -l db -d 'Use exactly this database, which must exist' -r -F
complete -c codex-state -n "__fish_codex_state_using_subcommand archive" -l sqlite-home -d 'The folder of the database' -r -f -a "(__fish_complete_directories)"
complete -c codex-state -n "__fish_codex_state_using_subcommand archive" -l default-provider -d 'The provider of threads whose rollout names none' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand archive" -l format -d 'How to write the output' -r -f -a "auto\t'A table on a terminal, TSV for lists in a pipe, plain text otherwise'
table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON record per line'
tsv\t'Tab-separated values'
csv\t'Comma-separated values'
github\t'Annotations of a GitHub workflow (verify only)'"
complete -c codex-state -n "__fish_codex_state_using_subcommand archive" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal that can show it'
always\t'Even into a pipe or a file'
never\t'Not at all'"
complete -c codex-state -n "__fish_codex_state_using_subcommand archive" -l busy-timeout -d 'How long to wait for another program\'s lock on the database' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand archive" -l metrics -d 'Write the counts of this run to FILE, for Prometheus\' textfile collector' -r -F
complete -c codex-state -n "__fish_codex_state_using_subcommand archive" -s n -l dry-run -d 'Move and write nothing, and print the planned changes'
complete -c codex-state -n "__fish_codex_state_using_subcommand archive" -s r -l recursive -d 'Also move the threads that these spawned, and those that they spawned in turn'
complete -c codex-state -n "__fish_codex_state_using_subcommand archive" -l no-backup -d 'Keep no backup of the database'
complete -c codex-state -n "__fish_codex_state_using_subcommand archive" -l no-header -d 'Leave out the header line of TSV and CSV'
complete -c codex-state -n "__fish_codex_state_using_subcommand archive" -l no-progress -d 'Show no progress bar'
complete -c codex-state -n "__fish_codex_state_using_subcommand archive" -s q -l quiet -d 'Print nothing but errors on standard error'
complete -c codex-state -n "__fish_codex_state_using_subcommand archive" -s v -l verbose -d 'Print more on standard error: which files, and why'
complete -c codex-state -n "__fish_codex_state_using_subcommand archive" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c codex-state -n "__fish_codex_state_using_subcommand archive" -s V -l version -d 'Print version'
complete -c codex-state -n "__fish_codex_state_using_subcommand unarchive" -l ids-to -d 'Write the ids of the threads that were moved to FILE, one a line; to undo the run, give them to the other command with - < FILE' -r -F
complete -c codex-state -n "__fish_codex_state_using_subcommand unarchive" -l codex-home -d 'The Codex home [default: $CODEX_HOME, else ~/.codex]' -r -f -a "(__fish_complete_directories)"
complete -c codex-state -n "__fish_codex_state_using_subcommand unarchive" -l db -d 'Use exactly this database, which must exist' -r -F
complete -c codex-state -n "__fish_codex_state_using_subcommand unarchive" -l sqlite-home -d 'The folder of the database' -r -f -a "(__fish_complete_directories)"
complete -c codex-state -n "__fish_codex_state_using_subcommand unarchive" -l default-provider -d 'The provider of threads whose rollout names none' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand unarchive" -l format -d 'How to write the output' -r -f -a "auto\t'A table on a terminal, TSV for lists in a pipe, plain text otherwise'
table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON record per line'
tsv\t'Tab-separated values'
csv\t'Comma-separated values'
github\t'Annotations of a GitHub workflow (verify only)'"
complete -c codex-state -n "__fish_codex_state_using_subcommand unarchive" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal that can show it'
always\t'Even into a pipe or a file'
never\t'Not at all'"
complete -c codex-state -n "__fish_codex_state_using_subcommand unarchive" -l busy-timeout -d 'How long to wait for another program\'s lock on the database' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand unarchive" -l metrics -d 'Write the counts of this run to FILE, for Prometheus\' textfile collector' -r -F
complete -c codex-state -n "__fish_codex_state_using_subcommand unarchive" -s n -l dry-run -d 'Move and write nothing, and print the planned changes'
complete -c codex-state -n "__fish_codex_state_using_subcommand unarchive" -s r -l recursive -d 'Also move the threads that these spawned, and those that they spawned in turn'
complete -c codex-state -n "__fish_codex_state_using_subcommand unarchive" -l no-backup -d 'Keep no backup of the database'
complete -c codex-state -n "__fish_codex_state_using_subcommand unarchive" -l no-header -d 'Leave out the header line of TSV and CSV'
complete -c codex-state -n "__fish_codex_state_using_subcommand unarchive" -l no-progress -d 'Show no progress bar'
complete -c codex-state -n "__fish_codex_state_using_subcommand unarchive" -s q -l quiet -d 'Print nothing but errors on standard error'
complete -c codex-state -n "__fish_codex_state_using_subcommand unarchive" -s v -l verbose -d 'Print more on standard error: which files, and why'
complete -c codex-state -n "__fish_codex_state_using_subcommand unarchive" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c codex-state -n "__fish_codex_state_using_subcommand unarchive" -s V -l version -d 'Print version'
complete -c codex-state -n "__fish_codex_state_using_subcommand relink" -l codex-home -d 'The Codex home [default: $CODEX_HOME, else ~/.codex]' -r -f -a "(__fish_complete_directories)"
complete -c codex-state -n "__fish_codex_state_using_subcommand relink" -l db -d 'Use exactly this database, which must exist' -r -F
complete -c codex-state -n "__fish_codex_state_using_subcommand relink" -l sqlite-home -d 'The folder of the database' -r -f -a "(__fish_complete_directories)"
complete -c codex-state -n "__fish_codex_state_using_subcommand relink" -l default-provider -d 'The provider of threads whose rollout names none' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand relink" -l format -d 'How to write the output' -r -f -a "auto\t'A table on a terminal, TSV for lists in a pipe, plain text otherwise'
table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON record per line'
tsv\t'Tab-separated values'
csv\t'Comma-separated values'
github\t'Annotations of a GitHub workflow (verify only)'"
complete -c codex-state -n "__fish_codex_state_using_subcommand relink" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal that can show it'
always\t'Even into a pipe or a file'
never\t'Not at all'"
complete -c codex-state -n "__fish_codex_state_using_subcommand relink" -l busy-timeout -d 'How long to wait for another program\'s lock on the database' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand relink" -l metrics -d 'Write the counts of this run to FILE, for Prometheus\' textfile collector' -r -F
complete -c codex-state -n "__fish_codex_state_using_subcommand relink" -l missing-ok -d 'Accept a NEW that does not exist, as on another machine or a drive that is not mounted'
complete -c codex-state -n "__fish_codex_state_using_subcommand relink" -s n -l dry-run -d 'Write nothing, and print the planned changes'
complete -c codex-state -n "__fish_codex_state_using_subcommand relink" -l no-backup -d 'Keep no backup of the database before the first change'
complete -c codex-state -n "__fish_codex_state_using_subcommand relink" -l no-header -d 'Leave out the header line of TSV and CSV'
complete -c codex-state -n "__fish_codex_state_using_subcommand relink" -l no-progress -d 'Show no progress bar'
complete -c codex-state -n "__fish_codex_state_using_subcommand relink" -s q -l quiet -d 'Print nothing but errors on standard error'
complete -c codex-state -n "__fish_codex_state_using_subcommand relink" -s v -l verbose -d 'Print more on standard error: which files, and why'
complete -c codex-state -n "__fish_codex_state_using_subcommand relink" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c codex-state -n "__fish_codex_state_using_subcommand relink" -s V -l version -d 'Print version'
complete -c codex-state -n "__fish_codex_state_using_subcommand prune" -s j -l jobs -d 'How many rollouts to read at once [default: one for each processor]' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand prune" -l codex-home -d 'The Codex home [default: $CODEX_HOME, else ~/.codex]' -r -f -a "(__fish_complete_directories)"
complete -c codex-state -n "__fish_codex_state_using_subcommand prune" -l db -d 'Use exactly this database, which must exist' -r -F
complete -c codex-state -n "__fish_codex_state_using_subcommand prune" -l sqlite-home -d 'The folder of the database' -r -f -a "(__fish_complete_directories)"
complete -c codex-state -n "__fish_codex_state_using_subcommand prune" -l default-provider -d 'The provider of threads whose rollout names none' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand prune" -l format -d 'How to write the output' -r -f -a "auto\t'A table on a terminal, TSV for lists in a pipe, plain text otherwise'
table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON record per line'
tsv\t'Tab-separated values'
csv\t'Comma-separated values'
github\t'Annotations of a GitHub workflow (verify only)'"
complete -c codex-state -n "__fish_codex_state_using_subcommand prune" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal that can show it'
always\t'Even into a pipe or a file'
never\t'Not at all'"
complete -c codex-state -n "__fish_codex_state_using_subcommand prune" -l busy-timeout -d 'How long to wait for another program\'s lock on the database' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand prune" -l metrics -d 'Write the counts of this run to FILE, for Prometheus\' textfile collector' -r -F
complete -c codex-state -n "__fish_codex_state_using_subcommand prune" -s n -l dry-run -d 'Delete nothing, and print the planned changes'
complete -c codex-state -n "__fish_codex_state_using_subcommand prune" -s y -l yes -d 'Do not ask before deleting'
complete -c codex-state -n "__fish_codex_state_using_subcommand prune" -l all-missing -d 'Delete rows even if most of all rows would go'
complete -c codex-state -n "__fish_codex_state_using_subcommand prune" -l no-backup -d 'Keep no backup of the database (the deleted rows are saved in any case)'
complete -c codex-state -n "__fish_codex_state_using_subcommand prune" -l no-header -d 'Leave out the header line of TSV and CSV'
complete -c codex-state -n "__fish_codex_state_using_subcommand prune" -l no-progress -d 'Show no progress bar'
complete -c codex-state -n "__fish_codex_state_using_subcommand prune" -s q -l quiet -d 'Print nothing but errors on standard error'
complete -c codex-state -n "__fish_codex_state_using_subcommand prune" -s v -l verbose -d 'Print more on standard error: which files, and why'
complete -c codex-state -n "__fish_codex_state_using_subcommand prune" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c codex-state -n "__fish_codex_state_using_subcommand prune" -s V -l version -d 'Print version'
complete -c codex-state -n "__fish_codex_state_using_subcommand backup" -l codex-home -d 'The Codex home [default: $CODEX_HOME, else ~/.codex]' -r -f -a "(__fish_complete_directories)"
complete -c codex-state -n "__fish_codex_state_using_subcommand backup" -l db -d 'Use exactly this database, which must exist' -r -F
complete -c codex-state -n "__fish_codex_state_using_subcommand backup" -l sqlite-home -d 'The folder of the database' -r -f -a "(__fish_complete_directories)"
complete -c codex-state -n "__fish_codex_state_using_subcommand backup" -l default-provider -d 'The provider of threads whose rollout names none' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand backup" -l format -d 'How to write the output' -r -f -a "auto\t'A table on a terminal, TSV for lists in a pipe, plain text otherwise'
table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON record per line'
tsv\t'Tab-separated values'
csv\t'Comma-separated values'
github\t'Annotations of a GitHub workflow (verify only)'"
complete -c codex-state -n "__fish_codex_state_using_subcommand backup" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal that can show it'
always\t'Even into a pipe or a file'
never\t'Not at all'"
complete -c codex-state -n "__fish_codex_state_using_subcommand backup" -l busy-timeout -d 'How long to wait for another program\'s lock on the database' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand backup" -l metrics -d 'Write the counts of this run to FILE, for Prometheus\' textfile collector' -r -F
complete -c codex-state -n "__fish_codex_state_using_subcommand backup" -s n -l dry-run -d 'Write nothing, and print the planned changes'
complete -c codex-state -n "__fish_codex_state_using_subcommand backup" -l no-header -d 'Leave out the header line of TSV and CSV'
complete -c codex-state -n "__fish_codex_state_using_subcommand backup" -l no-progress -d 'Show no progress bar'
complete -c codex-state -n "__fish_codex_state_using_subcommand backup" -s q -l quiet -d 'Print nothing but errors on standard error'
complete -c codex-state -n "__fish_codex_state_using_subcommand backup" -s v -l verbose -d 'Print more on standard error: which files, and why'
complete -c codex-state -n "__fish_codex_state_using_subcommand backup" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c codex-state -n "__fish_codex_state_using_subcommand backup" -s V -l version -d 'Print version'
complete -c codex-state -n "__fish_codex_state_using_subcommand restore" -l codex-home -d 'The Codex home [default: $CODEX_HOME, else ~/.codex]' -r -f -a "(__fish_complete_directories)"
complete -c codex-state -n "__fish_codex_state_using_subcommand restore" -l db -d 'Use exactly this database, which must exist' -r -F
complete -c codex-state -n "__fish_codex_state_using_subcommand restore" -l sqlite-home -d 'The folder of the database' -r -f -a "(__fish_complete_directories)"
complete -c codex-state -n "__fish_codex_state_using_subcommand restore" -l default-provider -d 'The provider of threads whose rollout names none' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand restore" -l format -d 'How to write the output' -r -f -a "auto\t'A table on a terminal, TSV for lists in a pipe, plain text otherwise'
table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON record per line'
tsv\t'Tab-separated values'
csv\t'Comma-separated values'
github\t'Annotations of a GitHub workflow (verify only)'"
complete -c codex-state -n "__fish_codex_state_using_subcommand restore" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal that can show it'
always\t'Even into a pipe or a file'
never\t'Not at all'"
complete -c codex-state -n "__fish_codex_state_using_subcommand restore" -l busy-timeout -d 'How long to wait for another program\'s lock on the database' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand restore" -l metrics -d 'Write the counts of this run to FILE, for Prometheus\' textfile collector' -r -F
complete -c codex-state -n "__fish_codex_state_using_subcommand restore" -s n -l dry-run -d 'Write nothing, and print the planned changes'
complete -c codex-state -n "__fish_codex_state_using_subcommand restore" -l no-backup -d 'Keep no backup of the database before the first change'
complete -c codex-state -n "__fish_codex_state_using_subcommand restore" -l no-header -d 'Leave out the header line of TSV and CSV'
complete -c codex-state -n "__fish_codex_state_using_subcommand restore" -l no-progress -d 'Show no progress bar'
complete -c codex-state -n "__fish_codex_state_using_subcommand restore" -s q -l quiet -d 'Print nothing but errors on standard error'
complete -c codex-state -n "__fish_codex_state_using_subcommand restore" -s v -l verbose -d 'Print more on standard error: which files, and why'
complete -c codex-state -n "__fish_codex_state_using_subcommand restore" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c codex-state -n "__fish_codex_state_using_subcommand restore" -s V -l version -d 'Print version'
complete -c codex-state -n "__fish_codex_state_using_subcommand rebuild" -l undo -d 'Put a database that rebuild replaced back in its place, even if it is damaged' -r -F
complete -c codex-state -n "__fish_codex_state_using_subcommand rebuild" -s j -l jobs -d 'How many rollouts to read at once [default: one for each processor]' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand rebuild" -l codex-home -d 'The Codex home [default: $CODEX_HOME, else ~/.codex]' -r -f -a "(__fish_complete_directories)"
complete -c codex-state -n "__fish_codex_state_using_subcommand rebuild" -l db -d 'Use exactly this database, which must exist' -r -F
complete -c codex-state -n "__fish_codex_state_using_subcommand rebuild" -l sqlite-home -d 'The folder of the database' -r -f -a "(__fish_complete_directories)"
complete -c codex-state -n "__fish_codex_state_using_subcommand rebuild" -l default-provider -d 'The provider of threads whose rollout names none' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand rebuild" -l format -d 'How to write the output' -r -f -a "auto\t'A table on a terminal, TSV for lists in a pipe, plain text otherwise'
table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON record per line'
tsv\t'Tab-separated values'
csv\t'Comma-separated values'
github\t'Annotations of a GitHub workflow (verify only)'"
complete -c codex-state -n "__fish_codex_state_using_subcommand rebuild" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal that can show it'
always\t'Even into a pipe or a file'
never\t'Not at all'"
complete -c codex-state -n "__fish_codex_state_using_subcommand rebuild" -l busy-timeout -d 'How long to wait for another program\'s lock on the database' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand rebuild" -l metrics -d 'Write the counts of this run to FILE, for Prometheus\' textfile collector' -r -F
complete -c codex-state -n "__fish_codex_state_using_subcommand rebuild" -s n -l dry-run -d 'Write nothing, and print the planned changes'
complete -c codex-state -n "__fish_codex_state_using_subcommand rebuild" -l force -d 'Replace even a sound database, drop tables and columns that do not fit, and skip threads that cannot be read'
complete -c codex-state -n "__fish_codex_state_using_subcommand rebuild" -l no-header -d 'Leave out the header line of TSV and CSV'
complete -c codex-state -n "__fish_codex_state_using_subcommand rebuild" -l no-progress -d 'Show no progress bar'
complete -c codex-state -n "__fish_codex_state_using_subcommand rebuild" -s q -l quiet -d 'Print nothing but errors on standard error'
complete -c codex-state -n "__fish_codex_state_using_subcommand rebuild" -s v -l verbose -d 'Print more on standard error: which files, and why'
complete -c codex-state -n "__fish_codex_state_using_subcommand rebuild" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c codex-state -n "__fish_codex_state_using_subcommand rebuild" -s V -l version -d 'Print version'
complete -c codex-state -n "__fish_codex_state_using_subcommand completions" -l codex-home -d 'The Codex home [default: $CODEX_HOME, else ~/.codex]' -r -f -a "(__fish_complete_directories)"
complete -c codex-state -n "__fish_codex_state_using_subcommand completions" -l db -d 'Use exactly this database, which must exist' -r -F
complete -c codex-state -n "__fish_codex_state_using_subcommand completions" -l sqlite-home -d 'The folder of the database' -r -f -a "(__fish_complete_directories)"
complete -c codex-state -n "__fish_codex_state_using_subcommand completions" -l default-provider -d 'The provider of threads whose rollout names none' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand completions" -l format -d 'How to write the output' -r -f -a "auto\t'A table on a terminal, TSV for lists in a pipe, plain text otherwise'
table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON record per line'
tsv\t'Tab-separated values'
csv\t'Comma-separated values'
github\t'Annotations of a GitHub workflow (verify only)'"
complete -c codex-state -n "__fish_codex_state_using_subcommand completions" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal that can show it'
always\t'Even into a pipe or a file'
never\t'Not at all'"
complete -c codex-state -n "__fish_codex_state_using_subcommand completions" -l busy-timeout -d 'How long to wait for another program\'s lock on the database' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand completions" -l metrics -d 'Write the counts of this run to FILE, for Prometheus\' textfile collector' -r -F
complete -c codex-state -n "__fish_codex_state_using_subcommand completions" -l install -d 'Install the script for this user'
complete -c codex-state -n "__fish_codex_state_using_subcommand completions" -s n -l dry-run -d 'Install nothing, and print the planned changes'
complete -c codex-state -n "__fish_codex_state_using_subcommand completions" -l no-header -d 'Leave out the header line of TSV and CSV'
complete -c codex-state -n "__fish_codex_state_using_subcommand completions" -l no-progress -d 'Show no progress bar'
complete -c codex-state -n "__fish_codex_state_using_subcommand completions" -s q -l quiet -d 'Print nothing but errors on standard error'
complete -c codex-state -n "__fish_codex_state_using_subcommand completions" -s v -l verbose -d 'Print more on standard error: which files, and why'
complete -c codex-state -n "__fish_codex_state_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c codex-state -n "__fish_codex_state_using_subcommand completions" -s V -l version -d 'Print version'
complete -c codex-state -n "__fish_codex_state_using_subcommand man" -l codex-home -d 'The Codex home [default: $CODEX_HOME, else ~/.codex]' -r -f -a "(__fish_complete_directories)"
complete -c codex-state -n "__fish_codex_state_using_subcommand man" -l db -d 'Use exactly this database, which must exist' -r -F
complete -c codex-state -n "__fish_codex_state_using_subcommand man" -l sqlite-home -d 'The folder of the database' -r -f -a "(__fish_complete_directories)"
complete -c codex-state -n "__fish_codex_state_using_subcommand man" -l default-provider -d 'The provider of threads whose rollout names none' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand man" -l format -d 'How to write the output' -r -f -a "auto\t'A table on a terminal, TSV for lists in a pipe, plain text otherwise'
table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON record per line'
tsv\t'Tab-separated values'
csv\t'Comma-separated values'
github\t'Annotations of a GitHub workflow (verify only)'"
complete -c codex-state -n "__fish_codex_state_using_subcommand man" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal that can show it'
always\t'Even into a pipe or a file'
never\t'Not at all'"
complete -c codex-state -n "__fish_codex_state_using_subcommand man" -l busy-timeout -d 'How long to wait for another program\'s lock on the database' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand man" -l metrics -d 'Write the counts of this run to FILE, for Prometheus\' textfile collector' -r -F
complete -c codex-state -n "__fish_codex_state_using_subcommand man" -l no-header -d 'Leave out the header line of TSV and CSV'
complete -c codex-state -n "__fish_codex_state_using_subcommand man" -l no-progress -d 'Show no progress bar'
complete -c codex-state -n "__fish_codex_state_using_subcommand man" -s q -l quiet -d 'Print nothing but errors on standard error'
complete -c codex-state -n "__fish_codex_state_using_subcommand man" -s v -l verbose -d 'Print more on standard error: which files, and why'
complete -c codex-state -n "__fish_codex_state_using_subcommand man" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c codex-state -n "__fish_codex_state_using_subcommand man" -s V -l version -d 'Print version'
complete -c codex-state -n "__fish_codex_state_using_subcommand help; and not __fish_seen_subcommand_from status verify backfill list show path archive unarchive relink prune backup restore rebuild completions man" -f -a "status" -d 'Show where the conversations are, and the one thing to do next'
complete -c codex-state -n "__fish_codex_state_using_subcommand help; and not __fish_seen_subcommand_from status verify backfill list show path archive unarchive relink prune backup restore rebuild completions man" -f -a "verify" -d 'Name every difference between the database and the rollouts'
complete -c codex-state -n "__fish_codex_state_using_subcommand help; and not __fish_seen_subcommand_from status verify backfill list show path archive unarchive relink prune backup restore rebuild completions man" -f -a "backfill" -d 'Repair the index from the rollouts (conversation files)'
complete -c codex-state -n "__fish_codex_state_using_subcommand help; and not __fish_seen_subcommand_from status verify backfill list show path archive unarchive relink prune backup restore rebuild completions man" -f -a "list" -d 'List threads, the latest first'
complete -c codex-state -n "__fish_codex_state_using_subcommand help; and not __fish_seen_subcommand_from status verify backfill list show path archive unarchive relink prune backup restore rebuild completions man" -f -a "show" -d 'Show everything that the database knows of threads'
complete -c codex-state -n "__fish_codex_state_using_subcommand help; and not __fish_seen_subcommand_from status verify backfill list show path archive unarchive relink prune backup restore rebuild completions man" -f -a "path" -d 'Print the paths of threads\' rollouts'
complete -c codex-state -n "__fish_codex_state_using_subcommand help; and not __fish_seen_subcommand_from status verify backfill list show path archive unarchive relink prune backup restore rebuild completions man" -f -a "archive" -d 'Move threads to the archive'
complete -c codex-state -n "__fish_codex_state_using_subcommand help; and not __fish_seen_subcommand_from status verify backfill list show path archive unarchive relink prune backup restore rebuild completions man" -f -a "unarchive" -d 'Move threads back from the archive'
complete -c codex-state -n "__fish_codex_state_using_subcommand help; and not __fish_seen_subcommand_from status verify backfill list show path archive unarchive relink prune backup restore rebuild completions man" -f -a "relink" -d 'Tell the database that a project moved'
complete -c codex-state -n "__fish_codex_state_using_subcommand help; and not __fish_seen_subcommand_from status verify backfill list show path archive unarchive relink prune backup restore rebuild completions man" -f -a "prune" -d 'Delete the rows of threads whose rollout is gone'
complete -c codex-state -n "__fish_codex_state_using_subcommand help; and not __fish_seen_subcommand_from status verify backfill list show path archive unarchive relink prune backup restore rebuild completions man" -f -a "backup" -d 'Copy the database to a file'
complete -c codex-state -n "__fish_codex_state_using_subcommand help; and not __fish_seen_subcommand_from status verify backfill list show path archive unarchive relink prune backup restore rebuild completions man" -f -a "restore" -d 'Bring the database back from a backup'
complete -c codex-state -n "__fish_codex_state_using_subcommand help; and not __fish_seen_subcommand_from status verify backfill list show path archive unarchive relink prune backup restore rebuild completions man" -f -a "rebuild" -d 'Make a new database in place of one that is damaged, refused by Codex or lost'
complete -c codex-state -n "__fish_codex_state_using_subcommand help; and not __fish_seen_subcommand_from status verify backfill list show path archive unarchive relink prune backup restore rebuild completions man" -f -a "completions" -d 'Print or install the completion script for a shell'
complete -c codex-state -n "__fish_codex_state_using_subcommand help; and not __fish_seen_subcommand_from status verify backfill list show path archive unarchive relink prune backup restore rebuild completions man" -f -a "man" -d 'Print the man page, or write all man pages to a folder'
complete -c codex-state -n "__fish_codex_state_using_subcommand help; and not __fish_seen_subcommand_from status verify backfill list show path archive unarchive relink prune backup restore rebuild completions man" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c codex-state -n "__fish_codex_state_using_subcommand completions" -f -a "bash elvish fish powershell zsh"

# Offers the ids of threads with their titles, the latest first; files where a path is typed.
function __fish_codex_state_threads
    set -l words (commandline -opc)
    set -l program (string replace -r '^~/' $HOME/ -- $words[1])
    env CODEX_STATE_COMPLETE=fish $program -- $words (commandline -ct) 2>/dev/null | string match -r '^.{8}-.{4}-.*'
end

function __fish_codex_state_wants_thread
    __fish_codex_state_using_subcommand verify backfill show path archive unarchive prune
    and not string match -q -- '*/*' (commandline -ct)
end

complete -c codex-state -n __fish_codex_state_wants_thread -f -k -a "(__fish_codex_state_threads)"
