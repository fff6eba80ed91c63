# shellcheck shell=bash disable=SC2207
# SPDX-License-Identifier: MIT OR Apache-2.0
# Completion of netns(1) for bash, by bash-completion.

# Proposes each line that begins with the current word. A name may hold anything but, here, a newline.
_netns_propose() {
    local line quoted

    while IFS= read -r line; do
        printf -v quoted %q "$line"
        [[ $line == "$cur"* || $quoted == "$cur"* ]] && COMPREPLY+=("$quoted")
    done
    __ltrim_colon_completions "$cur"
}

_netns_words() {
    _netns_propose < <(printf '%s\n' "$@")
}

# The names, in the run directory that the line says.
_netns_names() {
    _netns_propose < <("${netns[@]}" list 2>/dev/null | sed 's/ (id: [0-9]*)$//')
}

# The inode numbers of namespaces without a name.
_netns_inodes() {
    _netns_propose < <("${words[0]}" list -all 2>/dev/null | sed -n 's/^net:\[\([0-9]*\)\]$/\1/p')
}

_netns_pids() {
    _netns_propose < <(cd /proc && printf '%s\n' [0-9]*)
}

# The keys that sysctl(8) would take here; those of another namespace's interfaces are not among them.
_netns_sysctls() {
    _netns_propose < <(cd /proc/sys && find net -type f 2>/dev/null | tr ./ /.)
}

# A program and its words, from an index on. bash has more words than that: it cuts at colons.
_netns_program() { # INDEX
    local i word raw=0

    for ((i = 0; i < $1; i++)); do
        word=${COMP_WORDS[raw++]}
        while [[ $word != "${words[i]}" ]] && ((raw < COMP_CWORD)); do
            word+=${COMP_WORDS[raw++]}
        done
    done
    _command_offset "$raw"
}

# Skips the options of a command, and proposes options. Fails if nothing else is to be completed.
_netns_options() { # OPTION...
    while ((first < cword)) && [[ " $* " == *" ${words[first]} "* ]]; do
        ((first++))
        [[ ${words[first - 1]} == -user ]] || continue
        if ((first == cword)); then
            _usergroup
            return 1
        fi
        ((first++))
    done
    ((first == cword)) && [[ $cur == -* ]] || return 0
    _netns_words "$@"
    return 1
}

# Completes the arguments of a command. first is the index of the first word that is not an option.
_netns_command() { # INDEX-OF-COMMAND
    local first=$(($1 + 1))

    case ${words[$1]} in
    a | ad | add) _netns_options -exist-ok -lo-up ;;
    l | li | lis | list | s | sh | sho | show | ls | lst) _netns_options -all ;;
    d | de | del*) _netns_options -missing-ok -v && ((first == cword)) && [[ ! $all ]] && _netns_names ;;
    e | ex | exe | exec)
        _netns_options -user -keep-sys -keep-etc -pin-etc || return
        if [[ ! $all ]] && ((first == cword)); then
            _netns_names
        else
            _netns_program $((first + (${#all} == 0)))
        fi
        ;;
    p | pi | pid | pids) ((first == cword)) && _netns_names ;;
    se | set)
        ((first == cword)) && _netns_names
        ((first + 1 == cword)) && _netns_words auto
        ;;
    i | id*) ((first == cword)) && _netns_pids ;;
    at*)
        if ((first + 1 == cword)); then
            _netns_pids
            [[ $cur == -* ]] && _netns_words -inode
        elif ((first + 2 == cword)) && [[ ${words[first + 1]} == -inode ]]; then
            _netns_inodes
        fi
        ;;
    ho*)
        if ((first == cword)); then
            _netns_names
            _netns_pids
        fi
        ;;
    sy*)
        ((first == cword)) && _netns_names
        ((first < cword)) && _netns_sysctls
        ;;
    h | he*) ((first == cword)) && _netns_words "${commands[@]}" ;;
    list-*) _netns_words target-nsid nsid ;;
    esac
}

_netns() {
    local cur prev words cword i all='' netns
    local commands=(list add attach set delete identify pids exec sysctl holders monitor list-id help)

    _init_completion -n : || return
    netns=("${words[0]}")
    for ((i = 1; i < cword; i++)); do
        case ${words[i]} in
        -a | -al | -all | --all) all=1 ;;
        -rundir | --rundir) netns+=(-rundir "${words[++i]}") ;;
        -n | -ne* | --n | --ne* | -b | -ba* | --b | --ba*) ((++i)) ;;
        # Options of ip, which are ignored.
        -f | -fa* | --f | --fa* | -l* | --l* | -rc* | --rc*) ((++i)) ;;
        -*) ;;
        *)
            _netns_command "$i"
            return
            ;;
        esac
    done
    case $prev in
    -rundir | --rundir) _filedir -d ;;
    -b | -ba* | --batch) _filedir ;;
    -n | -ne* | --netns) _netns_names ;;
    -f | -fa* | --f | --fa*) _netns_words inet inet6 link mpls bridge ;;
    -l* | --l* | -rc* | --rc*) ;;
    *)
        if [[ $cur == -* ]]; then
            _netns_words -all -batch -force -json -netns -pretty -rundir --help --version
        else
            _netns_words "${commands[@]}"
        fi
        ;;
    esac
}

complete -F _netns netns
