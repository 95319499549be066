# bash: what `yemotd` may be followed by, as the program itself says.
_yemotd() {
    local IFS=$' \t\n' line=${COMP_LINE:0:COMP_POINT} word words number
    read -ra words <<<"$line"
    number=${#words[@]}
    [[ $line == *[[:space:]] ]] || number=$((number - 1))
    word=${line##*[[:space:]]}
    # A mailbox is one word to the program, and several to bash, which breaks words at these.
    local typed=${word%"${word##*[@:=]}"}
    IFS=$'\n'
    COMPREPLY=($(COMP_WORDS=$line COMP_CWORD=$number _YEMOTD_COMPLETE=complete_bash "$1" 2>/dev/null))
    COMPREPLY=("${COMPREPLY[@]#"$typed"}")
}
complete -o default -F _yemotd yemotd
