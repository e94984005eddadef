
use builtin;
use str;

set edit:completion:arg-completer[codex-state] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'codex-state'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'codex-state'= {
            cand --codex-home 'The Codex home [default: $CODEX_HOME, else ~/.codex]'
            cand --db 'Use exactly this database, which must exist'
            cand --sqlite-home 'The folder of the database [default: sqlite_home of config.toml, else $CODEX_SQLITE_HOME, else the Codex home]'
            cand --default-provider 'Provider of threads that name none [default: model_provider of config.toml, else openai]'
            cand --format 'How to write the output: auto is a table on a terminal, TSV for lists in a pipe, plain text otherwise'
            cand --color 'When to use colour; NO_COLOR and CLICOLOR_FORCE are respected'
            cand --busy-timeout 'How long to wait for another program''s lock on the database'
            cand --metrics 'Write what this run counted to FILE, for Prometheus'' textfile collector'
            cand --no-header 'Leave the header line of TSV and CSV out'
            cand --no-progress 'Show no progress bar'
            cand -q 'Say nothing on standard error but errors'
            cand --quiet 'Say nothing on standard error but errors'
            cand -v 'Say more on standard error: which files, and why'
            cand --verbose 'Say more on standard error: which files, and why'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
            cand backfill 'Make the rows say what the rollouts say'
            cand verify 'Name every difference between the database and the rollouts'
            cand list 'List threads, the latest first'
            cand show 'Show everything that the database knows of threads'
            cand path 'Print the path of a thread''s rollout'
            cand backup 'Copy the database to a file'
            cand restore 'Bring a backup back into the database'
            cand completions 'Print the completion script of a shell'
            cand man 'Print the man page, or write all man pages to a folder'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'codex-state;backfill'= {
            cand -j 'How many rollouts to read at once [default: one for each processor]'
            cand --jobs 'How many rollouts to read at once [default: one for each processor]'
            cand --times 'Where updated_at comes from'
            cand --facts-from 'Fill what only a database knows (names, pins, sections, git edits) from another state database, even a damaged one'
            cand --codex-home 'The Codex home [default: $CODEX_HOME, else ~/.codex]'
            cand --db 'Use exactly this database, which must exist'
            cand --sqlite-home 'The folder of the database [default: sqlite_home of config.toml, else $CODEX_SQLITE_HOME, else the Codex home]'
            cand --default-provider 'Provider of threads that name none [default: model_provider of config.toml, else openai]'
            cand --format 'How to write the output: auto is a table on a terminal, TSV for lists in a pipe, plain text otherwise'
            cand --color 'When to use colour; NO_COLOR and CLICOLOR_FORCE are respected'
            cand --busy-timeout 'How long to wait for another program''s lock on the database'
            cand --metrics 'Write what this run counted to FILE, for Prometheus'' textfile collector'
            cand -n 'Write nothing, and say what would be done'
            cand --dry-run 'Write nothing, and say what would be done'
            cand --no-backup 'Keep no backup of the database before the first change'
            cand --quick 'Skip files whose row says that they are unchanged'
            cand --no-header 'Leave the header line of TSV and CSV out'
            cand --no-progress 'Show no progress bar'
            cand -q 'Say nothing on standard error but errors'
            cand --quiet 'Say nothing on standard error but errors'
            cand -v 'Say more on standard error: which files, and why'
            cand --verbose 'Say more on standard error: which files, and why'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'codex-state;verify'= {
            cand --ignore 'Leave out a kind of finding (missing_row, damaged_lines, …) or a column (updated_at, …) (repeatable)'
            cand --max-findings 'Print the first N findings only; all are counted'
            cand --junit 'Write the result to FILE for test reports: a test case for each kind of finding'
            cand -j 'How many rollouts to read at once [default: one for each processor]'
            cand --jobs 'How many rollouts to read at once [default: one for each processor]'
            cand --codex-home 'The Codex home [default: $CODEX_HOME, else ~/.codex]'
            cand --db 'Use exactly this database, which must exist'
            cand --sqlite-home 'The folder of the database [default: sqlite_home of config.toml, else $CODEX_SQLITE_HOME, else the Codex home]'
            cand --default-provider 'Provider of threads that name none [default: model_provider of config.toml, else openai]'
            cand --format 'How to write the output: auto is a table on a terminal, TSV for lists in a pipe, plain text otherwise'
            cand --color 'When to use colour; NO_COLOR and CLICOLOR_FORCE are respected'
            cand --busy-timeout 'How long to wait for another program''s lock on the database'
            cand --metrics 'Write what this run counted to FILE, for Prometheus'' textfile collector'
            cand --quick 'Presence, paths, archive flags and times alone: no rollout is opened'
            cand --deep 'Check as well that every line of every rollout is JSON, and the database file itself'
            cand --strict 'Let warnings count: exit status 1 for them too'
            cand --no-header 'Leave the header line of TSV and CSV out'
            cand --no-progress 'Show no progress bar'
            cand -q 'Say nothing on standard error but errors'
            cand --quiet 'Say nothing on standard error but errors'
            cand -v 'Say more on standard error: which files, and why'
            cand --verbose 'Say more on standard error: which files, and why'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'codex-state;list'= {
            cand --sort 'Which time to sort by; recency is by updated where the database does not know it'
            cand -n 'List at most N threads; 0 is all [default: 50 for a table on a terminal, else all]'
            cand --limit 'List at most N threads; 0 is all [default: 50 for a table on a terminal, else all]'
            cand --after 'Go on after a page: its next_cursor, which --format json gives; with the same --sort and --reverse'
            cand --source 'Of this source, as cli, vscode, exec; subagent means all sub-agents (repeatable)'
            cand --provider 'Of this model provider (repeatable)'
            cand --cwd 'Begun in this folder (repeatable)'
            cand --search 'With this text in title, name, preview or first message; case does not matter, in any script, accents do'
            cand --since 'At this time or later, by the time of --sort: RFC 3339, a date (its midnight here), or an age: 30s 10m 2h 7d 4w'
            cand --until 'Before this time, in the same forms'
            cand --columns 'Which columns of the table to print, in this order'
            cand --codex-home 'The Codex home [default: $CODEX_HOME, else ~/.codex]'
            cand --db 'Use exactly this database, which must exist'
            cand --sqlite-home 'The folder of the database [default: sqlite_home of config.toml, else $CODEX_SQLITE_HOME, else the Codex home]'
            cand --default-provider 'Provider of threads that name none [default: model_provider of config.toml, else openai]'
            cand --format 'How to write the output: auto is a table on a terminal, TSV for lists in a pipe, plain text otherwise'
            cand --color 'When to use colour; NO_COLOR and CLICOLOR_FORCE are respected'
            cand --busy-timeout 'How long to wait for another program''s lock on the database'
            cand --metrics 'Write what this run counted to FILE, for Prometheus'' textfile collector'
            cand --reverse 'The oldest first'
            cand --archived 'Archived threads only'
            cand --all 'Archived threads too'
            cand --hidden 'Also threads without a user message, which Codex hides'
            cand --recursive 'With --cwd: or in a folder below'
            cand --ids 'Print the ids alone, one a line'
            cand --no-header 'Leave the header line of TSV and CSV out'
            cand --no-progress 'Show no progress bar'
            cand -q 'Say nothing on standard error but errors'
            cand --quiet 'Say nothing on standard error but errors'
            cand -v 'Say more on standard error: which files, and why'
            cand --verbose 'Say more on standard error: which files, and why'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'codex-state;show'= {
            cand --codex-home 'The Codex home [default: $CODEX_HOME, else ~/.codex]'
            cand --db 'Use exactly this database, which must exist'
            cand --sqlite-home 'The folder of the database [default: sqlite_home of config.toml, else $CODEX_SQLITE_HOME, else the Codex home]'
            cand --default-provider 'Provider of threads that name none [default: model_provider of config.toml, else openai]'
            cand --format 'How to write the output: auto is a table on a terminal, TSV for lists in a pipe, plain text otherwise'
            cand --color 'When to use colour; NO_COLOR and CLICOLOR_FORCE are respected'
            cand --busy-timeout 'How long to wait for another program''s lock on the database'
            cand --metrics 'Write what this run counted to FILE, for Prometheus'' textfile collector'
            cand --no-header 'Leave the header line of TSV and CSV out'
            cand --no-progress 'Show no progress bar'
            cand -q 'Say nothing on standard error but errors'
            cand --quiet 'Say nothing on standard error but errors'
            cand -v 'Say more on standard error: which files, and why'
            cand --verbose 'Say more on standard error: which files, and why'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'codex-state;path'= {
            cand --codex-home 'The Codex home [default: $CODEX_HOME, else ~/.codex]'
            cand --db 'Use exactly this database, which must exist'
            cand --sqlite-home 'The folder of the database [default: sqlite_home of config.toml, else $CODEX_SQLITE_HOME, else the Codex home]'
            cand --default-provider 'Provider of threads that name none [default: model_provider of config.toml, else openai]'
            cand --format 'How to write the output: auto is a table on a terminal, TSV for lists in a pipe, plain text otherwise'
            cand --color 'When to use colour; NO_COLOR and CLICOLOR_FORCE are respected'
            cand --busy-timeout 'How long to wait for another program''s lock on the database'
            cand --metrics 'Write what this run counted to FILE, for Prometheus'' textfile collector'
            cand --archived 'Only if it is archived'
            cand --active 'Only if it is not archived'
            cand --no-header 'Leave the header line of TSV and CSV out'
            cand --no-progress 'Show no progress bar'
            cand -q 'Say nothing on standard error but errors'
            cand --quiet 'Say nothing on standard error but errors'
            cand -v 'Say more on standard error: which files, and why'
            cand --verbose 'Say more on standard error: which files, and why'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'codex-state;backup'= {
            cand --codex-home 'The Codex home [default: $CODEX_HOME, else ~/.codex]'
            cand --db 'Use exactly this database, which must exist'
            cand --sqlite-home 'The folder of the database [default: sqlite_home of config.toml, else $CODEX_SQLITE_HOME, else the Codex home]'
            cand --default-provider 'Provider of threads that name none [default: model_provider of config.toml, else openai]'
            cand --format 'How to write the output: auto is a table on a terminal, TSV for lists in a pipe, plain text otherwise'
            cand --color 'When to use colour; NO_COLOR and CLICOLOR_FORCE are respected'
            cand --busy-timeout 'How long to wait for another program''s lock on the database'
            cand --metrics 'Write what this run counted to FILE, for Prometheus'' textfile collector'
            cand -n 'Write nothing, and say what would be done'
            cand --dry-run 'Write nothing, and say what would be done'
            cand --no-header 'Leave the header line of TSV and CSV out'
            cand --no-progress 'Show no progress bar'
            cand -q 'Say nothing on standard error but errors'
            cand --quiet 'Say nothing on standard error but errors'
            cand -v 'Say more on standard error: which files, and why'
            cand --verbose 'Say more on standard error: which files, and why'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'codex-state;restore'= {
            cand --codex-home 'The Codex home [default: $CODEX_HOME, else ~/.codex]'
            cand --db 'Use exactly this database, which must exist'
            cand --sqlite-home 'The folder of the database [default: sqlite_home of config.toml, else $CODEX_SQLITE_HOME, else the Codex home]'
            cand --default-provider 'Provider of threads that name none [default: model_provider of config.toml, else openai]'
            cand --format 'How to write the output: auto is a table on a terminal, TSV for lists in a pipe, plain text otherwise'
            cand --color 'When to use colour; NO_COLOR and CLICOLOR_FORCE are respected'
            cand --busy-timeout 'How long to wait for another program''s lock on the database'
            cand --metrics 'Write what this run counted to FILE, for Prometheus'' textfile collector'
            cand -n 'Write nothing, and say what would be done'
            cand --dry-run 'Write nothing, and say what would be done'
            cand --no-backup 'Keep no backup of the database before the first change'
            cand --no-header 'Leave the header line of TSV and CSV out'
            cand --no-progress 'Show no progress bar'
            cand -q 'Say nothing on standard error but errors'
            cand --quiet 'Say nothing on standard error but errors'
            cand -v 'Say more on standard error: which files, and why'
            cand --verbose 'Say more on standard error: which files, and why'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'codex-state;completions'= {
            cand --codex-home 'The Codex home [default: $CODEX_HOME, else ~/.codex]'
            cand --db 'Use exactly this database, which must exist'
            cand --sqlite-home 'The folder of the database [default: sqlite_home of config.toml, else $CODEX_SQLITE_HOME, else the Codex home]'
            cand --default-provider 'Provider of threads that name none [default: model_provider of config.toml, else openai]'
            cand --format 'How to write the output: auto is a table on a terminal, TSV for lists in a pipe, plain text otherwise'
            cand --color 'When to use colour; NO_COLOR and CLICOLOR_FORCE are respected'
            cand --busy-timeout 'How long to wait for another program''s lock on the database'
            cand --metrics 'Write what this run counted to FILE, for Prometheus'' textfile collector'
            cand --no-header 'Leave the header line of TSV and CSV out'
            cand --no-progress 'Show no progress bar'
            cand -q 'Say nothing on standard error but errors'
            cand --quiet 'Say nothing on standard error but errors'
            cand -v 'Say more on standard error: which files, and why'
            cand --verbose 'Say more on standard error: which files, and why'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'codex-state;man'= {
            cand --codex-home 'The Codex home [default: $CODEX_HOME, else ~/.codex]'
            cand --db 'Use exactly this database, which must exist'
            cand --sqlite-home 'The folder of the database [default: sqlite_home of config.toml, else $CODEX_SQLITE_HOME, else the Codex home]'
            cand --default-provider 'Provider of threads that name none [default: model_provider of config.toml, else openai]'
            cand --format 'How to write the output: auto is a table on a terminal, TSV for lists in a pipe, plain text otherwise'
            cand --color 'When to use colour; NO_COLOR and CLICOLOR_FORCE are respected'
            cand --busy-timeout 'How long to wait for another program''s lock on the database'
            cand --metrics 'Write what this run counted to FILE, for Prometheus'' textfile collector'
            cand --no-header 'Leave the header line of TSV and CSV out'
            cand --no-progress 'Show no progress bar'
            cand -q 'Say nothing on standard error but errors'
            cand --quiet 'Say nothing on standard error but errors'
            cand -v 'Say more on standard error: which files, and why'
            cand --verbose 'Say more on standard error: which files, and why'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'codex-state;help'= {
            cand backfill 'Make the rows say what the rollouts say'
            cand verify 'Name every difference between the database and the rollouts'
            cand list 'List threads, the latest first'
            cand show 'Show everything that the database knows of threads'
            cand path 'Print the path of a thread''s rollout'
            cand backup 'Copy the database to a file'
            cand restore 'Bring a backup back into the database'
            cand completions 'Print the completion script of a shell'
            cand man 'Print the man page, or write all man pages to a folder'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'codex-state;help;backfill'= {
        }
        &'codex-state;help;verify'= {
        }
        &'codex-state;help;list'= {
        }
        &'codex-state;help;show'= {
        }
        &'codex-state;help;path'= {
        }
        &'codex-state;help;backup'= {
        }
        &'codex-state;help;restore'= {
        }
        &'codex-state;help;completions'= {
        }
        &'codex-state;help;man'= {
        }
        &'codex-state;help;help'= {
        }
    ]
    $completions[$command]
}
