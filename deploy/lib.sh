# Shared by the scripts beside it: finds Java, builds what is not built.

home=$(cd "$(dirname "$0")/.." && pwd)

# What is printed is UTF-8, also where no locale says so.
utf8="-Dfile.encoding=UTF-8 -Dsun.stdout.encoding=UTF-8 -Dstdout.encoding=UTF-8"

fail() {
    echo "[ERROR] $*" >&2
    exit 1
}

find_java() {
    if [ -n "${JAVA_HOME:-}" ] && [ -x "$JAVA_HOME/bin/java" ]; then
        java=$JAVA_HOME/bin/java
    else
        java=$(command -v java) || fail "Expected a JDK 17 or newer, but there is no 'java' on the PATH and JAVA_HOME names none. Install one, as with: apt-get install openjdk-17-jdk-headless"
    fi
    version=$("$java" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1)
    [ "${version:-0}" -ge 17 ] || fail "Expected a JDK 17 or newer, but $java is version ${version:-unknown}. Set JAVA_HOME to a newer one."
}

# Touched when a build has succeeded: Maven leaves a jar alone that would come out the same.
stamp=$home/target/built

# newer_than FILE MODULE...: whether a source of these modules is newer than that file.
newer_than() {
    file=$1
    shift
    for module in contracts "$@"; do
        [ -z "$(find "$home/$module/src/main" "$home/$module/pom.xml" "$home/pom.xml" -newer "$file" -type f | head -n 1)" ] || return 0
    done
    return 1
}

# built JAR MODULE: whether the jar is there and not older than the sources it is made of.
built() {
    [ -f "$1" ] || return 1
    ! newer_than "$1" "$2" || { [ -f "$stamp" ] && ! newer_than "$stamp" "$2"; }
}

ensure_built() {
    if built "$home/build-coordinator/target/quarkus-app/quarkus-run.jar" build-coordinator &&
        built "$home/artifact-store/target/quarkus-app/quarkus-run.jar" artifact-store &&
        built "$home/agent-edge/target/quarkus-app/quarkus-run.jar" agent-edge &&
        built "$home/deploy/cli/target/quarkus-app/quarkus-run.jar" deploy/cli &&
        built "$home/deploy/standalone/target/standalone.jar" deploy/standalone; then
        return
    fi
    "$java" --list-modules 2>/dev/null | grep -q '^jdk.compiler' || fail "Expected a JDK to build with, but $java belongs to a runtime without a compiler. Install a JDK 17 or newer."
    echo "[INFO] building what is not built yet (the first time, Maven fetches what it needs: a few minutes)"
    (cd "$home" && ./mvnw -q -B -DskipTests package) || fail "Expected the build to succeed, but it failed. See the lines above."
    mkdir -p "$home/target"
    touch "$stamp"
}

run_standalone() {
    exec "$java" $utf8 -Xmx256m -XX:+UseSerialGC "-Dkmodfleet.home=$home" -jar "$home/deploy/standalone/target/standalone.jar" "$@"
}
