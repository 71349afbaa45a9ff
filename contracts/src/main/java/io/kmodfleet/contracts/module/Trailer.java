package io.kmodfleet.contracts.module;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;

/**
 * Where a module's body ends and its signature begins: {@code body | PKCS#7 | struct module_signature | marker}
 * (include/linux/module_signature.h). Taken only in the one form that {@code sign-file} writes.
 *
 * @param bodyLength bytes before it; the whole file where it is not signed
 * @param signature the PKCS#7 as it stands there
 */
record Trailer(int bodyLength, Optional<ByteBuffer> signature) {

    private static final byte[] MARKER = "~Module signature appended~\n".getBytes(StandardCharsets.US_ASCII);
    private static final int STRUCT = 12;
    private static final int PKCS7 = 2;
    private static final int SEQUENCE = 0x30;

    /** Far above any signature with one signer and no certificates, whatever its algorithm. */
    private static final int LONGEST = 16 * 1024;

    static Trailer of(byte[] file) throws NotAModule {
        if (!endsWithMarker(file, file.length)) {
            return new Trailer(file.length, Optional.empty());
        }
        int struct = file.length - MARKER.length - STRUCT;
        Elf.require(struct >= 0, "a signature before its marker", "the file has only " + file.length + " bytes");
        Elf.require(struct > 0, "a module before its signature trailer", "there is none");
        field(file, struct, "algo", 0);
        field(file, struct + 1, "hash", 0);
        int form = file[struct + 2] & 0xff;
        Elf.require(form != 0, "a PKCS#7 signature", "the trailer says PGP, which kernels dropped");
        Elf.require(form != 1, "a PKCS#7 signature", "the trailer says X.509, which kernels dropped");
        Elf.require(form == PKCS7, "a PKCS#7 signature", "the trailer says form " + form);
        field(file, struct + 3, "signer_len", 0);
        field(file, struct + 4, "key_id_len", 0);
        for (int i = 0; i < 3; i++) {
            field(file, struct + 5 + i, "pad[" + i + "]", 0);
        }
        long length = ByteBuffer.wrap(file).getInt(struct + 8) & 0xffff_ffffL;
        Elf.require(length != 0, "a signature in the trailer", "sig_len is 0");
        Elf.require(length <= struct, "a signature inside the file", "sig_len is " + length + " of " + struct);
        Elf.require(length < struct, "a module before its signature", "the signature is all there is");
        Elf.require(length <= LONGEST, "a signature of at most " + LONGEST + " bytes", "sig_len is " + length);
        int body = struct - (int) length;
        ByteBuffer signature = ByteBuffer.wrap(file, body, (int) length).slice();
        checkWhole(signature);
        Elf.require(!endsWithMarker(file, body), "one signature trailer", "there is another before it");
        return new Trailer(body, Optional.of(signature));
    }

    /** The bytes before it, not copied. */
    ByteBuffer body(byte[] file) {
        return ByteBuffer.wrap(file, 0, bodyLength).slice();
    }

    private static boolean endsWithMarker(byte[] file, int end) {
        int at = end - MARKER.length;
        return at >= 0 && Arrays.equals(file, at, end, MARKER, 0, MARKER.length);
    }

    private static void field(byte[] file, int at, String name, int expected) throws NotAModule {
        Elf.require(
                file[at] == expected,
                name + " = " + expected + " in the PKCS#7 signature trailer",
                "it is " + (file[at] & 0xff));
    }

    /** One DER element and not a byte more: {@code sig_len} and the signature itself say where it ends. */
    private static void checkWhole(ByteBuffer signature) throws NotAModule {
        Elf.require((signature.get(0) & 0xff) == SEQUENCE, "a signature that is a DER sequence", "it begins otherwise");
        Elf.require(signature.limit() >= 2, "a whole DER signature", "it has 1 byte");
        int count = signature.get(1) & 0xff;
        long content = count;
        int header = 2;
        if (count > 0x7f) {
            header += count & 0x7f;
            Elf.require(
                    header > 2 && header <= 5 && header <= signature.limit(),
                    "a definite length of the signature",
                    "it has none");
            content = 0;
            for (int i = 2; i < header; i++) {
                content = content << 8 | signature.get(i) & 0xff;
            }
        }
        Elf.require(
                header + content <= signature.limit(),
                "the whole signature in the trailer",
                "it has " + (header + content) + " bytes and sig_len is " + signature.limit());
        Elf.require(
                header + content == signature.limit(),
                "nothing between signature and trailer",
                "there are " + (signature.limit() - header - content) + " bytes");
    }
}
