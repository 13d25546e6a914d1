# SPDX-License-Identifier: GPL-2.0-only
# fish completion for smtpfixup(8). The tool itself knows what can follow.

function __smtpfixup_complete
    set -l words (commandline -opc) (commandline -ct)
    $words[1] autocomplete $words[2..-1] 2>/dev/null
end

function __smtpfixup_takes_file
    string match -qr '^(save|restore|check|replay)$' -- (commandline -opc)[2]
end

complete -c smtpfixup -f -a '(__smtpfixup_complete)'
complete -c smtpfixup -n __smtpfixup_takes_file -F
