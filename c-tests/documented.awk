# Lists the errnos documented in each function's comment in the header: the function, then its errnos and
# those of the functions that it refers to. "*" stands for the errnos of another call.
/^\/\*\*/ { comment = ""; inside = 1 }
inside { comment = comment " " $0 }
/\*\// { inside = 0; next }
!inside && !/^ *[*\/]/ && match($0, /netns_[a-z0-9_]+\(/) {
    name = substr($0, RSTART, RLENGTH - 1)
    names[++count] = name
    gsub(/ +\*? +/, " ", comment)
    text[name] = comment
    comment = ""
}

function collect(name,    rest, word) {
    if (name in visited)
        return
    visited[name]
    rest = text[name]
    if (rest ~ /another errno of ((open|write|clone|execve)\(2\)|the (kind|interface)'s driver)/)
        found["*"]
    while (match(rest, /-E[A-Z0-9]+|what (else )?netns_[a-z_]+\(\) returns/)) {
        word = substr(rest, RSTART, RLENGTH)
        rest = substr(rest, RSTART + RLENGTH)
        if (word ~ /^-/) {
            found[substr(word, 2)]
        } else {
            match(word, /netns_[a-z_]+/)
            collect(substr(word, RSTART, RLENGTH))
        }
    }
}

END {
    for (i = 1; i <= count; i++) {
        split("", found)
        split("", visited)
        collect(names[i])
        line = names[i]
        for (word in found)
            line = line " " word
        print line
    }
}
