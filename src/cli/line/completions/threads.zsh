
# Offers the ids of threads with their titles, the latest first; files where a path is typed.
_codex-state_threads() {
    local -a threads
    local id title
    if [[ $PREFIX != */* ]]; then
        while IFS=$'\t' read -r id title; do
            [[ $id == ????????-????-* ]] && threads+=("$id${title:+:$title}")
        done < <(CODEX_STATE_COMPLETE=fish "${codex_state_words[1]}" -- "${(@)codex_state_words}" "$PREFIX" 2> /dev/null)
    fi
    if (( $#threads )); then
        _describe -V -t threads thread threads
    else
        _files
    fi
}
