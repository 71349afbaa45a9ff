package io.kmodfleet.contracts.module;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Optional;

/**
 * Whose key signed a module, as its PKCS#7 says (RFC 5652, 5.3, {@code SignerInfo.sid}). A claim: nothing is verified here, the
 * kernel does that.
 *
 * @param keyId in hexadecimal: the subject key identifier; where the signature names issuer and serial number instead, as
 *     sign-file and kmodsign do unless told otherwise, the serial number of the certificate
 * @param name the issuer's common name, where it is said
 */
public record ModuleSigner(String keyId, Optional<String> name) {

    private static final int SEQUENCE = 0x30;
    private static final int SET = 0x31;
    private static final int INTEGER = 0x02;
    private static final int OBJECT_ID = 0x06;
    private static final int CONTEXT_0 = 0xa0;
    private static final int CONTEXT_1 = 0xa1;
    private static final int KEY_ID = 0x80;

    /** 1.2.840.113549.1.7.2 and 2.5.4.3. */
    private static final byte[] SIGNED_DATA = HexFormat.of().parseHex("2a864886f70d010702");

    private static final byte[] COMMON_NAME = {0x55, 0x04, 0x03};
    private static final int LONGEST_ID = 64;
    private static final int LONGEST_NAME = 100;

    /** Empty where it is no DER of that form, or does not name exactly one signer. */
    static Optional<ModuleSigner> of(ByteBuffer pkcs7) {
        try {
            return Optional.of(read(pkcs7));
        } catch (NotAModule | BufferUnderflowException | IndexOutOfBoundsException e) {
            return Optional.empty();
        }
    }

    private static ModuleSigner read(ByteBuffer pkcs7) throws NotAModule {
        ByteBuffer contentInfo = take(pkcs7, SEQUENCE);
        Elf.require(Arrays.equals(bytes(take(contentInfo, OBJECT_ID)), SIGNED_DATA), "signed data", "it is not");
        ByteBuffer signed = take(take(contentInfo, CONTEXT_0), SEQUENCE);
        take(signed, INTEGER);
        take(signed, SET);
        take(signed, SEQUENCE);
        skip(signed, CONTEXT_0);
        skip(signed, CONTEXT_1);
        ByteBuffer signers = take(signed, SET);
        ByteBuffer signer = take(signers, SEQUENCE);
        Elf.require(!signers.hasRemaining(), "one signer", "there are more");
        take(signer, INTEGER);
        if (tag(signer) == KEY_ID) {
            return new ModuleSigner(id(take(signer, KEY_ID), 0), Optional.empty());
        }
        ByteBuffer issuerAndSerial = take(signer, SEQUENCE);
        ByteBuffer issuer = take(issuerAndSerial, SEQUENCE);
        ByteBuffer serial = take(issuerAndSerial, INTEGER);
        // It is positive: the zero that DER puts before a high bit is none of its digits.
        int from = serial.remaining() > 1 && serial.get(0) == 0 ? 1 : 0;
        return new ModuleSigner(id(serial, from), commonName(issuer));
    }

    private static Optional<String> commonName(ByteBuffer issuer) throws NotAModule {
        while (issuer.hasRemaining()) {
            ByteBuffer attribute = take(take(issuer, SET), SEQUENCE);
            if (Arrays.equals(bytes(take(attribute, OBJECT_ID)), COMMON_NAME)) {
                String name = new String(bytes(take(attribute, tag(attribute))), StandardCharsets.UTF_8)
                        .replaceAll("[\\p{Cntrl}\\p{Cf}]", "?");
                return Optional.of(name.length() > LONGEST_NAME ? name.substring(0, LONGEST_NAME) : name);
            }
        }
        return Optional.empty();
    }

    private static String id(ByteBuffer value, int from) throws NotAModule {
        byte[] bytes = bytes(value);
        Elf.require(
                bytes.length > 0 && bytes.length <= LONGEST_ID,
                "a key id of 1 to " + LONGEST_ID + " bytes",
                "it has " + bytes.length);
        return HexFormat.of().formatHex(bytes, from, bytes.length);
    }

    private static void skip(ByteBuffer from, int tag) throws NotAModule {
        if (tag(from) == tag) {
            take(from, tag);
        }
    }

    private static int tag(ByteBuffer from) {
        return from.get(from.position()) & 0xff;
    }

    /** The content of the next element, which must be of that kind; lengths are definite in DER. */
    private static ByteBuffer take(ByteBuffer from, int tag) throws NotAModule {
        int found = from.get() & 0xff;
        Elf.require(found == tag, "DER tag " + tag, "there is " + found);
        int length = from.get() & 0xff;
        if (length > 0x7f) {
            int count = length & 0x7f;
            Elf.require(count >= 1 && count <= 3, "a definite length", "it is not");
            length = 0;
            for (int i = 0; i < count; i++) {
                length = length << 8 | from.get() & 0xff;
            }
        }
        Elf.require(length <= from.remaining(), "an element inside the one around it", "it reaches beyond it");
        ByteBuffer content = from.slice(from.position(), length);
        from.position(from.position() + length);
        return content;
    }

    private static byte[] bytes(ByteBuffer content) {
        byte[] bytes = new byte[content.remaining()];
        content.get(bytes);
        return bytes;
    }
}
