
# Offers ids of threads where one is expected, with titles where several are listed; else what _codex__state offers.
_codex_state() {
    local program=${1/#\~\//$HOME/} typed=$2 before=$3
    # Bash splits "--format=json" into three words.
    if [[ $before == "=" && $COMP_CWORD -ge 2 ]]; then
        before=${COMP_WORDS[COMP_CWORD-2]}
    fi
    # Of a list such as "--columns id,title" only the last name is completed.
    local list=""
    if [[ $before == --columns && $typed == *,* ]]; then
        list=${typed%,*},
    fi
    _codex__state "$1" "${typed#"$list"}" "$before"
    if [[ -n $list ]]; then
        COMPREPLY=( "${COMPREPLY[@]/#/$list}" )
    fi
    if [[ $before == --columns ]]; then
        compopt -o nospace 2> /dev/null
    fi
    # Options are offered where one is begun, and where nothing else is known.
    if [[ $typed != -* ]]; then
        local word others=()
        for word in "${COMPREPLY[@]}"; do
            [[ $word == -* ]] || others+=( "$word" )
        done
        if [[ ${#others[@]} -gt 0 ]]; then
            COMPREPLY=( "${others[@]}" )
        fi
    fi
    if [[ $typed == -* || $typed == */* || $before == --columns ]]; then
        return 0
    fi

    local words=() last="" takes_threads=""
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        word=${word//[\"\']/}
        if [[ ${#words[@]} -gt 0 && ( $word == "=" || $last == "=" ) ]]; then
            words[${#words[@]}-1]+=$word
        else
            words+=( "${word/#\~\//$HOME/}" )
        fi
        last=$word
        case $word in
            THREAD_COMMANDS)
                takes_threads=1
                ;;
        esac
    done
    if [[ -z $takes_threads ]]; then
        return 0
    fi
    local ids=() lines=() id title
    while IFS=$'\t' read -r id title; do
        if [[ $id == ????????-????-* ]]; then
            ids+=( "$id" )
            title="$id${title:+  $title}"
            lines+=( "${title:0:${COLUMNS:-80}-1}" )
        fi
    done < <(CODEX_STATE_COMPLETE=fish "$program" -- "$1" "${words[@]}" "$typed" 2> /dev/null)
    if [[ ${#ids[@]} -eq 0 ]]; then
        return 0
    fi
    # A menu (37) and "insert all" (42) put the lines themselves into the command line.
    if [[ ${#ids[@]} -eq 1 || ${COMP_TYPE:-9} == 37 || ${COMP_TYPE:-9} == 42 ]]; then
        COMPREPLY=( "${ids[@]}" )
    else
        COMPREPLY=( "${lines[@]}" )
    fi
}
