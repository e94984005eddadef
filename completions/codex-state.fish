# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_codex_state_global_optspecs
    string join \n codex-home= db= sqlite-home= default-provider= format= no-header color= no-progress q/quiet v/verbose busy-timeout= metrics= h/help V/version
end

function __fish_codex_state_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_codex_state_global_optspecs) -- $cmd 2>/dev/null
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
complete -c codex-state -n "__fish_codex_state_needs_command" -l sqlite-home -d 'The folder of the database [default: sqlite_home of config.toml, else $CODEX_SQLITE_HOME, else the Codex home]' -r -f -a "(__fish_complete_directories)"
complete -c codex-state -n "__fish_codex_state_needs_command" -l default-provider -d 'Provider of threads that name none [default: model_provider of config.toml, else openai]' -r
complete -c codex-state -n "__fish_codex_state_needs_command" -l format -d 'How to write the output: auto is a table on a terminal, TSV for lists in a pipe, plain text otherwise' -r -f -a "auto\t'A table on a terminal, TSV for lists in a pipe, plain text otherwise'
table\t'For people'
json\t'One JSON document'
jsonl\t'A JSON record a line'
tsv\t'Tab-separated values'
csv\t'Comma-separated values'
github\t'Workflow annotations (verify only)'"
complete -c codex-state -n "__fish_codex_state_needs_command" -l color -d 'When to use colour; NO_COLOR and CLICOLOR_FORCE are respected' -r -f -a "auto\t'On a terminal that can show it'
always\t'Even into a pipe or a file'
never\t'Not at all'"
complete -c codex-state -n "__fish_codex_state_needs_command" -l busy-timeout -d 'How long to wait for another program\'s lock on the database' -r
complete -c codex-state -n "__fish_codex_state_needs_command" -l metrics -d 'Write what this run counted to FILE, for Prometheus\' textfile collector' -r -F
complete -c codex-state -n "__fish_codex_state_needs_command" -l no-header -d 'Leave the header line of TSV and CSV out'
complete -c codex-state -n "__fish_codex_state_needs_command" -l no-progress -d 'Show no progress bar'
complete -c codex-state -n "__fish_codex_state_needs_command" -s q -l quiet -d 'Say nothing on standard error but errors'
complete -c codex-state -n "__fish_codex_state_needs_command" -s v -l verbose -d 'Say more on standard error: which files, and why'
complete -c codex-state -n "__fish_codex_state_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c codex-state -n "__fish_codex_state_needs_command" -s V -l version -d 'Print version'
complete -c codex-state -n "__fish_codex_state_needs_command" -f -a "backfill" -d 'Make the rows say what the rollouts say'
complete -c codex-state -n "__fish_codex_state_needs_command" -f -a "completions" -d 'Print the completion script of a shell'
complete -c codex-state -n "__fish_codex_state_needs_command" -f -a "man" -d 'Print the man page, or write all man pages to a folder'
complete -c codex-state -n "__fish_codex_state_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c codex-state -n "__fish_codex_state_using_subcommand backfill" -s j -l jobs -d 'How many rollouts to read at once [default: one for each processor]' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand backfill" -l times -d 'Where updated_at comes from' -r -f -a "mtime\t'The file\'s modification time'
events\t'The file\'s last line, for homes that were copied without modification times'
keep\t'The row, where nothing else differs'"
complete -c codex-state -n "__fish_codex_state_using_subcommand backfill" -l codex-home -d 'The Codex home [default: $CODEX_HOME, else ~/.codex]' -r -f -a "(__fish_complete_directories)"
complete -c codex-state -n "__fish_codex_state_using_subcommand backfill" -l db -d 'Use exactly this database, which must exist' -r -F
complete -c codex-state -n "__fish_codex_state_using_subcommand backfill" -l sqlite-home -d 'The folder of the database [default: sqlite_home of config.toml, else $CODEX_SQLITE_HOME, else the Codex home]' -r -f -a "(__fish_complete_directories)"
complete -c codex-state -n "__fish_codex_state_using_subcommand backfill" -l default-provider -d 'Provider of threads that name none [default: model_provider of config.toml, else openai]' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand backfill" -l format -d 'How to write the output: auto is a table on a terminal, TSV for lists in a pipe, plain text otherwise' -r -f -a "auto\t'A table on a terminal, TSV for lists in a pipe, plain text otherwise'
table\t'For people'
json\t'One JSON document'
jsonl\t'A JSON record a line'
tsv\t'Tab-separated values'
csv\t'Comma-separated values'
github\t'Workflow annotations (verify only)'"
complete -c codex-state -n "__fish_codex_state_using_subcommand backfill" -l color -d 'When to use colour; NO_COLOR and CLICOLOR_FORCE are respected' -r -f -a "auto\t'On a terminal that can show it'
always\t'Even into a pipe or a file'
never\t'Not at all'"
complete -c codex-state -n "__fish_codex_state_using_subcommand backfill" -l busy-timeout -d 'How long to wait for another program\'s lock on the database' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand backfill" -l metrics -d 'Write what this run counted to FILE, for Prometheus\' textfile collector' -r -F
complete -c codex-state -n "__fish_codex_state_using_subcommand backfill" -s n -l dry-run -d 'Write nothing, and say what would be done'
complete -c codex-state -n "__fish_codex_state_using_subcommand backfill" -l quick -d 'Skip files whose row says that they are unchanged'
complete -c codex-state -n "__fish_codex_state_using_subcommand backfill" -l no-header -d 'Leave the header line of TSV and CSV out'
complete -c codex-state -n "__fish_codex_state_using_subcommand backfill" -l no-progress -d 'Show no progress bar'
complete -c codex-state -n "__fish_codex_state_using_subcommand backfill" -s q -l quiet -d 'Say nothing on standard error but errors'
complete -c codex-state -n "__fish_codex_state_using_subcommand backfill" -s v -l verbose -d 'Say more on standard error: which files, and why'
complete -c codex-state -n "__fish_codex_state_using_subcommand backfill" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c codex-state -n "__fish_codex_state_using_subcommand backfill" -s V -l version -d 'Print version'
complete -c codex-state -n "__fish_codex_state_using_subcommand completions" -l codex-home -d 'The Codex home [default: $CODEX_HOME, else ~/.codex]' -r -f -a "(__fish_complete_directories)"
complete -c codex-state -n "__fish_codex_state_using_subcommand completions" -l db -d 'Use exactly this database, which must exist' -r -F
complete -c codex-state -n "__fish_codex_state_using_subcommand completions" -l sqlite-home -d 'The folder of the database [default: sqlite_home of config.toml, else $CODEX_SQLITE_HOME, else the Codex home]' -r -f -a "(__fish_complete_directories)"
complete -c codex-state -n "__fish_codex_state_using_subcommand completions" -l default-provider -d 'Provider of threads that name none [default: model_provider of config.toml, else openai]' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand completions" -l format -d 'How to write the output: auto is a table on a terminal, TSV for lists in a pipe, plain text otherwise' -r -f -a "auto\t'A table on a terminal, TSV for lists in a pipe, plain text otherwise'
table\t'For people'
json\t'One JSON document'
jsonl\t'A JSON record a line'
tsv\t'Tab-separated values'
csv\t'Comma-separated values'
github\t'Workflow annotations (verify only)'"
complete -c codex-state -n "__fish_codex_state_using_subcommand completions" -l color -d 'When to use colour; NO_COLOR and CLICOLOR_FORCE are respected' -r -f -a "auto\t'On a terminal that can show it'
always\t'Even into a pipe or a file'
never\t'Not at all'"
complete -c codex-state -n "__fish_codex_state_using_subcommand completions" -l busy-timeout -d 'How long to wait for another program\'s lock on the database' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand completions" -l metrics -d 'Write what this run counted to FILE, for Prometheus\' textfile collector' -r -F
complete -c codex-state -n "__fish_codex_state_using_subcommand completions" -l no-header -d 'Leave the header line of TSV and CSV out'
complete -c codex-state -n "__fish_codex_state_using_subcommand completions" -l no-progress -d 'Show no progress bar'
complete -c codex-state -n "__fish_codex_state_using_subcommand completions" -s q -l quiet -d 'Say nothing on standard error but errors'
complete -c codex-state -n "__fish_codex_state_using_subcommand completions" -s v -l verbose -d 'Say more on standard error: which files, and why'
complete -c codex-state -n "__fish_codex_state_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c codex-state -n "__fish_codex_state_using_subcommand completions" -s V -l version -d 'Print version'
complete -c codex-state -n "__fish_codex_state_using_subcommand man" -l codex-home -d 'The Codex home [default: $CODEX_HOME, else ~/.codex]' -r -f -a "(__fish_complete_directories)"
complete -c codex-state -n "__fish_codex_state_using_subcommand man" -l db -d 'Use exactly this database, which must exist' -r -F
complete -c codex-state -n "__fish_codex_state_using_subcommand man" -l sqlite-home -d 'The folder of the database [default: sqlite_home of config.toml, else $CODEX_SQLITE_HOME, else the Codex home]' -r -f -a "(__fish_complete_directories)"
complete -c codex-state -n "__fish_codex_state_using_subcommand man" -l default-provider -d 'Provider of threads that name none [default: model_provider of config.toml, else openai]' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand man" -l format -d 'How to write the output: auto is a table on a terminal, TSV for lists in a pipe, plain text otherwise' -r -f -a "auto\t'A table on a terminal, TSV for lists in a pipe, plain text otherwise'
table\t'For people'
json\t'One JSON document'
jsonl\t'A JSON record a line'
tsv\t'Tab-separated values'
csv\t'Comma-separated values'
github\t'Workflow annotations (verify only)'"
complete -c codex-state -n "__fish_codex_state_using_subcommand man" -l color -d 'When to use colour; NO_COLOR and CLICOLOR_FORCE are respected' -r -f -a "auto\t'On a terminal that can show it'
always\t'Even into a pipe or a file'
never\t'Not at all'"
complete -c codex-state -n "__fish_codex_state_using_subcommand man" -l busy-timeout -d 'How long to wait for another program\'s lock on the database' -r
complete -c codex-state -n "__fish_codex_state_using_subcommand man" -l metrics -d 'Write what this run counted to FILE, for Prometheus\' textfile collector' -r -F
complete -c codex-state -n "__fish_codex_state_using_subcommand man" -l no-header -d 'Leave the header line of TSV and CSV out'
complete -c codex-state -n "__fish_codex_state_using_subcommand man" -l no-progress -d 'Show no progress bar'
complete -c codex-state -n "__fish_codex_state_using_subcommand man" -s q -l quiet -d 'Say nothing on standard error but errors'
complete -c codex-state -n "__fish_codex_state_using_subcommand man" -s v -l verbose -d 'Say more on standard error: which files, and why'
complete -c codex-state -n "__fish_codex_state_using_subcommand man" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c codex-state -n "__fish_codex_state_using_subcommand man" -s V -l version -d 'Print version'
complete -c codex-state -n "__fish_codex_state_using_subcommand help; and not __fish_seen_subcommand_from backfill completions man help" -f -a "backfill" -d 'Make the rows say what the rollouts say'
complete -c codex-state -n "__fish_codex_state_using_subcommand help; and not __fish_seen_subcommand_from backfill completions man help" -f -a "completions" -d 'Print the completion script of a shell'
complete -c codex-state -n "__fish_codex_state_using_subcommand help; and not __fish_seen_subcommand_from backfill completions man help" -f -a "man" -d 'Print the man page, or write all man pages to a folder'
complete -c codex-state -n "__fish_codex_state_using_subcommand help; and not __fish_seen_subcommand_from backfill completions man help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
