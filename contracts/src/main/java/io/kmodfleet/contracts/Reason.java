package io.kmodfleet.contracts;

/** Why a decision is what it is. Wire names; one is never renamed or given another meaning. */
public enum Reason {
    /** The wanted version is installed for this very image. */
    UP_TO_DATE,
    /** Installed and right, but missing from the initramfs, or not loaded although its kernel runs. */
    NOT_ACTIVATED,
    /** Installed, but for another image of the same release, or before the image was: it may crash the host. */
    STALE_BUILD,
    /** The policy does not name this operating system. */
    OS_UNSUPPORTED,
    /** The policy supports this operating system only from a later platform release on. */
    PLATFORM_TOO_OLD,
    /** The policy does not name this architecture. */
    ARCH_UNSUPPORTED,
    /** The module's own source says that this kernel is not for it (dkms exit code 77, {@code BUILD_EXCLUSIVE_*}). */
    NOT_APPLICABLE,
    /** Somebody wants this host to be left as it is. */
    HELD,
    /** The agent on this host only looks and reports. */
    OBSERVE_ONLY,
    /** A package for this very target is there. */
    PACKAGE_EXACT,
    /** A proven package of another image, whose every imported symbol has the same CRC on this kernel. */
    PACKAGE_COMPATIBLE,
    /** Builders gave packages of this target whose modules differ; nobody gets one until somebody recalls the wrong one. */
    BUILDS_DIFFER,
    /** A package is proven, and the roll-out has not reached this host. */
    WAVE_PENDING,
    /** The roll-out was stopped: too many hosts could not use the package. */
    ROLLOUT_STOPPED,
    /** Packages of this target were recalled, and nobody else is there to build another. */
    KNOWN_BAD,
    /** The target failed as often as the policy allows, or with every toolchain that there is. */
    FAILED_TOO_OFTEN,
    /** The package of this target could not be installed on this host. */
    INSTALL_FAILED,
    /** The kernel's release is outside the supported range. */
    KERNEL_OUT_OF_RANGE,
    /** Headers or modules of this kernel are there, its image is not (or cannot be read): wrong upgrade order. */
    IMAGE_NOT_INSTALLED,
    /** The module needs a symbol map, and no host with this image has a usable one: it comes with the first boot. */
    WAITING_FOR_FIRST_BOOT,
    /** Hosts could build, and the maintenance window of all of them is closed. */
    OUTSIDE_WINDOW,
    /** As many builds run as the policy allows at once. */
    BUILD_LIMIT,
    /** The last build failed for a reason outside of it; the next try has its time. */
    RETRY_LATER,
    /** Secure Boot is on, and the key that signs the fleet's modules is not enrolled. */
    KEY_NOT_ENROLLED,
    /** The policy does not let hosts of this group be changed. */
    CONSENT_MISSING,
    /** Somebody builds this target already. */
    BUILD_RUNNING,
    /** A package is there and its first host tries it. */
    CANARY_RUNNING,
    /** The module's source has not arrived at the store. */
    SOURCE_NOT_PUBLISHED,
    /** Nobody has built this target yet, and this host can. */
    NO_PACKAGE,
    /** Another host builds for this image. */
    BUILD_ELSEWHERE,
    /** No host with this image can build. */
    NO_BUILD_ENVIRONMENT
}
