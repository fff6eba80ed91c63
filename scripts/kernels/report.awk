# Evaluates the output of a machine of scripts/test-kernels between `=== begin NAME` and `=== end NAME STATUS
# SECONDS`.
#
#   awk -v number=N -f report.awk RESULTS     the line of the N-th program that ended
#   awk -v out=DIRECTORY -f report.awk RESULTS
#       table, a line per program (name, passed, failed, skipped, seconds, separated by tabs); failed, the output
#       of programs with failures; skipped (program, test, reason, separated by tabs). Status 1: a test failed.
#       those with failures said; skipped (program, test, reason, with tabs between). Status 1: a test failed.

function result() {
    return sprintf("%-20s %3d passed %2d failed %2d skipped %7.1f s%s", name, ok - skips, bad, skips, seconds,
        bad ? "  FAILED" : "")
}

function report() {
    if (planned == "" && status == 77) {
        ok = skips = 1
        if (out) print name "\t(the whole program)\t" reason >(out "/skipped")
    } else if (name !~ /^[0-9]/) {
        # An example or a script reports only success or failure.
        ok = status == 0
        bad = status != 0
    } else if (planned == "" || planned != ok + bad) {
        said = said "    # planned " (planned == "" ? "nothing" : planned) ", ran " ok + bad "\n"
        bad++
    } else if (status != 0 && status != 77 && !bad)
        bad = 1
    if (++ended == number) print result()
    if (out) {
        print name "\t" ok - skips "\t" bad "\t" skips "\t" seconds >(out "/table")
        if (bad) printf "%s (status %s)\n%s\n", name, status, said >(out "/failed")
    }
    any_bad += bad
}

BEGIN {
    if (out) {
        printf "" >(out "/table")
        printf "" >(out "/failed")
        printf "" >(out "/skipped")
    }
}
{ sub(/\r$/, "") }
/^=== begin / { name = $3; ok = bad = skips = 0; planned = said = reason = ""; next }
/^=== end / { status = $4; seconds = $5; report(); name = ""; next }
/^=== done / { came_to_its_end = 1 }
/^=== / || name == "" { next }
{ said = said "    " $0 "\n" }
/^# / { reason = reason (reason ? "; " : "") substr($0, 3) }
/^(not )?ok / {
    if (/^not /) bad++
    else ok++
    if (sub(/ # SKIP$/, "") && sub(/^ok [0-9]+ - /, "")) {
        skips++
        if (out) print name "\t" $0 "\t" reason >(out "/skipped")
    }
    reason = ""
}
/^1\.\.[0-9]+$/ { planned = substr($0, 4) }
END {
    if (number) exit
    if (!came_to_its_end) {
        printf "%s (the machine came to no end; see console)\n%s\n", name ? name : "boot", said >(out "/failed")
        print (name ? name : "boot") "\t0\t1\t0\t0" >(out "/table")
        any_bad++
    }
    exit any_bad > 0
}
