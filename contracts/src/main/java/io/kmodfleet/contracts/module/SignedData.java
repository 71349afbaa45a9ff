package io.kmodfleet.contracts.module;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * CMS {@code SignedData} with exactly one signer (RFC 5652, 5.1).
 *
 * @param detached whether what is signed is not in it
 * @param certificates whether certificates are in it
 * @param signer its {@code SignerInfo}
 */
record SignedData(boolean detached, boolean certificates, ByteBuffer signer) {

    /** 1.2.840.113549.1.7.2. */
    private static final byte[] SIGNED_DATA = HexFormat.of().parseHex("2a864886f70d010702");

    static SignedData read(ByteBuffer pkcs7) throws NotAModule {
        ByteBuffer contentInfo = Der.take(pkcs7, Der.SEQUENCE);
        Elf.require(
                Arrays.equals(Der.bytes(Der.take(contentInfo, Der.OBJECT_ID)), SIGNED_DATA),
                "signed data",
                "it is not");
        ByteBuffer signed = Der.take(Der.take(contentInfo, Der.CONTEXT_0), Der.SEQUENCE);
        Der.take(signed, Der.INTEGER);
        Der.take(signed, Der.SET);
        ByteBuffer content = Der.take(signed, Der.SEQUENCE);
        Der.take(content, Der.OBJECT_ID);
        boolean certificates = Der.skip(signed, Der.CONTEXT_0);
        Der.skip(signed, Der.CONTEXT_1);
        ByteBuffer signers = Der.take(signed, Der.SET);
        ByteBuffer signer = Der.take(signers, Der.SEQUENCE);
        Elf.require(!signers.hasRemaining(), "one signer", "there are more");
        return new SignedData(!content.hasRemaining(), certificates, signer);
    }
}
