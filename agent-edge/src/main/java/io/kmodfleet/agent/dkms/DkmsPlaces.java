package io.kmodfleet.agent.dkms;

/**
 * Where dkms (2.2 to 3.4) keeps what it knows of one module for one kernel, as the host names it. Entering it there ourselves, each
 * place replaced as a whole, is safe at any moment; {@code dkms install --force} removes the old module before it copies the new one.
 *
 * @param module {@code PACKAGE_NAME}
 * @param version {@code PACKAGE_VERSION}
 */
public record DkmsPlaces(String module, String version, String release, String arch) {

    static final String TREE = "/var/lib/dkms";

    /** The source, for builds by hand. */
    public String source() {
        return "/usr/src/" + module + "-" + version;
    }

    /** By it dkms knows the version ("added"). */
    public String sourceLink() {
        return TREE + "/" + module + "/" + version + "/source";
    }

    /** By it dkms knows the build ("built"). */
    public String entry() {
        return TREE + "/" + module + "/" + version + "/" + release + "/" + arch;
    }

    /** By it dkms knows which build the kernel uses ("installed"). */
    public String installedLink() {
        return TREE + "/" + module + "/kernel-" + release + "-" + arch;
    }

    /** What that link leads to, from where it lies. */
    public String installedTarget() {
        return version + "/" + release + "/" + arch;
    }
}
