# A list of classes in an order of its own: the one in which threads happened to load them differs from run to run. Each class comes
# after what it extends and implements; the numbers by which such lists name those are given anew.
/^[#@]/ || / id: / == 0 { next }
{
    name = $1; source = ""; super = ""; interfaces = ""; id = ""
    for (i = 2; i <= NF; i++) {
        if ($i == "id:") id = $(++i)
        else if ($i == "super:") super = $(++i)
        else if ($i == "interfaces:") { while (i < NF && $(i + 1) ~ /^[0-9]+$/) interfaces = interfaces " " $(++i) }
        else if ($i == "source:") source = $(++i)
    }
    # The JDK iterates over its weak maps only where the machine is busy (seen): equal sources would give other bytes there.
    if (name ~ /Lambda|\$\$|^java\/util\/WeakHashMap\$/) next
    key = name " " source
    key_of[id] = key; super_of[key] = super; interfaces_of[key] = interfaces; source_of[key] = source; name_of[key] = name
    print key | "LC_ALL=C sort >" sorted
}
function emit(key,    parts, n, i, line) {
    if (key == "" || key in done) return
    done[key] = -1
    emit(key_of[super_of[key]])
    n = split(interfaces_of[key], parts, " ")
    for (i = 1; i <= n; i++) emit(key_of[parts[i]])
    done[key] = next_id++
    line = name_of[key] " id: " done[key]
    if (source_of[key] != "") {
        line = line " super: " done[key_of[super_of[key]]]
        if (n > 0) { line = line " interfaces:"; for (i = 1; i <= n; i++) line = line " " done[key_of[parts[i]]] }
        line = line " source: " source_of[key]
    }
    print line
}
END {
    close("LC_ALL=C sort >" sorted)
    while ((getline key < sorted) > 0) emit(key)
}
