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

    private static final int KEY_ID = 0x80;

    /** 2.5.4.3. */
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
        ByteBuffer signer = SignedData.read(pkcs7).signer();
        Der.take(signer, Der.INTEGER);
        return sid(signer);
    }

    /** {@code SignerIdentifier}, which comes next there. */
    static ModuleSigner sid(ByteBuffer signer) throws NotAModule {
        if (Der.tag(signer) == KEY_ID) {
            return new ModuleSigner(id(Der.take(signer, KEY_ID), 0), Optional.empty());
        }
        ByteBuffer issuerAndSerial = Der.take(signer, Der.SEQUENCE);
        ByteBuffer issuer = Der.take(issuerAndSerial, Der.SEQUENCE);
        ByteBuffer serial = Der.take(issuerAndSerial, Der.INTEGER);
        // It is positive: the zero that DER puts before a high bit is none of its digits.
        int from = serial.remaining() > 1 && serial.get(0) == 0 ? 1 : 0;
        return new ModuleSigner(id(serial, from), commonName(issuer));
    }

    private static Optional<String> commonName(ByteBuffer issuer) throws NotAModule {
        while (issuer.hasRemaining()) {
            ByteBuffer attribute = Der.take(Der.take(issuer, Der.SET), Der.SEQUENCE);
            if (Arrays.equals(Der.bytes(Der.take(attribute, Der.OBJECT_ID)), COMMON_NAME)) {
                String name = new String(Der.bytes(Der.take(attribute, Der.tag(attribute))), StandardCharsets.UTF_8)
                        .replaceAll("[\\p{Cntrl}\\p{Cf}]", "?");
                return Optional.of(name.length() > LONGEST_NAME ? name.substring(0, LONGEST_NAME) : name);
            }
        }
        return Optional.empty();
    }

    private static String id(ByteBuffer value, int from) throws NotAModule {
        byte[] bytes = Der.bytes(value);
        Elf.require(
                bytes.length > 0 && bytes.length <= LONGEST_ID,
                "a key id of 1 to " + LONGEST_ID + " bytes",
                "it has " + bytes.length);
        return HexFormat.of().formatHex(bytes, from, bytes.length);
    }
}
