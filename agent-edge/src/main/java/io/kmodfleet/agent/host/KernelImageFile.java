package io.kmodfleet.agent.host;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * The boot header of an x86 bzImage (Linux, Documentation/arch/x86/boot.rst): {@code HdrS} at 0x202; at 0x20e, little-endian, the
 * offset less 0x200 of the version string that {@code uname -r} and {@code uname -v} print once it runs.
 */
final class KernelImageFile {

    /** So many bytes from its beginning are enough. */
    static final int HEADER = 66 * 1024;

    private static final int MAGIC_AT = 0x202;
    private static final int VERSION_AT = 0x20e;
    private static final int LONGEST = 512;

    private KernelImageFile() {}

    /** Empty for an image of another form. */
    static Optional<String> version(byte[] beginning) {
        byte[] magic = "HdrS".getBytes(StandardCharsets.US_ASCII);
        if (beginning.length < VERSION_AT + 2
                || !java.util.Arrays.equals(beginning, MAGIC_AT, MAGIC_AT + 4, magic, 0, magic.length)) {
            return Optional.empty();
        }
        int at = (ByteBuffer.wrap(beginning).order(ByteOrder.LITTLE_ENDIAN).getShort(VERSION_AT) & 0xffff) + 0x200;
        int end = at;
        while (end < beginning.length && end - at < LONGEST && beginning[end] != 0) {
            end++;
        }
        return end <= at || end == beginning.length
                ? Optional.empty()
                : Optional.of(new String(beginning, at, end - at, StandardCharsets.US_ASCII));
    }
}
