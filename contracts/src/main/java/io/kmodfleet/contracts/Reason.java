package io.kmodfleet.contracts;

/** Why a decision is what it is. Wire names; one is never renamed or given another meaning. */
public enum Reason {
    /** The wanted version is installed for this very image. */
    UP_TO_DATE,
    /** The policy does not name this operating system. */
    OS_UNSUPPORTED,
    /** The policy supports this operating system only from a later platform release on. */
    PLATFORM_TOO_OLD,
    /** The policy does not name this architecture. */
    ARCH_UNSUPPORTED,
    /** The module's own source says that this kernel is not for it (dkms exit code 77, {@code BUILD_EXCLUSIVE_*}). */
    NOT_APPLICABLE,
    /** The agent on this host only looks and reports. */
    OBSERVE_ONLY,
    /** A package for this very target is there. */
    PACKAGE_EXACT,
    /** The target failed as often as the policy allows. */
    FAILED_TOO_OFTEN,
    /** The package of this target could not be installed on this host. */
    INSTALL_FAILED,
    /** The kernel's release is outside the supported range. */
    KERNEL_OUT_OF_RANGE,
    /** Headers or modules of this kernel are there, its image is not (or cannot be read): wrong upgrade order. */
    IMAGE_NOT_INSTALLED,
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
