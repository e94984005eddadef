
use str

# The program itself offers commands, options, values, ids of threads with their titles, and files.
set edit:completion:arg-completer[codex-state] = {|@words|
    tmp E:CODEX_STATE_COMPLETE = fish
    try {
        (external $words[0]) -- $@words | from-lines | each {|line|
            var parts = [(str:split &max=2 "\t" $line)]
            edit:complex-candidate $parts[0] &display=(str:join '  ' $parts)
        }
    } catch error {
        nop
    }
}
