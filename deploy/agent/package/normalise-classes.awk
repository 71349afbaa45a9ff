# A list of classes in an order of its own: the one in which threads happened to load them differs from run to run. Each class comes
# after what it extends and implements; the numbers by which such lists name those are given anew. Which of its own classes the JDK
# loads depends on how busy the machine is (seen), so those are the ones of the first file, which is the same everywhere.
NR == FNR { key = $1 " "; name_of[key] = $1; print key | "LC_ALL=C sort -u >" sorted; next }
/^[#@]/ || / id: / == 0 { next }
{
    name = $1; source = ""; super = ""; interfaces = ""; id = ""
    for (i = 2; i <= NF; i++) {
        if ($i == "id:") id = $(++i)
        else if ($i == "super:") super = $(++i)
        else if ($i == "interfaces:") { while (i < NF && $(i + 1) ~ /^[0-9]+$/) interfaces = interfaces " " $(++i) }
        else if ($i == "source:") source = $(++i)
    }
    if (name ~ /Lambda|\$\$/) next
    key = name " " source
    key_of[id] = key; super_of[key] = super; interfaces_of[key] = interfaces; source_of[key] = source; name_of[key] = name
    if (source != "" || name !~ /^(java|javax|jdk|sun|com\/sun)\//) print key | "LC_ALL=C sort -u >" sorted
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
    close("LC_ALL=C sort -u >" sorted)
    while ((getline key < sorted) > 0) emit(key)
}
