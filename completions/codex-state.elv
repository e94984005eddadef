
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
            cand completions 'Print the completion script of a shell'
            cand man 'Print the man page, or write all man pages to a folder'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'codex-state;backfill'= {
            cand -j 'How many rollouts to read at once [default: one for each processor]'
            cand --jobs 'How many rollouts to read at once [default: one for each processor]'
            cand --times 'Where updated_at comes from'
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
            cand completions 'Print the completion script of a shell'
            cand man 'Print the man page, or write all man pages to a folder'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'codex-state;help;backfill'= {
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
