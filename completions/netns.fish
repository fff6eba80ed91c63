# SPDX-License-Identifier: MIT OR Apache-2.0
# Completion of netns(1) for fish.

set -g __netns_commands list add attach set delete identify pids exec sysctl holders monitor list-id help

# Whether a word before the command is an option with an argument. Some are ip's, and ignored.
function __netns_takes_word
    string match -q -r -- '^--?(n|ne.*|b|ba.*|rundir|f|fa.*|l.*|rc.*)$' $argv[1]
end

# The words of the line from the command on, or with the argument `options` those before it.
function __netns_words
    set -l words (commandline -opc)
    set -l i 2
    while set -q words[$i]; and string match -q -- '-*' $words[$i]
        __netns_takes_word $words[$i]; and set i (math $i + 1)
        set i (math $i + 1)
    end
    if test "$argv[1]" = options
        set i (math $i - 1)
        string join \n -- $words[2..$i]
    else if set -q words[$i]
        string join \n -- $words[$i..-1]
    end
end

function __netns_goes_through_all
    __netns_words options | string match -q -r -- '^--?a(l|ll)?$'
end

# The words that follow the command and its options.
function __netns_arguments
    set -l words (__netns_words)
    set -e words[1]
    while set -q words[1]; and contains -- $words[1] -exist-ok -lo-up -missing-ok -user -keep-sys -keep-etc -pin-etc
        test $words[1] = -user; and set -e words[1]
        set -e words[1]
    end
    string join \n -- $words
end

# Whether the command is one of these.
function __netns_is
    set -l words (__netns_words)
    set -q words[1]; and contains -- $words[1] $argv
end

# Whether the argument with this number is completed, of one of these commands.
function __netns_wants
    set -l arguments (__netns_arguments)
    __netns_is $argv[2..-1]; and test (count $arguments) -eq $argv[1]
end

function __netns_has_no_command
    test -z "$(__netns_words)"
end

function __netns_wants_command
    set -l words (commandline -opc)
    __netns_has_no_command; and not __netns_takes_word $words[-1]
end

function __netns_wants_name
    __netns_wants 0 p pi pid pids se set sy sys sysc sysct sysctl ho hol hold holde holder holders; and return
    __netns_goes_through_all; and return 1
    __netns_wants 0 d de del dele delet delete e ex exe exec
end

function __netns_wants_program
    __netns_is e ex exe exec; or return
    __netns_goes_through_all; or test (count (__netns_arguments)) -gt 0
end

# The names in the run directory that the line specifies.
function __netns_names
    set -l words (commandline -opc)
    set -l netns $words[1]
    set -l options (__netns_words options)
    if set -l i (contains -i -- -rundir $options; or contains -i -- --rundir $options)
        set netns $netns -rundir $options[(math $i + 1)]
    end
    $netns list 2>/dev/null | string replace -r ' \(id: \d+\)$' ''
end

# Whether a sysctl is completed, after a name.
function __netns_wants_sysctl
    __netns_is sy sys sysc sysct sysctl; and test (count (__netns_arguments)) -gt 0
end

# The names that sysctl(8) accepts here, without those of interfaces in another network namespace.
function __netns_sysctls
    find /proc/sys/net -type f 2>/dev/null | string replace /proc/sys/ '' | tr ./ /.
end

function __netns_program
    set -l arguments (__netns_arguments)
    __netns_goes_through_all; or set -e arguments[1]
    complete -C "$(string join ' ' -- (string escape -- $arguments) (commandline -ct))"
end

complete -c netns -f
complete -c netns -n __netns_wants_command -a "$__netns_commands"
complete -c netns -n __netns_has_no_command -o all -d 'Apply delete or exec to all names'
complete -c netns -n __netns_has_no_command -o batch -r -F -d 'Run the commands in a file'
complete -c netns -n __netns_has_no_command -o force -d 'Continue a batch after a failure'
complete -c netns -n __netns_has_no_command -o json -d 'Print JSON'
complete -c netns -n __netns_has_no_command -o netns -x -a '(__netns_names)' -d 'Run the command in this network namespace'
complete -c netns -n __netns_has_no_command -o pretty -d 'Indent the JSON'
complete -c netns -n __netns_has_no_command -o rundir -x -a '(__fish_complete_directories)' -d 'Use another run directory'
complete -c netns -n __netns_has_no_command -l help -d 'Print the help'
complete -c netns -n __netns_has_no_command -l version -d 'Print the version'
complete -c netns -n __netns_wants_name -a '(__netns_names)'
complete -c netns -n '__netns_wants 0 a ad add' -o exist-ok -d 'Succeed if the name exists'
complete -c netns -n '__netns_wants 0 a ad add' -o lo-up -d 'Bring the loopback interface up'
complete -c netns -n '__netns_wants 0 d de del dele delet delete' -o missing-ok -d 'Succeed if the name does not exist'
complete -c netns -n '__netns_wants 0 d de del dele delet delete' -o v -d 'List what keeps the network namespace alive'
complete -c netns -n '__netns_wants 0 l li lis list s sh sho show ls lst' -o all -d 'List all network namespaces, also without a name'
complete -c netns -n '__netns_wants 0 e ex exe exec' -o user -x -a '(__fish_complete_user_ids; __fish_complete_users)' -d 'Run the program as another user'
complete -c netns -n '__netns_wants 0 e ex exe exec' -o keep-sys -d "Keep the caller's /sys"
complete -c netns -n '__netns_wants 0 e ex exe exec' -o keep-etc -d "Keep the caller's /etc"
complete -c netns -n '__netns_wants 0 e ex exe exec' -o pin-etc -d 'Keep the files of /etc/netns/NAME in /etc'
complete -c netns -n __netns_wants_program -a '(__netns_program)'
complete -c netns -n __netns_wants_sysctl -a '(__netns_sysctls)'
complete -c netns -n '__netns_wants 1 se set' -a auto
complete -c netns -n '__netns_wants 0 i id iden ident identify' -a '(__fish_complete_pids)'
complete -c netns -n '__netns_wants 1 at att attach' -a '(__fish_complete_pids)'
complete -c netns -n '__netns_wants 1 at att attach' -a -inode -d 'The network namespace with an inode number'
complete -c netns -n '__netns_wants 0 ho hol hold holde holder holders' -a '(__fish_complete_pids)'
complete -c netns -n '__netns_wants 0 h he hel help' -a "$__netns_commands"
complete -c netns -n '__netns_is list-id' -a 'target-nsid nsid'
