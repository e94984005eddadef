
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
            [CompletionResult]::new('--sqlite-home', '--sqlite-home', [CompletionResultType]::ParameterName, 'The folder of the database [default: sqlite_home of config.toml, else $CODEX_SQLITE_HOME, else the Codex home]')
            [CompletionResult]::new('--default-provider', '--default-provider', [CompletionResultType]::ParameterName, 'Provider of threads that name none [default: model_provider of config.toml, else openai]')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write the output: auto is a table on a terminal, TSV for lists in a pipe, plain text otherwise')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour; NO_COLOR and CLICOLOR_FORCE are respected')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'How long to wait for another program''s lock on the database')
            [CompletionResult]::new('--metrics', '--metrics', [CompletionResultType]::ParameterName, 'Write what this run counted to FILE, for Prometheus'' textfile collector')
            [CompletionResult]::new('--no-header', '--no-header', [CompletionResultType]::ParameterName, 'Leave the header line of TSV and CSV out')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress bar')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing on standard error but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing on standard error but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more on standard error: which files, and why')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more on standard error: which files, and why')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('backfill', 'backfill', [CompletionResultType]::ParameterValue, 'Make the rows say what the rollouts say')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print the completion script of a shell')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Print the man page, or write all man pages to a folder')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'codex-state;backfill' {
            [CompletionResult]::new('-j', '-j', [CompletionResultType]::ParameterName, 'How many rollouts to read at once [default: one for each processor]')
            [CompletionResult]::new('--jobs', '--jobs', [CompletionResultType]::ParameterName, 'How many rollouts to read at once [default: one for each processor]')
            [CompletionResult]::new('--times', '--times', [CompletionResultType]::ParameterName, 'Where updated_at comes from')
            [CompletionResult]::new('--codex-home', '--codex-home', [CompletionResultType]::ParameterName, 'The Codex home [default: $CODEX_HOME, else ~/.codex]')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use exactly this database, which must exist')
            [CompletionResult]::new('--sqlite-home', '--sqlite-home', [CompletionResultType]::ParameterName, 'The folder of the database [default: sqlite_home of config.toml, else $CODEX_SQLITE_HOME, else the Codex home]')
            [CompletionResult]::new('--default-provider', '--default-provider', [CompletionResultType]::ParameterName, 'Provider of threads that name none [default: model_provider of config.toml, else openai]')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write the output: auto is a table on a terminal, TSV for lists in a pipe, plain text otherwise')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour; NO_COLOR and CLICOLOR_FORCE are respected')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'How long to wait for another program''s lock on the database')
            [CompletionResult]::new('--metrics', '--metrics', [CompletionResultType]::ParameterName, 'Write what this run counted to FILE, for Prometheus'' textfile collector')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Write nothing, and say what would be done')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Write nothing, and say what would be done')
            [CompletionResult]::new('--quick', '--quick', [CompletionResultType]::ParameterName, 'Skip files whose row says that they are unchanged')
            [CompletionResult]::new('--no-header', '--no-header', [CompletionResultType]::ParameterName, 'Leave the header line of TSV and CSV out')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress bar')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing on standard error but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing on standard error but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more on standard error: which files, and why')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more on standard error: which files, and why')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'codex-state;completions' {
            [CompletionResult]::new('--codex-home', '--codex-home', [CompletionResultType]::ParameterName, 'The Codex home [default: $CODEX_HOME, else ~/.codex]')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use exactly this database, which must exist')
            [CompletionResult]::new('--sqlite-home', '--sqlite-home', [CompletionResultType]::ParameterName, 'The folder of the database [default: sqlite_home of config.toml, else $CODEX_SQLITE_HOME, else the Codex home]')
            [CompletionResult]::new('--default-provider', '--default-provider', [CompletionResultType]::ParameterName, 'Provider of threads that name none [default: model_provider of config.toml, else openai]')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write the output: auto is a table on a terminal, TSV for lists in a pipe, plain text otherwise')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour; NO_COLOR and CLICOLOR_FORCE are respected')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'How long to wait for another program''s lock on the database')
            [CompletionResult]::new('--metrics', '--metrics', [CompletionResultType]::ParameterName, 'Write what this run counted to FILE, for Prometheus'' textfile collector')
            [CompletionResult]::new('--no-header', '--no-header', [CompletionResultType]::ParameterName, 'Leave the header line of TSV and CSV out')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress bar')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing on standard error but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing on standard error but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more on standard error: which files, and why')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more on standard error: which files, and why')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'codex-state;man' {
            [CompletionResult]::new('--codex-home', '--codex-home', [CompletionResultType]::ParameterName, 'The Codex home [default: $CODEX_HOME, else ~/.codex]')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Use exactly this database, which must exist')
            [CompletionResult]::new('--sqlite-home', '--sqlite-home', [CompletionResultType]::ParameterName, 'The folder of the database [default: sqlite_home of config.toml, else $CODEX_SQLITE_HOME, else the Codex home]')
            [CompletionResult]::new('--default-provider', '--default-provider', [CompletionResultType]::ParameterName, 'Provider of threads that name none [default: model_provider of config.toml, else openai]')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write the output: auto is a table on a terminal, TSV for lists in a pipe, plain text otherwise')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour; NO_COLOR and CLICOLOR_FORCE are respected')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'How long to wait for another program''s lock on the database')
            [CompletionResult]::new('--metrics', '--metrics', [CompletionResultType]::ParameterName, 'Write what this run counted to FILE, for Prometheus'' textfile collector')
            [CompletionResult]::new('--no-header', '--no-header', [CompletionResultType]::ParameterName, 'Leave the header line of TSV and CSV out')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress bar')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing on standard error but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing on standard error but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more on standard error: which files, and why')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more on standard error: which files, and why')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'codex-state;help' {
            [CompletionResult]::new('backfill', 'backfill', [CompletionResultType]::ParameterValue, 'Make the rows say what the rollouts say')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print the completion script of a shell')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Print the man page, or write all man pages to a folder')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'codex-state;help;backfill' {
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
