
# Offers the ids of threads with their titles, the latest first; files where a path is typed.
function __fish_codex_state_threads
    set -l words (commandline -opc)
    set -l program (string replace -r '^~/' $HOME/ -- $words[1])
    env CODEX_STATE_COMPLETE=fish $program -- $words (commandline -ct) 2>/dev/null | string match -r '^.{8}-.{4}-.*'
end

function __fish_codex_state_wants_thread
    __fish_codex_state_using_subcommand THREAD_COMMANDS
    and not string match -q -- '*/*' (commandline -ct)
end

complete -c codex-state -n __fish_codex_state_wants_thread -f -k -a "(__fish_codex_state_threads)"
